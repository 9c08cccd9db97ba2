"""Planners that count: popularity, Markov, and co-occurrence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keyart.models.serendipity.histories import History
from keyart.models.serendipity.memory import Memory
from keyart.models.serendipity.world import Floats

BACK_OFF: Final = 1e-3
"""Weight of popularity where nothing was counted."""


@dataclass(frozen=True, kw_only=True)
class Random:
    """Any cluster, all alike: the floor. The same histories in the same order get the same."""

    clusters: int
    seed: int = 0
    name: str = "random"

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        return np.random.default_rng(self.seed).random((len(histories), self.clusters))


class Popular:
    """The clusters that most viewers come to."""

    name = "popular"

    def __init__(self, memory: Memory) -> None:
        self._reach = memory.reach

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        return np.tile(self._reach, (len(histories), 1))


class Markov:
    """What viewers came to right after the last cluster."""

    name = "markov"

    def __init__(self, memory: Memory) -> None:
        self._follows = memory.follows
        self._reach = memory.reach

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        last = [each.order[-1] for each in histories]
        made: Floats = self._follows[last] + BACK_OFF * self._reach
        return made


class Cooccurrence:
    """The sum, over clusters of the history, of the share of their viewers who have another too.

    Scores are its logarithm: ranks are the same, and popularity comes off as a factor.

    Parameters
    ----------
    memory
        Whose viewers are counted: those with a timed way and those without.
    last
        How many of the latest clusters speak; 0: all.
    """

    def __init__(self, memory: Memory, *, last: int = 0) -> None:
        self.name = f"co-occurrence of the last {last}" if last else "co-occurrence"
        self._given = given_of(memory)
        self._reach = memory.reach
        self._last = last

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        return together(self._given, self._reach, histories, last=self._last)


def given_of(memory: Memory) -> Floats:
    """Return the share of the viewers of one cluster who have another too, (K, K); 0 of itself."""
    has = (memory.depth > 0.0).astype(np.float64)
    both = has.T @ has
    np.fill_diagonal(both, 0.0)
    share: Floats = both / np.maximum(has.sum(axis=0), 1.0)[:, None]
    return share


def together(
    given: Floats, reach: Floats, histories: Sequence[History], *, last: int = 0
) -> Floats:
    """Return the logarithm of the shares' sum over each history's clusters, (N, K).

    `last`: only so many of the latest clusters speak; 0: all.
    """
    some = [list(each.order[-last:]) for each in histories]
    sums = np.stack([given[each].sum(axis=0) for each in some])
    made: Floats = np.log(sums + BACK_OFF * reach)
    return made
