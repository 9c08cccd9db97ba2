"""Calibration: what came of choices by what was expected of them; intervals cluster by viewer."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.interval import Interval

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

WIDTH: Final = 1.96
"""Standard errors on either side of a 95 % interval."""
LEAST: Final = 50
"""Rewards that a bin has at least."""
LEAST_CHANCE: Final = 1e-6


class Bin(NamedTuple):
    """Of so many rewards: the mean that was expected, and the fraction that was taken."""

    expected: float
    observed: float
    low: float
    high: float
    rewards: int


def curve(
    expected: Array,
    value: Array,
    viewer: Numbers,
    *,
    counts: Array | None = None,
    bins: int = 8,
) -> list[Bin]:
    """Return the rewards in bins of equal size by what was expected, the lowest first.

    The interval is Wilson's (1927) at the number of independent rewards that the viewers' sums
    are worth, so that a bin in which nothing was taken has one, too.

    Parameters
    ----------
    expected
        (N,) take probabilities as they were expected before each reward.
    value
        (N,) rewards, 0 to 1.
    viewer
        (N,) numbers.
    counts
        (N,) what each counts, above 0 to 1; None: all in full.
    """
    count = min(bins, len(expected) // LEAST)
    if not count:
        return []
    weight = np.ones(len(value)) if counts is None else counts
    order = np.argsort(expected, kind="stable")
    return [
        _bin(expected[its], value[its], viewer[its], weight[its])
        for its in np.array_split(order, count)
    ]


def _bin(expected: Array, value: Array, viewer: Numbers, weight: Array) -> Bin:
    rows, total = len(value), float(weight.sum())
    mean = float(weight @ value) / total
    _, of = np.unique(viewer, return_inverse=True)
    sums = np.bincount(of, weight * (value - mean))
    variance = float((sums**2).sum()) / total**2
    alone = mean * (1.0 - mean)
    worth = float(np.clip(alone / variance, 1.0, rows)) if variance > 0.0 and alone > 0.0 else rows
    around = WIDTH**2 / worth
    middle = (mean + around / 2.0) / (1.0 + around)
    half = WIDTH / (1.0 + around) * float(np.sqrt(alone / worth + around / (4.0 * worth)))
    low, high = min(max(middle - half, 0.0), mean), max(min(middle + half, 1.0), mean)
    return Bin(float(weight @ expected) / total, mean, low, high, rows)


def gain(
    first: Array, second: Array, value: Array, viewer: Numbers, *, counts: Array | None = None
) -> Interval:
    """Return by how much the first expectations make what came likelier than the second.

    Mean log likelihood of a reward in nats, Bernoulli with what was expected, over at least one
    reward; the 95 % interval clusters by viewer. `counts` as in `curve`.
    """
    logs = [np.clip(each, LEAST_CHANCE, 1.0 - LEAST_CHANCE) for each in (first, second)]
    told = [value * np.log(each) + (1.0 - value) * np.log1p(-each) for each in logs]
    each = told[0] - told[1]
    weight = np.ones(len(each)) if counts is None else counts
    total = float(weight.sum())
    mean = float(weight @ each) / total
    _, of = np.unique(viewer, return_inverse=True)
    error = WIDTH * float(np.sqrt((np.bincount(of, weight * (each - mean)) ** 2).sum())) / total
    return Interval(estimate=mean, low=mean - error, high=mean + error)
