"""What the trainers of all stages have in common: how weights enter, and how a run is run."""

import math
from pathlib import Path
from typing import Any

from transformers import Trainer
from transformers.trainer_callback import PrinterCallback

from keyart.models.llm.training.arguments import newest_checkpoint
from keyart.models.llm.training.settings import TrainSettings


class WeightedTrainer(Trainer):
    """A trainer whose loss is a mean over rows, which `mean_weight`, theirs, is to divide."""

    def __init__(self, *args: Any, mean_weight: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mean_weight = mean_weight
        # The loss is a mean over rows: the base class divides by the accumulation steps.
        self.model_accepts_loss_kwargs = False


def planned_steps(rows: int, settings: TrainSettings) -> int:
    """Return the optimiser's steps, at least 1, that the epochs over so many rows take."""
    return max(1, math.ceil(rows / (settings.batch * settings.accumulate) * settings.epochs))


def run_trainer(trainer: Any, folder: Path, *, resume: bool) -> tuple[int, float]:
    """Train, from the newest checkpoint if asked; return trained parameters and the mean loss."""
    # It prints, and standard output is the report's alone.
    trainer.remove_callback(PrinterCallback)
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    last = newest_checkpoint(folder) if resume else None
    result = trainer.train(resume_from_checkpoint=last)
    return trained, float(result.training_loss)
