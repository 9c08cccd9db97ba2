"""The bootstrap: whole tests, titles or viewers drawn again, the same draws for all that is asked.

What is compared is compared on the same worlds, so a difference's interval is free of what both
sides have in common; what hangs together (a viewer's rows, a test's texts) is added up before.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.interval import Interval
from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]

DRAWS: Final = 2000
LEVEL: Final = 0.95
BLOCKS: Final = 4000
"""More units than this are dealt at random into so many groups, which are drawn whole: groups of
exchangeable units are exchangeable, and a million of them take a moment."""


class Worlds:
    """Units drawn with replacement, as many as there are, many times (Efron & Tibshirani 1993).

    Parameters
    ----------
    units
        How many there are, at least 1.
    draws
        Times that all of them are drawn, at least 1.

    Raises
    ------
    InvalidRecord
        There is no unit, or no draw.
    """

    def __init__(self, units: int, *, seed: int | Sequence[int] = 0, draws: int = DRAWS) -> None:
        if units < 1 or draws < 1:
            raise InvalidRecord("a bootstrap needs a unit and a draw at least")
        rng = np.random.default_rng(seed)
        self.units = units
        self._block = rng.permutation(units) % BLOCKS if units > BLOCKS else None
        drawn = min(units, BLOCKS)
        self._counts = rng.multinomial(drawn, np.full(drawn, 1.0 / drawn), draws).astype(np.float64)

    def totals(self, values: NDArray[np.number]) -> Array:
        """Return (..., draws): in each world the total of (..., units) values."""
        sums = np.asarray(values, np.float64)
        if self._block is not None:
            flat = sums.reshape(-1, self.units)
            dealt = [np.bincount(self._block, row, minlength=BLOCKS) for row in flat]
            sums = np.reshape(dealt, (*sums.shape[:-1], BLOCKS))
        return np.asarray(sums @ self._counts.T)

    def ratios(self, above: Array, below: Array) -> Array:
        """Return (..., draws) ratios of totals; nan where what is below came to 0."""
        under = self.totals(below)
        found = np.full_like(under, np.nan)
        return np.asarray(np.divide(self.totals(above), under, out=found, where=under > 0.0))


def percentile(estimate: float, drawn: Array, *, level: float = LEVEL) -> Interval:
    """Return an estimate with the ends between which `level` of its (draws,) values lie.

    Worlds in which there is no value (nan) are left out; without any the ends are nan.

    Raises
    ------
    InvalidRecord
        The level is not between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise InvalidRecord("level must be between 0 and 1")
    there = drawn[np.isfinite(drawn)]
    if not there.size:
        return Interval(estimate=float(estimate), low=float("nan"), high=float("nan"))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(there, [tail, 1.0 - tail])
    return Interval(estimate=float(estimate), low=float(low), high=float(high))


def ratio_interval(
    numerator: Array,
    denominator: Array,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
    worlds: Worlds | None = None,
) -> Interval:
    """Return the ratio of two totals over the same units, with a percentile interval.

    Parameters
    ----------
    numerator, denominator
        (N,) what each unit adds; pairs stay together when units are drawn again. Or (K, N), what
        it adds in each of K settings: then the mean of their ratios.
    draws
        Times that N of N units are drawn with replacement.
    level
        Share of the draws between the ends, above 0 and below 1.
    worlds
        Of the same units, drawn before for many intervals: drawing is what takes the time.

    Raises
    ------
    InvalidRecord
        There is no unit, lengths differ, or the denominator's total is not above 0.
    """
    if numerator.shape != denominator.shape or numerator.ndim not in (1, 2) or not numerator.size:
        raise InvalidRecord("numerator and denominator must be of one length, at least 1")
    numerator, denominator = np.atleast_2d(numerator, denominator)
    if not (denominator.sum(axis=1) > 0.0).all():
        raise InvalidRecord("the denominator's total must be above 0")
    if worlds is None:
        worlds = Worlds(numerator.shape[1], seed=seed, draws=draws)
    estimate = (numerator.sum(axis=1) / denominator.sum(axis=1)).mean()
    drawn = worlds.ratios(numerator, denominator).mean(axis=0)
    return percentile(float(estimate), drawn, level=level)
