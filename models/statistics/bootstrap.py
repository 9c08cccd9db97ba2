"""Bootstrap intervals of paired totals: what is resampled is a whole test, title or viewer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]

DRAWS = 2000
LEVEL = 0.95
_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the ends of its interval, `low` <= `high`."""

    estimate: float
    low: float
    high: float


def ratio_interval(
    numerator: Array,
    denominator: Array,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval:
    """Return the ratio of two totals over the same units, with a percentile interval.

    Parameters
    ----------
    numerator, denominator
        (N,) what each unit adds; pairs stay together when units are drawn again.
    draws
        Times that N of N units are drawn with replacement (Efron & Tibshirani 1993, chapter 13).
    level
        Share of the draws between the ends, above 0 and below 1.

    Raises
    ------
    InvalidRecord
        There is no unit, lengths differ, or the denominator's total is not above 0.
    """
    if numerator.shape != denominator.shape or numerator.ndim != 1 or not len(numerator):
        raise InvalidRecord("numerator and denominator must be of one length, at least 1")
    if not denominator.sum() > 0.0:
        raise InvalidRecord("the denominator's total must be above 0")
    if not (0.0 < level < 1.0 and draws >= 1):
        raise InvalidRecord("level must be between 0 and 1, draws at least 1")
    rng = np.random.default_rng(seed)
    units = len(numerator)
    ratios = []
    step = max(_AT_ONCE // units, 1)
    for at in range(0, draws, step):
        picked = rng.integers(0, units, (min(step, draws - at), units))
        below = denominator[picked].sum(axis=1)
        above = numerator[picked].sum(axis=1)
        ratios.append(above[below > 0.0] / below[below > 0.0])
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(np.concatenate(ratios), [tail, 1.0 - tail])
    return Interval(
        estimate=float(numerator.sum() / denominator.sum()), low=float(low), high=float(high)
    )
