"""One loss from two teachers: the language model's soft labels and the logged rewards."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from keyart.models.dataset.examples import Example
from keyart.models.priors.dual.network import DualNetwork
from keyart.models.priors.dual.report import DistillReport, DistillSettings
from keyart.models.priors.dual.vectors import VIEWER_WIDTH, Floats, viewer_of_history
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.taste import TASTE_DIMENSIONS


class _Rows:
    """Examples as arrays: viewers (N, D_v), artworks (N, K, D_a), targets and their weights."""

    def __init__(
        self,
        examples: Sequence[Example],
        soft: Sequence[NDArray[np.float64] | None],
        vectors: dict[str, Floats],
        share: float,
    ) -> None:
        count, width = len(examples), max(len(example.options) for example in examples)
        size = next(iter(vectors.values())).size
        self.viewers = torch.zeros(count, VIEWER_WIDTH)
        self.artworks = torch.zeros(count, width, size)
        self.mask = torch.zeros(count, width, dtype=torch.bool)
        self.target = torch.zeros(count, width)
        for at, (example, label) in enumerate(zip(examples, soft, strict=True)):
            options = len(example.options)
            self.viewers[at] = torch.from_numpy(viewer_of_history(example.history, vectors))
            words = np.stack([vectors[option.description] for option in example.options])
            self.artworks[at, :options] = torch.from_numpy(words)
            self.mask[at, :options] = True
            if label is not None:
                self.target[at, :options] += share * torch.from_numpy(label).float()
            if example.answer >= 0:
                self.target[at, example.answer] += (1 - share) * example.weight

    def loss(self, network: DualNetwork, rows: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy of the blended targets, which need not sum to 1."""
        scores = network.rows(self.viewers[rows], self.artworks[rows])
        logs = scores.masked_fill(~self.mask[rows], -1e9).log_softmax(-1)
        return -(self.target[rows] * logs).sum() / len(rows)


def train_dual(
    train: Sequence[Example],
    valid: Sequence[Example],
    soft: dict[str, NDArray[np.float64]],
    vectors: dict[str, Floats],
    settings: DistillSettings,
    *,
    progress: Callable[[int, int, float], None] = lambda _done, _total, _loss: None,
) -> tuple[DualNetwork, DistillReport]:
    """Return the dual encoder and its report.

    The loss of an example is cross-entropy with one target, `share` times the language model's
    probabilities plus (1 - `share`) times the importance-weighted answer: the distillation of
    Hinton et al. (2015) with the log as the hard label. The epoch with the lowest loss on `valid`
    is kept.

    Parameters
    ----------
    soft
        The language model's probabilities by example id; examples may be without.
    vectors
        The space's vector of every text in the examples.

    Raises
    ------
    InvalidRecord
        There is nothing to learn from, or nothing to hold out.
    """
    started = time.monotonic()
    kept = [example for example in train if example.answer >= 0 or example.id in soft]
    held = [example for example in valid if example.answer >= 0 or example.id in soft]
    if not kept or not held:
        raise InvalidRecord("distilling needs examples to learn from and to hold out")
    torch.manual_seed(settings.seed)
    rows = _Rows(kept, [soft.get(each.id) for each in kept], vectors, settings.share)
    checks = _Rows(held, [soft.get(each.id) for each in held], vectors, settings.share)
    network = DualNetwork(
        viewer=VIEWER_WIDTH,
        artwork=rows.artworks.shape[-1],
        shared=TASTE_DIMENSIONS,
        hidden=settings.hidden,
        joint=settings.joint,
        dropout=settings.dropout,
    )
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.decay
    )
    best, best_epoch, losses = network.state_dict(), 0, list[float]()
    for epoch in range(settings.epochs):
        network.train()
        order = torch.randperm(len(kept))
        for start in range(0, len(kept), settings.batch):
            optimiser.zero_grad()
            loss: Any = rows.loss(network, order[start : start + settings.batch])
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            losses.append(checks.loss(network, torch.arange(len(held))).item())
        progress(epoch + 1, settings.epochs, losses[-1])
        if losses[-1] <= min(losses):
            best_epoch = epoch
            best = {name: value.clone() for name, value in network.state_dict().items()}
        if epoch - best_epoch >= settings.patience:
            break
    network.load_state_dict(best)
    report = DistillReport(
        settings=settings,
        examples=len(kept),
        with_answer=sum(example.answer >= 0 for example in kept),
        with_soft_label=sum(example.id in soft for example in kept),
        parameters=sum(each.numel() for each in network.parameters()),
        best_epoch=best_epoch,
        held_out=[round(loss, 5) for loss in losses],
        seconds=round(time.monotonic() - started, 2),
    )
    return network.eval(), report
