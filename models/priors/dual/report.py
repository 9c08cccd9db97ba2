"""What one distillation was asked for, and what came of it."""

from msgspec import Struct


class DistillSettings(Struct, frozen=True, kw_only=True):
    """One training. `share` is the weight of the soft labels against the log's answers, 0 to 1."""

    share: float = 0.5
    epochs: int = 40
    batch: int = 256
    learning_rate: float = 2e-3
    decay: float = 3e-2
    hidden: int = 32
    joint: int = 16
    dropout: float = 0.2
    patience: int = 6
    seed: int = 0


class DistillReport(Struct, frozen=True, kw_only=True):
    """What came of it. Losses are in nats an example; `best_epoch` is the one that was kept."""

    settings: DistillSettings
    examples: int
    with_answer: int
    with_soft_label: int
    parameters: int
    best_epoch: int
    held_out: list[float]
    seconds: float
