"""What a post-training run is asked for, and what it reports."""

from typing import Final, Literal

from msgspec import Struct

from keyart.schemas.errors import SettingsError

Method = Literal["sft", "rationale", "dpo", "sft+dpo", "spans"]
METHODS: Final[tuple[Method, ...]] = ("sft", "rationale", "dpo", "sft+dpo", "spans")


class TrainSettings(Struct, frozen=True, kw_only=True):
    """One post-training run.

    `lora` is the adapter's rank, 0 trains every weight; `layers` adapts only that many last layers
    (0 all of them), so that nothing is carried back through the others. `keep` is how many lower
    layers a span reader has (method `spans`; 0 two thirds). `reason_share` is the
    weight of the reason beside the answer (method `rationale`). `patience`: evaluations without a
    better held-out likelihood before it stops. `resume` continues from the newest checkpoint in the
    output folder. `dtype` float32, or bfloat16 where the GPU has it. `checkpointing` recomputes
    activations to save memory.
    """

    model: str = "smollm2"
    template: str = "choose.v1"
    method: Method = "sft"
    epochs: float = 2.0
    learning_rate: float = 2e-4
    batch: int = 8
    accumulate: int = 1
    lora: int = 16
    layers: int = 0
    keep: int = 0
    beta: float = 0.1
    reason_share: float = 0.5
    shuffles: int = 1
    seed: int = 0
    evaluations: int = 6
    patience: int = 3
    valid_examples: int = 200
    max_examples: int = 0
    resume: bool = False
    dtype: str = "float32"
    device: str = ""
    checkpointing: bool = False

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises
        ------
        SettingsError
            A number is out of its bounds, or the method is unknown.
        """
        if self.method not in METHODS:
            raise SettingsError(f"method {self.method} is none of {', '.join(METHODS)}")
        if self.epochs <= 0 or self.learning_rate <= 0 or self.beta <= 0:
            raise SettingsError("epochs, learning rate and beta must be above 0")
        if min(self.batch, self.accumulate, self.shuffles, self.evaluations, self.patience) < 1:
            raise SettingsError("batch, accumulate, shuffles, evaluations, patience: at least 1")
        if min(self.lora, self.layers, self.keep, self.max_examples) < 0 or self.valid_examples < 1:
            raise SettingsError(
                "lora, layers, keep, max examples: at least 0; valid examples: at least 1"
            )
        if self.dtype not in ("float32", "bfloat16"):
            raise SettingsError("dtype is float32 or bfloat16")


class StageReport(Struct, frozen=True, kw_only=True):
    """One stage of a run. Losses in nats; `held_out` one an evaluation.

    Of a span reader the first of them is that of the head on the frozen decoder.
    """

    stage: str
    examples: int
    steps: int
    seconds: float
    train_loss: float
    held_out: list[float]
    stopped_early: bool


class TrainReport(Struct, frozen=True, kw_only=True):
    """A run as a whole; written as `report.json` beside the model."""

    settings: TrainSettings
    base: str
    template_digest: str
    parameters: int
    trained_parameters: int
    stages: list[StageReport]
    seconds: float
    device: str
    dataset: str
    libraries: dict[str, str]
    version: int = 1
