"""How sure an estimate is, with viewers as clusters.

Three kinds, by what is asked. A bootstrap over viewers is the sharpest and is right for many
viewers, looked at once. The empirical Bernstein bound holds for any number of them, when rewards
and weights are bounded (Maurer and Pontil, COLT 2009, theorem 4). A confidence sequence holds at
every row at once, so that somebody may look as often as they like (Waudby-Smith and Ramdas 2020,
2010.09686, theorem 2: predictable plug-in empirical Bernstein; for off-policy evaluation
2210.10768).
"""

from typing import Final

import numpy as np

from keyart.models.ope.estimators import Difference, Terms, influence
from keyart.models.ope.rows import Array, Numbers, Rows
from keyart.models.statistics.interval import Interval

DRAWS: Final = 1000
BLOCKS: Final = 4000
"""More viewers than this are dealt at random into so many groups, which are resampled whole: groups
of exchangeable viewers are exchangeable, and a million rows take a moment."""


class Resampled:
    """Viewers drawn with replacement, many times: the same draws for everything that is asked.

    So what is compared is compared on the same worlds, and drawing costs once.

    Parameters
    ----------
    rows
        Whose viewers.
    draws
        Times that all of them are drawn.
    """

    def __init__(self, rows: Rows, *, seed: int = 0, draws: int = DRAWS) -> None:
        rng = np.random.default_rng(seed)
        self._rows = rows
        self._block: Numbers | None = None
        units = rows.clusters
        if units > BLOCKS:
            self._block = rng.permutation(units) % BLOCKS
            units = BLOCKS
        even = np.full(units, 1.0 / units)
        self._counts = rng.multinomial(units, even, size=draws).astype(np.float32)

    def totals(self, values: Array) -> Array:
        """Return (draws,) totals of (N,) values."""
        sums = self._rows.by_cluster(values)
        if self._block is not None:
            sums = np.asarray(np.bincount(self._block, sums, minlength=BLOCKS), np.float64)
        # the mean is taken out first: single precision then loses nothing that matters
        centre = float(sums.mean())
        drawn = self._counts @ (sums - centre).astype(np.float32)
        return drawn.astype(np.float64) + centre * len(sums)

    def ratios(self, of: Terms) -> Array:
        """Return (draws,) values of an estimate; nan where its denominator was drawn as 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.totals(of.numerator) / self.totals(of.denominator), np.float64)


def bootstrap(of: Terms | Difference, worlds: Resampled, *, level: float = 0.95) -> Interval:
    """Return the estimate with its percentile interval over viewers drawn with replacement.

    Efron and Tibshirani 1993, chapter 13. Both parts of a difference are drawn together.
    """
    if isinstance(of, Terms):
        values = worlds.ratios(of)
    else:
        values = worlds.ratios(of.first) - worlds.ratios(of.second)
    values = values[np.isfinite(values)]
    if not len(values):
        return Interval(estimate=of.value, low=float("nan"), high=float("nan"))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return Interval(estimate=of.value, low=float(low), high=float(high))


def empirical_bernstein(rows: Rows, of: Terms, *, span: float, level: float = 0.95) -> Interval:
    """Return a two-sided bound for a mean of viewers' values that all lie within `span`.

    Parameters
    ----------
    span
        Largest less smallest value that one viewer's mean can take, above 0.
    """
    values = _means(rows, of)
    count = len(values)
    if count < 2:
        return Interval(estimate=of.value, low=float("-inf"), high=float("inf"))
    log = float(np.log(4.0 / (1.0 - level)))
    variance = float(values.var(ddof=1))
    half = np.sqrt(2.0 * variance * log / count) + 7.0 * span * log / (3.0 * (count - 1))
    centre = float(values.mean())
    return Interval(estimate=centre, low=centre - float(half), high=centre + float(half))


def standard_error(rows: Rows, of: Terms | Difference) -> float:
    """Return the estimate's standard error by the delta method, clustered by viewer."""
    moved = of.influence if isinstance(of, Difference) else influence(of)
    sums = rows.by_cluster(moved)
    return float(np.sqrt((sums**2).sum())) / len(rows)


def _means(rows: Rows, of: Terms) -> Array:
    """Return (clusters,) values whose mean is the estimate: a viewer's sum times viewers / rows."""
    scale = rows.clusters / len(rows)
    return rows.by_cluster(of.numerator) * scale
