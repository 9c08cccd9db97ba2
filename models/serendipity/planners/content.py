"""Likeness of what is said of clusters: needs no viewer at all."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from keyart.models.serendipity.histories import History, counts_of
from keyart.models.serendipity.world import Floats

RECENT: Final = 5
NEAREST: Final = 3


class Content:
    """Cosine of a cluster's centre with those of the history: the latest, and the nearest of all.

    Parameters
    ----------
    centres
        (K, D), of unit length.
    """

    name = "likeness"

    def __init__(self, centres: Floats) -> None:
        self._close: Floats = centres @ centres.T
        np.fill_diagonal(self._close, 0.0)

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        return self.recent(histories) + self.nearest(histories)

    def recent(self, histories: Sequence[History]) -> Floats:
        """Return the mean cosine with the latest clusters, (N, K)."""
        return np.stack([self._close[list(h.order[-RECENT:])].mean(axis=0) for h in histories])

    def nearest(self, histories: Sequence[History]) -> Floats:
        """Return the mean cosine with the nearest clusters of the history, (N, K)."""
        rows = []
        for each in histories:
            close = self._close[list(each.order)]
            most = min(NEAREST, len(close))
            rows.append(np.partition(close, -most, axis=0)[-most:].mean(axis=0))
        return np.stack(rows)

    def overall(self, histories: Sequence[History]) -> Floats:
        """Return the mean cosine with all that was explored, deeper clusters counting for more."""
        deep = np.log1p(counts_of(histories, len(self._close)))
        made: Floats = deep @ self._close / deep.sum(axis=1, keepdims=True)
        return made
