"""What a run tells while it runs: step by step, and when it evaluates."""

import math
from collections.abc import Callable
from typing import Any, Final

from transformers import TrainerCallback

from keyart.schemas.errors import ModelRejected

Progress = Callable[[str, int, int, float], None]
"""Called with stage, steps done, steps in all, and the last loss (nan before there is one)."""

NO_LOSS: Final = float("nan")


def silent(stage: str, done: int, total: int, loss: float) -> None:
    """Tell nothing."""


class Tell(TrainerCallback):
    """Passes the trainer's steps on, keeps the held-out losses, and ends a run that diverges.

    Raises
    ------
    ModelRejected
        A loss or a gradient is no finite number.
    """

    def __init__(self, stage: str, progress: Progress) -> None:
        self._stage = stage
        self._progress = progress
        self._loss = NO_LOSS
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
        said = logs or {}
        self._loss = float(said.get("loss", self._loss))
        for name in ("loss", "grad_norm", "eval_loss"):
            if not math.isfinite(said.get(name, 0.0)):
                raise ModelRejected(
                    f"{self._stage} diverged by step {state.global_step}: {name} is {said[name]}; "
                    "a smaller learning rate may do"
                )

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
