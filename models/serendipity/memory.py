"""What viewers together have done: counts over clusters, the ground of every planner."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.world import Floats, Ints, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Collective engagement.

    Attributes
    ----------
    depth
        (V, K) titles engaged with, by viewer and cluster, timed or not.
    follows
        (K, K) how often a cluster was the next new one after another.
    entered
        (V, K) 1 where the viewer's timed way has the cluster.
    """

    depth: Floats
    follows: Floats
    entered: Floats

    @property
    def clusters(self) -> int:
        """K."""
        return int(self.depth.shape[1])

    @property
    def reach(self) -> Floats:
        """(K,) share of viewers whose way has the cluster, above 0 and below 1."""
        share: Floats = (self.entered.sum(axis=0) + 0.5) / (len(self.entered) + 1.0)
        return share


def remember(
    world: World, ways: Ways, labels: Ints, viewers: Iterable[int], clusters: int
) -> Memory:
    """Return what these viewers have done."""
    chosen = sorted(viewers)
    place = np.full(len(world.viewers), -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    depth = np.zeros((len(chosen), clusters))
    mine = (place[world.viewer] >= 0) & (labels[world.title] >= 0)
    np.add.at(depth, (place[world.viewer[mine]], labels[world.title[mine]]), 1.0)
    orders = [ways.sequence(viewer).order for viewer in chosen]
    follows, entered = np.zeros((clusters, clusters)), np.zeros((len(chosen), clusters))
    for row, order in enumerate(orders):
        entered[row, list(order)] = 1.0
        _follow(follows, order)
    return Memory(depth=depth, follows=follows, entered=entered)


def _follow(follows: Floats, order: Sequence[int]) -> None:
    for before, after in zip(order, order[1:], strict=False):
        follows[before, after] += 1.0
