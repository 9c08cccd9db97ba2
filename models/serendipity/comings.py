"""How many of the people who came to some clusters came to another one afterwards.

Counted on the ways of viewers who teach: whoever was at the other cluster before is not counted at
all, because nobody comes to where they have been.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.serendipity.world import MOST_CLUSTERS, Ints

_NEVER = MOST_CLUSTERS + 1


class Counted(NamedTuple):
    """Of some clusters: `people` were there and not yet at another, `came` to it afterwards."""

    people: Ints
    came: Ints


class Comings:
    """The ways of viewers, to be counted.

    Parameters
    ----------
    orders
        Each viewer's clusters, the one entered first first.
    clusters
        K.
    """

    def __init__(self, orders: Sequence[Sequence[int]], clusters: int) -> None:
        at: NDArray[np.int16] = np.full((len(orders), clusters), _NEVER, np.int16)
        for row, order in enumerate(orders):
            at[row, list(order)] = np.arange(len(order))
        self._at = at

    def after_one(self) -> Counted:
        """Return (K, K) counts: of each cluster, for each other one."""
        clusters = self._at.shape[1]
        found = Counted(
            np.zeros((clusters, clusters), np.int64), np.zeros((clusters, clusters), np.int64)
        )
        for first in range(clusters):
            there = self._at[self._at[:, first] < _NEVER]
            found.people[first], found.came[first] = _counted(there, there[:, [first]])
        return found

    def after_two(self, first: int, others: Sequence[tuple[int, Sequence[int]]]) -> list[Counted]:
        """Return the counts after both of two clusters, for each second one and what follows."""
        there = self._at[self._at[:, first] < _NEVER]
        both = np.maximum(there, there[:, [first]])
        found = []
        for second, following in others:
            mine = both[:, second] < _NEVER
            found.append(
                Counted(*_counted(there[mine][:, list(following)], both[mine][:, [second]]))
            )
        return found


def _counted(at: NDArray[np.int16], since: NDArray[np.int16]) -> tuple[Ints, Ints]:
    came = ((at > since) & (at < _NEVER)).sum(axis=0, dtype=np.int64)
    return (at >= since).sum(axis=0, dtype=np.int64), came
