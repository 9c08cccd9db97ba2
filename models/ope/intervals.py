"""How sure an estimate is, with viewers as clusters.

A bootstrap over viewers is the sharpest and is right for many viewers, looked at once. Whoever
looks as often as they like asks for a confidence sequence instead, which holds at every row at once
(`models.statistics.confidence`).
"""

from typing import Final

import numpy as np

from keyart.models.ope.estimators import Difference, Terms, influence
from keyart.models.ope.rows import Array, Rows
from keyart.models.statistics.bootstrap import LEVEL, Worlds, percentile
from keyart.models.statistics.interval import Interval

DRAWS: Final = 1000


class Resampled:
    """A log's viewers drawn again: `Worlds` of viewers, asked by row.

    Parameters
    ----------
    rows
        Whose viewers.
    draws
        Times that all of them are drawn.
    """

    def __init__(self, rows: Rows, *, seed: int = 0, draws: int = DRAWS) -> None:
        self._rows = rows
        self._worlds = Worlds(rows.clusters, seed=seed, draws=draws)

    def ratios(self, of: Terms) -> Array:
        """Return (draws,) values of an estimate; nan where its denominator was drawn as 0."""
        return self._worlds.ratios(
            self._rows.by_cluster(of.numerator), self._rows.by_cluster(of.denominator)
        )


def bootstrap(of: Terms | Difference, worlds: Resampled, *, level: float = LEVEL) -> Interval:
    """Return the estimate with its percentile interval over viewers drawn with replacement.

    Both parts of a difference are drawn together.
    """
    if isinstance(of, Terms):
        values = worlds.ratios(of)
    else:
        values = worlds.ratios(of.first) - worlds.ratios(of.second)
    return percentile(of.value, values, level=level)


def standard_error(rows: Rows, of: Terms | Difference) -> float:
    """Return the estimate's standard error by the delta method, clustered by viewer."""
    moved = of.influence if isinstance(of, Difference) else influence(of)
    sums = rows.by_cluster(moved)
    return float(np.sqrt((sums**2).sum())) / len(rows)
