"""Which clusters to propose to a viewer, best first, by what a table knows.

A table with the planner's own arrays answers for the whole history. One that knows pairs alone is
asked for the latest pairs: those that a viewer entered last speak first; earlier pairs speak half
as loud with each step back, so that the page does not run dry when the first proposals were
declined. Ranks are added as reciprocals (Cormack, Clarke & Büttcher 2009), without a constant: the
first place counts twice the second.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from keyart.models.serendipity.histories import History
from keyart.models.serendipity.scorer import best_of
from keyart.models.serendipity.table import Table
from keyart.models.serendipity.world import Floats

PAIRS: Final = 6
"""How many pairs back are asked."""


def proposals_of(
    table: Table, explored: Sequence[int], depths: Sequence[int] | None = None
) -> list[int]:
    """Return the clusters to propose, best first, none of them explored; none of nobody's way.

    Parameters
    ----------
    table
        What is proposed after what.
    explored
        Clusters of the viewer, the one entered first first.
    depths
        How many titles of each were taken; one each unless it is said.
    """
    if not explored:
        return []
    worth = worth_of(table, explored, depths)
    worth[list(explored)] = -np.inf
    order = np.argsort(-worth, kind="stable")
    return [int(at) for at in order if worth[at] > -np.inf]


def worth_of(table: Table, explored: Sequence[int], depths: Sequence[int] | None = None) -> Floats:
    """Return (K,): how much speaks for each cluster, -inf where nothing does."""
    if table.collective is not None:
        counts = (1,) * len(explored) if depths is None else tuple(depths)
        history, n = History(tuple(explored), counts), table.manifest.best_of
        worth = table.collective.scores(history)
        if n > 1:
            told = table.collective.scorer.scores(history)
            return best_of(worth, told, history.order, n)
        return worth
    worth = np.zeros(table.manifest.clusters)
    for weight, first, second in pairs_of(table, explored):
        if (row := table.rows.get((first, second))) is not None:
            for rank, cluster in enumerate(row.proposals):
                worth[cluster] += weight / (1 + rank)
    return np.where(worth > 0.0, worth, -np.inf)


def pairs_of(table: Table, explored: Sequence[int]) -> list[tuple[float, int, int]]:
    """Return the pairs that are asked of a table, the loudest first, each with its weight."""
    if len(explored) == 1:
        (only,) = explored
        return [(1.0, before, only) for before in range(table.manifest.clusters) if before != only]
    latest = list(zip(explored, explored[1:], strict=False))[: -PAIRS - 1 : -1]
    return [(0.5**back, first, second) for back, (first, second) in enumerate(latest)]
