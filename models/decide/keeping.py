"""What keeping pictures costs: takes as they are believed now, of what stays and of a choice anew.

What is answered as kept is not decided, so nothing of it is logged. Of a small share of requests
the pictures that stay are decided beside the answer, and nothing is done with it but this sum.
"""

import threading
from collections.abc import Container, Mapping
from random import Random
from typing import Final, NamedTuple

import numpy as np

from keyart.models.belief.hyper import Array
from keyart.models.decide.page import DecidedPage
from keyart.models.statistics.timeline import viewer_weights

DWELL: Final = "dwell"
SWAPS: Final = "swaps"
"""Why a picture stays."""
SHARE: Final = 1.0 / 32.0
"""Of the requests in which a picture stays, those that are looked at."""
LEAST_PICTURES: Final = 100
LEAST_VIEWERS: Final = 20.0
"""With fewer looked at no cost is told; viewers are counted as so many of equal weight."""
_WIDTH: Final = 1.96
"""Standard deviations on either side of a 95 % interval."""


class Takes(NamedTuple):
    """Of T pictures that stay: takes that are expected of choices anew, and of what stays."""

    pictures: int
    anew: float
    kept: float


class Cost(NamedTuple):
    """What keeping costs, of `pictures` looked at.

    `share` of the takes that choices anew would be expected to have, with a 95 % interval that
    clusters by viewer; below 0 where what stays is believed to be better. nan while too little was
    looked at.
    """

    pictures: int
    anew: float
    kept: float
    share: float
    low: float
    high: float


def takes_by(
    decided: DecidedPage, stays: Mapping[str, str], dwells: Container[str]
) -> dict[str, Takes]:
    """Return by reason what is expected of a page decided anew, and of what stays in its place.

    A choice anew is as the page's distribution has it, exploration and all, and so was what stays.

    Parameters
    ----------
    stays
        Title -> artwork, in the order of the page.
    dwells
        The titles that stay for their dwell period; the others do for lack of swaps.
    """
    mean = decided.page.mean  # (T, K)
    anew = (decided.propensities * mean).sum(axis=1).tolist()
    found: dict[str, Takes] = {}
    for at, (names, (title, artwork)) in enumerate(
        zip(decided.artworks, stays.items(), strict=True)
    ):
        reason = DWELL if title in dwells else SWAPS
        its = found.get(reason, Takes(0, 0.0, 0.0))
        kept = float(mean[at, names.index(artwork)])
        found[reason] = Takes(its.pictures + 1, its.anew + anew[at], its.kept + kept)
    return found


class Keeping:
    """Sums by reason of what was looked at; many threads may read.

    Parameters
    ----------
    share
        Of requests that are looked at, 0 to 1.
    """

    def __init__(self, *, share: float = SHARE) -> None:
        self._share = share
        self._drawn = Random(0)
        self._lock = threading.Lock()
        self._pictures: dict[str, int] = {}
        self._takes: dict[str, Array] = {}

    def looks(self) -> bool:
        """Draw whether a request is looked at."""
        return self._drawn.random() < self._share

    def add(self, reason: str, viewer: str, takes: Takes) -> None:
        """Add what was seen of one request."""
        weights = np.concatenate([[1.0], viewer_weights([viewer])[0]])  # (1 + REPLICATES,)
        more = np.outer([takes.anew, takes.kept], weights)
        with self._lock:
            self._pictures[reason] = self._pictures.get(reason, 0) + takes.pictures
            self._takes[reason] = self._takes.get(reason, 0.0) + more

    def costs(self) -> dict[str, Cost]:
        """Return reason -> what keeping costs."""
        with self._lock:
            return {name: _cost(self._pictures[name], its) for name, its in self._takes.items()}


def _cost(pictures: int, takes: Array) -> Cost:
    """Return the cost by sums (2, 1 + REPLICATES)."""
    anew, kept = takes[:, 0].tolist()
    mean = around = float("nan")
    # a viewer's weight is Poisson(1): the variance of a total is the sum of squares over viewers
    squares = float(((takes[0, 1:] - anew) ** 2).mean())
    if pictures >= LEAST_PICTURES and anew**2 > LEAST_VIEWERS * squares:
        drawn = 1.0 - takes[1, 1:] / takes[0, 1:]
        mean, around = 1.0 - kept / anew, _WIDTH * float(drawn.std(ddof=1))
    return Cost(pictures, anew, kept, mean, mean - around, mean + around)
