"""What a viewer's own taste adds to a dual encoder's word, on takes it has not seen."""

from collections.abc import Sequence

import numpy as np
import torch
from msgspec import Struct

from keyart.models.dataset.examples import Example
from keyart.models.priors.dual.network import DualNetwork
from keyart.models.priors.dual.vectors import VIEWER_WIDTH, Floats, viewer_of_history


class ViewerGain(Struct, frozen=True, kw_only=True):
    """Nats that a take gains from its viewer's history, its standard error, and of how many."""

    value: float
    error: float
    takes: int


def viewer_gain(
    network: DualNetwork, examples: Sequence[Example], vectors: dict[str, Floats]
) -> ViewerGain | None:
    """Return how much likelier takes are with the history than for a stranger.

    The mean over answered examples of viewers with a history, by their weights (inverse
    propensities), of log p(artwork | history) - log p(artwork | nobody known); its standard error
    is of sums by viewer (a ratio's, linearised). None where there are fewer than two such viewers.
    """
    kept = [each for each in examples if each.answer >= 0 and each.history and each.weight > 0]
    viewers, cluster = np.unique([each.viewer for each in kept], return_inverse=True)
    if len(viewers) < 2:
        return None
    gains = np.empty(len(kept))
    with torch.no_grad():
        for at, example in enumerate(kept):
            both = np.zeros((2, VIEWER_WIDTH), np.float32)
            both[0] = viewer_of_history(example.history, vectors)
            words = np.stack([vectors[option.description] for option in example.options])
            scores = network(torch.from_numpy(both), torch.from_numpy(words)).double()
            logs = scores.log_softmax(-1)[:, example.answer].numpy()
            gains[at] = logs[0] - logs[1]
    weights = np.array([each.weight for each in kept])
    mean = float((weights * gains).sum() / weights.sum())
    rests = np.bincount(cluster, weights * (gains - mean), minlength=len(viewers))
    spread = len(viewers) / (len(viewers) - 1) * float(np.square(rests).sum())
    return ViewerGain(value=mean, error=spread**0.5 / float(weights.sum()), takes=len(kept))
