"""Which clusters to propose: what the table says after a viewer's latest pairs, told together.

A table answers for two clusters. Those that a viewer entered last speak first; earlier pairs speak
half as loud with each step back, so that the page does not run dry when the first proposals were
declined. Ranks are added as reciprocals (Cormack, Clarke & Büttcher 2009), without a constant: the
first place counts twice the second.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from keyart.models.serendipity.table import Table

PAIRS: Final = 6
"""How many pairs back are asked."""


class Proposal(NamedTuple):
    """A cluster, and the pair that spoke for it most; `second` None: a single cluster did."""

    cluster: int
    first: int
    second: int | None


def proposals_of(table: Table, explored: Sequence[int]) -> list[Proposal]:
    """Return the clusters to propose, best first, none of them explored; none of nobody's way.

    Parameters
    ----------
    table
        What is proposed after what.
    explored
        Clusters of the viewer, the one entered first first.
    """
    if len(explored) == 1:
        (only,) = explored
        pairs = [(1.0, before, only) for before in range(table.manifest.clusters) if before != only]
    else:
        latest = list(zip(explored, explored[1:], strict=False))[: -PAIRS - 1 : -1]
        pairs = [(0.5**back, first, second) for back, (first, second) in enumerate(latest)]
    worth: dict[int, float] = {}
    loudest: dict[int, tuple[float, int, int]] = {}
    for weight, first, second in pairs:
        for rank, cluster in enumerate(table.pairs.get((first, second), ())):
            if cluster in explored:
                continue
            says = weight / (1 + rank)
            worth[cluster] = worth.get(cluster, 0.0) + says
            if says > loudest.get(cluster, (0.0, 0, 0))[0]:
                loudest[cluster] = says, first, second
    best = sorted(worth, key=lambda cluster: (-worth[cluster], cluster))
    if len(explored) == 1:
        return [Proposal(cluster, explored[0], None) for cluster in best]
    return [Proposal(cluster, *loudest[cluster][1:]) for cluster in best]
