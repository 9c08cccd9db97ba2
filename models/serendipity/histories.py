"""A viewer's way through the clusters: which were explored, in what order, how deeply."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from keyart.models.serendipity.world import Floats


class History(NamedTuple):
    """Distinct clusters by first engagement, oldest first, and how many titles of each."""

    order: tuple[int, ...]
    counts: tuple[int, ...]


def history_of(clusters: Iterable[int]) -> History:
    """Return the history of a sequence of engagements by cluster."""
    counts: dict[int, int] = {}
    for each in clusters:
        counts[each] = counts.get(each, 0) + 1
    return History(tuple(counts), tuple(counts.values()))


def counts_of(histories: Sequence[History], clusters: int) -> Floats:
    """Return the titles engaged with in each cluster, (N, K)."""
    table = np.zeros((len(histories), clusters))
    for row, each in enumerate(histories):
        table[row, list(each.order)] = each.counts
    return table


def triples(order: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return every three consecutive clusters of a deduplicated sequence: (c1, c2), next."""
    return list(zip(order, order[1:], order[2:], strict=False))
