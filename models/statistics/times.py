"""How long something takes: counts by bucket, and quantiles with intervals that hold at every look.

Counts add up over processes and time, so nobody keeps single times. Buckets grow by a twelfth, from
50 microseconds to 12 seconds; the lowest holds all that is shorter, the highest all that is longer.
"""

from collections.abc import Mapping
from math import ceil, e, inf, log, log2, sqrt
from typing import Final, NamedTuple

SHORTEST_S: Final = 50e-6
PER_OCTAVE: Final = 8
BUCKETS: Final = 18 * PER_OCTAVE


class Quantile(NamedTuple):
    """A quantile in seconds: where it is in what was counted, and between what it surely is.

    `high` is infinite while there is too little to bound it.
    """

    estimate: float
    low: float
    high: float


def bucket_of(seconds: float) -> int:
    """Return the bucket of a time, 0 to BUCKETS - 1."""
    if seconds <= SHORTEST_S:
        return 0
    return min(ceil(PER_OCTAVE * log2(seconds / SHORTEST_S)), BUCKETS - 1)


def quantile(counts: Mapping[int, int], at: float, *, level: float = 0.95) -> Quantile | None:
    """Return a quantile; None of nothing.

    The interval holds at every look at once, whatever the law of the times (Howard & Ramdas 2022,
    "Sequential estimation of quantiles", the bound on the whole distribution function that is
    uniform over time: 0.85 sqrt((log log(e n) + 0.8 log(1612 / alpha)) / n)). It is as wide as
    the buckets at least.

    Parameters
    ----------
    counts
        How often, by bucket.
    at
        Which quantile, 0 to 1.
    """
    total = sum(counts.values())
    if total <= 0:
        return None
    width = 0.85 * sqrt((log(log(e * total)) + 0.8 * log(1612.0 / (1.0 - level))) / total)
    low = _reached(counts, (at - width) * total)
    high = _reached(counts, (at + width) * total)
    return Quantile(
        estimate=_upper(_reached(counts, at * total)),
        low=_upper(low - 1) if at > width and low else 0.0,
        high=_upper(high) if at + width < 1.0 else inf,
    )


def _reached(counts: Mapping[int, int], mass: float) -> int:
    """Return the first bucket up to which there is so much."""
    so_far = 0
    for bucket in sorted(counts):
        so_far += counts[bucket]
        if so_far >= mass:
            return bucket
    return BUCKETS - 1


def _upper(bucket: int) -> float:
    return SHORTEST_S * 2.0 ** (bucket / PER_OCTAVE) if bucket < BUCKETS - 1 else inf
