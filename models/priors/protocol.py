"""What every prior says: how the artworks of a title compare, and how much that is worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An artwork as a prior sees it.

    Parameters
    ----------
    artwork
        Its id.
    text
        Its description.
    vector
        (D,) its description in the embedding space.
    """

    artwork: str
    text: str
    vector: FloatArray


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


@runtime_checkable
class Prior(Protocol):
    """An opinion about artworks before they are shown."""

    @property
    def version(self) -> str:
        """Return the name and digest of what made the opinions."""
        ...

    def opinion(
        self, title: str, artworks: Sequence[Candidate], segment: str | None = None
    ) -> Relative:
        """Return the opinion of these artworks of a title.

        Parameters
        ----------
        segment
            A taste segment; None for everybody. A prior that knows no segments ignores it.
        """
        ...


def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (K,) values less their mean; of none, none."""
    return values - values.mean() if len(values) else values


def opinion_by(
    relative: Callable[[FloatArray], NDArray[np.float64]],
    artworks: Sequence[Candidate],
    strength: float,
) -> Relative:
    """Return the opinion of a prior that judges by vectors alone, the same for every segment.

    Parameters
    ----------
    relative
        From (N, D) vectors to (N,) log relative takes, not centred.
    strength
        What it is worth, in impressions; without artworks it is worth nothing.
    """
    if not artworks:
        return Relative(log_relative=np.zeros(0), strength=0.0)
    raw = relative(np.stack([artwork.vector for artwork in artworks]))
    return Relative(log_relative=centred(raw), strength=strength)


def relative_log(probabilities: NDArray[np.float64], *, floor: float = 1e-4) -> NDArray[np.float64]:
    """Return log probabilities less their mean: a prior's relative opinion, (K,), sums to 0."""
    logs = np.log(np.maximum(probabilities, floor))
    result: NDArray[np.float64] = logs - logs.mean()
    return result
