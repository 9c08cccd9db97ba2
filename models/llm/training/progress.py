"""What a run tells while it runs: step by step, and when it evaluates."""

from collections.abc import Callable
from typing import Any, Final

from transformers import TrainerCallback

Progress = Callable[[str, int, int, float], None]
"""Called with stage, steps done, steps in all, and the last loss (nan before there is one)."""

_NONE: Final = float("nan")


def silent(stage: str, done: int, total: int, loss: float) -> None:
    """Tell nothing."""


class Tell(TrainerCallback):
    """Passes the trainer's steps on, and keeps the held-out losses."""

    def __init__(self, stage: str, progress: Progress) -> None:
        self._stage = stage
        self._progress = progress
        self._loss = _NONE
        self.held_out: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Pass the step on."""
        self._progress(self._stage, state.global_step, state.max_steps, self._loss)

    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep the last loss."""
        self._loss = float((logs or {}).get("loss", self._loss))

    def on_evaluate(
        self,
        args: Any,
        state: Any,
        control: Any,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep the held-out loss."""
        if metrics and "eval_loss" in metrics:
            self.held_out.append(float(metrics["eval_loss"]))
