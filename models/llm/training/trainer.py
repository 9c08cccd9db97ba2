"""What the trainers of all stages have in common: how weights enter, and how a run is run."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_pt_utils import LengthGroupedSampler

from keyart.models.llm.training.arguments import newest_checkpoint
from keyart.models.llm.training.settings import TrainSettings


class ByLength(LengthGroupedSampler):
    """Rows of like length together, in an order that follows from seed and epoch alone.

    Whoever goes on from a checkpoint in a later pass goes on in the order of the one who was not
    stopped; the base class draws from whatever the process has drawn before.
    """

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Note which pass it is."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Yield the places of the rows."""
        self.generator = torch.Generator().manual_seed(self._seed + 1_000_003 * self._epoch)
        return iter(list(super().__iter__()))


class WeightedTrainer(Trainer):
    """A trainer whose loss is a mean over rows, divided by what they weigh on average.

    `mean_weight` is that of the rows that teach, `mean_held_out` that of those held out: of a
    question that many asked one order is held out and several teach, each with its part.
    """

    def __init__(self, *args: Any, mean_weight: float, mean_held_out: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._means = (mean_held_out, mean_weight)
        # The loss is a mean over rows: the base class divides by the accumulation steps.
        self.model_accepts_loss_kwargs = False

    def mean_weight(self, model: Any) -> float:
        """Return what the rows that a model is given now weigh on average."""
        return self._means[bool(model.training)]

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        args: Any = self.args
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        if args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        together = args.train_batch_size * args.gradient_accumulation_steps
        return ByLength(together, list(rows[args.length_column_name]), args.data_seed)


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
