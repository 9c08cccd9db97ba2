"""A scorer of proposals by collective feedback: which of what is proposed people were glad of.

Per cluster of a history and proposal: how many of the people who were in the one came to the other
afterwards. Aggregated over people, normalised by how often the proposal is come to from anywhere,
shrunk, and left out where too few were counted. Pointwise: it picks among what a planner proposes,
and reinforces nothing (2506.08283, section 3.3).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from keyart.models.serendipity.comings import Counted
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.world import Floats

LEAST: Final = 10
"""People, below whom nothing is said."""
SHRINKAGE: Final = 20.0
"""So many people of the usual share are added to those counted."""
TOP: Final = 5


@dataclass(frozen=True, slots=True)
class Scorer:
    """`lifts` (K, K): log of how much more often people of one cluster come to another than usual.

    0 where too few were counted.
    """

    lifts: Floats

    def scores(self, history: History) -> Floats:
        """Return (K,): the mean over the clusters of a history, which must have one."""
        made: Floats = self.lifts[list(history.order)].mean(axis=0)
        return made


def scorer_of(after: Counted, *, shuffled: np.random.Generator | None = None) -> Scorer:
    """Return a scorer of (K, K) counts after one cluster.

    `shuffled`: the control: what was counted of a cluster is given to another one at random.
    """
    people, came = after.people.astype(np.float64), after.came.astype(np.float64)
    usual = came.sum(axis=0) / np.maximum(people.sum(axis=0), 1.0)
    share = (came + SHRINKAGE * usual) / (people + SHRINKAGE)
    lifts = np.log(np.maximum(share, 1e-9) / np.maximum(usual, 1e-9))
    lifts[people < LEAST] = 0.0
    if shuffled is not None:
        lifts = shuffled.permuted(lifts, axis=1)
    return Scorer(lifts)


def best_of(worth: Floats, told: Floats, explored: tuple[int, ...], n: int) -> Floats:
    """Return what a planner says of K clusters, the best of it put in the scorer's order.

    Parameters
    ----------
    worth, told
        (K,) of the planner and of the scorer.
    explored
        Clusters that are not proposed.
    n
        Of the five times n clusters that the planner proposes first the scorer's favourites are
        first; their scores are the planner's, dealt anew. 1: as the planner has them.
    """
    shown = worth.copy()
    shown[list(explored)] = -np.inf
    pool = np.argsort(-shown, kind="stable")[: TOP * n]
    pool = pool[np.isfinite(shown[pool])]
    made = worth.copy()
    if n > 1:
        made[pool[np.argsort(-told[pool], kind="stable")]] = shown[pool]
    return made
