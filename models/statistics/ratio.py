"""Artworks against propensities: whether they come as often as the logged propensities say.

For each candidate place k the sum of (chosen - propensity) is a martingale with predictable
variance V_k, the sum of p (1 - p). A page is looked at all the time, so a p-value for one look
would cry wolf; instead each place gets a normal-mixture test martingale, whose average over the
places is an e-value at every moment (Robbins 1970; Howard, Ramdas, McAuliffe & Sekhon 2021; for
Bernoulli draws asymptotically, Waudby-Smith et al. 2024). A gap means that impressions are lost or
doubled in a way that depends on the artwork, and then no other figure can be trusted. Whether the
arms of an experiment get their shares of viewers is another question: `shares`.
"""

from dataclasses import dataclass
from math import inf, log, sqrt

from keyart.models.statistics.sequence import p_value
from keyart.schemas.posterior import PolicyBucket

TUNED_AT = 1000.0
"""Variance at which the mixture is sharpest; about 10,000 decisions."""

ALARM = 0.001
"""With nothing wrong, at most one policy in a thousand is ever called broken, at any look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioCheck:
    """`p_value` holds at every look at once; `worst` is the largest |z|, at place `worst_place`."""

    decisions: int
    p_value: float
    worst: float
    worst_place: int
    passed: bool


def check_ratio(bucket: PolicyBucket) -> RatioCheck:
    """Check the choices in these sums against their propensities."""
    logs: list[float] = []
    worst, worst_place = 0.0, 0
    for place, (chosen, predicted, variance) in enumerate(
        zip(bucket.chosen, bucket.predicted, bucket.variance, strict=True)
    ):
        gap = chosen - predicted
        if variance <= 0.0:
            # Propensities of 0 and 1 only: any gap beyond rounding is impossible under them.
            logs.append(inf if abs(gap) > 1e-6 * max(1.0, predicted) else 0.0)
            continue
        if abs(gap) > worst * sqrt(variance):
            worst, worst_place = abs(gap) / sqrt(variance), place
        logs.append(gap**2 / (2 * (variance + TUNED_AT)) - 0.5 * log(1 + variance / TUNED_AT))
    p = p_value(logs)
    return RatioCheck(
        decisions=sum(bucket.chosen),
        p_value=p,
        worst=worst,
        worst_place=worst_place,
        passed=p > ALARM,
    )
