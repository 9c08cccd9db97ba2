"""Take fractions and lifts with intervals that cluster by viewer, from timeline sums."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from keyart.models.statistics.timeline import REPLICATES
from keyart.schemas.posterior import PolicyBucket

MIN_TAKES = 10.0
_QUANTILE = float(stdtrit(REPLICATES - 1, 0.975))
"""Of the standard error that REPLICATES replicates estimate: t with one degree fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its 95 % interval, all in the same unit."""

    mean: float
    low: float
    high: float


def interval(bucket: PolicyBucket) -> Interval | None:
    """Return the take fraction (0 to 1) with its 95 % interval; None before the first impression.

    Wilson's interval at the effective sample size, n / deff, where the design effect is the
    bootstrap variance over the binomial one, at least 1 (Korn & Graubard 1998; Franco et al.
    2019). It never leaves 0..1 and is honest at zero takes, where a plain bootstrap has no width.
    """
    if bucket.count == 0:
        return None
    p, n = bucket.value / bucket.count, float(bucket.count)
    binomial = p * (1.0 - p) / n
    deviations = _deviations(bucket)
    spread = float(np.mean(deviations**2)) if deviations is not None else 0.0
    effective = n / max(1.0, spread / binomial) if binomial > 0.0 else n
    z2 = _QUANTILE**2
    middle = (p + z2 / (2 * effective)) / (1 + z2 / effective)
    inside = p * (1.0 - p) / effective + z2 / (4 * effective**2)
    half = _QUANTILE * sqrt(inside) / (1 + z2 / effective)
    return Interval(
        mean=p, low=max(0.0, min(p, middle - half)), high=min(1.0, max(p, middle + half))
    )


def compare(policy: PolicyBucket, control: PolicyBucket) -> Interval | None:
    """Return the relative lift of the policy over the control (0.1 is 10 % above), with interval.

    Paired replicates (a viewer seen by both has one weight in both), linearised on the log scale:
    the standard error of log(a / b) is that of a*/a - b*/b over the replicates, so no replicate is
    ever divided by. None until each side has `MIN_TAKES` takes: before, no interval is honest.
    """
    if min(policy.value, control.value) < MIN_TAKES:
        return None
    a, b = _deviations(policy), _deviations(control)
    if a is None or b is None:
        return None
    p, u = policy.value / policy.count, control.value / control.count
    # The deviations are about the estimate itself, so the divisor is REPLICATES.
    error = float(np.sqrt(np.mean((a / p - b / u) ** 2)))
    middle, half = log(p / u), _QUANTILE * error
    return Interval(mean=p / u - 1.0, low=exp(middle - half) - 1.0, high=exp(middle + half) - 1.0)


def _deviations(bucket: PolicyBucket) -> NDArray[np.float64] | None:
    """Return what each replicate's take fraction is above the estimate, linearised, (REPLICATES,).

    (V* - p C*) / n: unlike V*/C* - p it exists in a replicate that drew nobody.
    """
    if len(bucket.counts) != REPLICATES:
        return None
    counts, values = np.asarray(bucket.counts, float), np.asarray(bucket.values)
    deviations: NDArray[np.float64] = (values - bucket.value / bucket.count * counts) / bucket.count
    return deviations
