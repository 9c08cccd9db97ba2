"""Take fractions and lifts with intervals that cluster by viewer, from timeline sums."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from keyart.models.statistics.interval import Interval
from keyart.models.statistics.sequence import growth_until_told, reach
from keyart.models.statistics.timeline import REPLICATES
from keyart.schemas.posterior import PolicyBucket

MIN_TAKES = 10.0
MIN_SHOWN = 50
TUNED_AT = 100.0
"""Information, 1 / (standard error of the log)^2, from which on the interval is sharp: the lift is
then known to about a third."""
_QUANTILE = float(stdtrit(REPLICATES - 1, 0.975))
"""Of the standard error that REPLICATES replicates estimate: t with one degree fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A policy against a control over the same periods; intervals hold at every look.

    Parameters
    ----------
    lift
        The policy's take fraction over the control's, less 1: 0.1 is 10 % above.
    extra
        Takes that the policy had beyond what the control would have had in its impressions.
    policy, control
        Take fractions, 0 to 1, averaged over the periods.
    impressions
        Of both together.
    growth
        By what factor impressions must grow until the interval excludes no difference, if the
        lift stays as it is; 1 when it does so now, None when it cannot be told.
    """

    lift: Interval
    extra: Interval
    policy: float
    control: float
    impressions: int
    growth: float | None


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
        estimate=p, low=max(0.0, min(p, middle - half)), high=min(1.0, max(p, middle + half))
    )


def contrast(pairs: Iterable[tuple[PolicyBucket, PolicyBucket]]) -> Contrast | None:
    """Return how far a policy is above a control, over the same periods.

    Paired replicates (a viewer seen by both has one weight in both), linearised on the log scale:
    the standard error of log(a / b) is that of a*/a - b*/b over the replicates, so no replicate is
    ever divided by. None until each side has `MIN_TAKES` takes: before, no interval is honest.

    Parameters
    ----------
    pairs
        (policy, control) of each period in which the shares of viewers stayed the same. Fractions
        are compared within each and then averaged by its impressions: were all added up first, a
        share that was raised on a good day would pass for a better policy (Simpson's paradox).
        Periods in which one side has fewer than `MIN_SHOWN` impressions are left out, unless there
        is no other.
    """
    every = [pair for pair in pairs if pair[0].count and pair[1].count]
    large = [pair for pair in every if min(each.count for each in pair) >= MIN_SHOWN]
    kept = large or every
    takes = [sum(pair[side].value for pair in kept) for side in (0, 1)]
    if min(takes, default=0.0) < MIN_TAKES:
        return None
    total = sum(policy.count + control.count for policy, control in kept)
    means, above = [0.0, 0.0], np.zeros((2, REPLICATES))
    for pair in kept:
        weight = (pair[0].count + pair[1].count) / total
        for side, bucket in enumerate(pair):
            if (deviations := _deviations(bucket)) is None:
                return None
            means[side] += weight * bucket.value / bucket.count
            above[side] += weight * deviations
    p, u = means
    # The deviations are about the estimate itself, so the divisor is REPLICATES.
    error = float(np.sqrt(np.mean((above[0] / p - above[1] / u) ** 2)))
    middle = log(p / u)
    half = reach(1.0 / error**2, tuned=TUNED_AT, replicates=REPLICATES) * error if error else 0.0
    shown = sum(policy.count for policy, _ in kept)
    return Contrast(
        lift=Interval(
            estimate=p / u - 1.0, low=exp(middle - half) - 1.0, high=exp(middle + half) - 1.0
        ),
        extra=Interval(
            estimate=shown * (p - u),
            low=shown * p * (1.0 - exp(half - middle)),
            high=shown * p * (1.0 - exp(-half - middle)),
        ),
        policy=p,
        control=u,
        impressions=total,
        growth=growth_until_told(middle, error, tuned=TUNED_AT, replicates=REPLICATES),
    )


def _deviations(bucket: PolicyBucket) -> NDArray[np.float64] | None:
    """Return what each replicate's take fraction is above the estimate, linearised, (REPLICATES,).

    (V* - p C*) / n: unlike V*/C* - p it exists in a replicate that drew nobody.
    """
    if len(bucket.counts) != REPLICATES:
        return None
    counts, values = np.asarray(bucket.counts, float), np.asarray(bucket.values)
    deviations: NDArray[np.float64] = (values - bucket.value / bucket.count * counts) / bucket.count
    return deviations
