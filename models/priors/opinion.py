"""What a prior says: how the artworks of a title compare, and how much that is worth."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """An opinion of one title's K artworks.

    Parameters
    ----------
    log_relative
        (K,) expected take of each artwork on a log scale, centred: it sums to zero.
    strength
        How many impressions the opinion is worth, at least 0; 0 says nothing.
    """

    log_relative: NDArray[np.float64]
    strength: float


def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (K,) values less their mean; of none, none."""
    return values - values.mean() if len(values) else values


def opinion_by(
    relative: Callable[[FloatArray], NDArray[np.float64]], vectors: FloatArray, strength: float
) -> Relative:
    """Return the opinion of a prior that judges by vectors alone.

    Parameters
    ----------
    relative
        From (K, D) vectors to (K,) log relative takes, not centred.
    vectors
        (K, D) of the artworks of one title.
    strength
        What it is worth, in impressions; without artworks it is worth nothing.
    """
    if not len(vectors):
        return Relative(log_relative=np.zeros(0), strength=0.0)
    return Relative(log_relative=centred(relative(vectors)), strength=strength)


def relative_log(probabilities: NDArray[np.float64], *, floor: float = 1e-4) -> NDArray[np.float64]:
    """Return log probabilities less their mean: a prior's relative opinion, (K,), sums to 0."""
    logs = np.log(np.maximum(probabilities, floor))
    result: NDArray[np.float64] = logs - logs.mean()
    return result
