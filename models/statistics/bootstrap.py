"""Bootstrap intervals of paired totals: what is resampled is a whole test, title or viewer."""

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.interval import Interval
from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]

DRAWS = 2000
LEVEL = 0.95
_AT_ONCE = 4_000_000


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
        (N,) what each unit adds; pairs stay together when units are drawn again. Or (K, N), what
        it adds in each of K settings: then the mean of their ratios.
    draws
        Times that N of N units are drawn with replacement (Efron & Tibshirani 1993, chapter 13).
    level
        Share of the draws between the ends, above 0 and below 1.

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
    if not (0.0 < level < 1.0 and draws >= 1):
        raise InvalidRecord("level must be between 0 and 1, draws at least 1")
    rng = np.random.default_rng(seed)
    units = numerator.shape[1]
    ratios = []
    step = max(_AT_ONCE // units, 1)
    for at in range(0, draws, step):
        picked = rng.integers(0, units, (min(step, draws - at), units))
        below = np.stack([each[picked].sum(axis=1) for each in denominator])
        above = np.stack([each[picked].sum(axis=1) for each in numerator])
        whole = (below > 0.0).all(axis=0)
        ratios.append((above[:, whole] / below[:, whole]).mean(axis=0))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(np.concatenate(ratios), [tail, 1.0 - tail])
    estimate = (numerator.sum(axis=1) / denominator.sum(axis=1)).mean()
    return Interval(estimate=float(estimate), low=float(low), high=float(high))
