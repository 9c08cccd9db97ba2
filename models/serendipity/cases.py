"""Viewers split in time: what a planner may know, and what the viewer came to later."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from keyart.models.serendipity.histories import History, history_of
from keyart.models.serendipity.world import Floats, Ints, World

SHARES: Final = (0.3, 0.5, 0.7)
"""Where viewers who teach are cut, each once at every share."""
SHARE: Final = 0.7
"""Where viewers who are judged are cut: nearest to so much of what they did."""


class Case(NamedTuple):
    """A viewer at one moment.

    `titles` and `later` are what was engaged with before and after, `targets` the clusters that
    were entered only after.
    """

    viewer: int
    history: History
    titles: tuple[int, ...]
    later: tuple[int, ...]
    targets: tuple[int, ...]


class Ways:
    """Every viewer's engagements in order of time, those in a cluster.

    Parameters
    ----------
    labels
        (titles,) cluster of each title; below 0: none.
    seed
        Where no engagement of the whole world has a time, each viewer's are put in a random order.
    """

    def __init__(self, world: World, labels: Ints, *, seed: int = 0) -> None:
        self._labels = labels
        at_ms = world.at_ms
        if not world.timed:
            at_ms = np.random.default_rng(seed).permutation(len(at_ms)).astype(np.float64)
        kept = np.isfinite(at_ms) & (labels[world.title] >= 0)
        order = np.lexsort((world.title[kept], at_ms[kept], world.viewer[kept]))
        self._viewer = world.viewer[kept][order]
        self._title = world.title[kept][order]
        self._at: Floats = at_ms[kept][order]

    def of(self, viewer: int) -> tuple[Ints, Floats]:
        """Return a viewer's titles, oldest first, and when."""
        first, last = np.searchsorted(self._viewer, [viewer, viewer + 1])
        return self._title[first:last], self._at[first:last]

    def sequence(self, viewer: int) -> History:
        """Return a viewer's whole way."""
        titles, _ = self.of(viewer)
        return history_of(self._labels[titles].tolist())

    def case(self, viewer: int, share: float) -> Case | None:
        """Return a viewer cut between two moments, nearest to this share of the engagements.

        None for one who has only one moment, or enters no new cluster afterwards.
        """
        titles, at = self.of(viewer)
        moments, counts = np.unique(at, return_counts=True)
        if len(moments) < 2:
            return None
        shares = np.cumsum(counts)[:-1] / counts.sum()
        cut = moments[1 + int(np.abs(shares - share).argmin())]
        before, after = titles[at < cut], titles[at >= cut]
        history = history_of(self._labels[before].tolist())
        entered = dict.fromkeys(self._labels[after].tolist())
        targets = tuple(each for each in entered if each not in set(history.order))
        if not targets:
            return None
        return Case(viewer, history, tuple(before.tolist()), tuple(after.tolist()), targets)

    def cases(self, viewers: Iterable[int], share: float = SHARE) -> list[Case]:
        """Return the cases of these viewers, those that can be judged."""
        found = (self.case(viewer, share) for viewer in viewers)
        return [case for case in found if case is not None]
