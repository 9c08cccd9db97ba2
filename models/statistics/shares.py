"""The sample-ratio check: whether an experiment's arms get the shares of viewers they should.

The arms' impressions are counted against what the shares say; their variance clusters by viewer,
because a viewer stays in one arm. It is looked at all the time, so it is a sequential test, as in
Lindon & Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022); theirs wants
one independent draw a count, and viewers come back, so the mixture here is the normal one over
clustered sums. Arms that get another share than they are meant to lost or gained viewers or events
in a way that depends on the arm, and then nothing that compares them can be trusted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.ratio import ALARM
from keyart.models.statistics.sequence import evidence, p_value
from keyart.models.statistics.timeline import REPLICATES
from keyart.schemas.posterior import PolicyBucket

Array = NDArray[np.float64]
ABOUT = 0.1
"""The mixture is about shares that are off by a tenth of share x (1 - share)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmShare:
    """One arm: the share it is meant to have, and what it has, of so many impressions."""

    arm: str
    meant: float
    seen: float
    impressions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesCheck:
    """`p_value` holds at every look at once; `arms` are in the order they were given."""

    arms: tuple[ArmShare, ...]
    impressions: int
    p_value: float
    passed: bool


Period = tuple[Mapping[str, float], Mapping[str, PolicyBucket]]
"""(arm -> share, arm -> its own choices) of a period in which the shares stayed the same."""


def check_shares(periods: Sequence[Period]) -> SharesCheck | None:
    """Check the arms against their shares; None where no period has two arms.

    Parameters
    ----------
    periods
        Shares are above 0 and sum to 1. An arm without a bucket has no impressions.
    """
    names: dict[str, None] = {}
    gaps: dict[str, float] = {}
    spreads: dict[str, float] = {}
    replicates: dict[str, Array] = {}
    meant: dict[str, float] = {}
    seen: dict[str, int] = {}
    total = 0
    for shares, held in periods:
        counts = {arm: held.get(arm, PolicyBucket()) for arm in shares}
        whole = sum(bucket.count for bucket in counts.values())
        if len(shares) < 2 or not whole:
            continue
        drawn = {arm: _replicates(bucket) for arm, bucket in counts.items()}
        every = np.sum(list(drawn.values()), axis=0)
        total += whole
        for arm, share in shares.items():
            names[arm] = None
            gap = counts[arm].count - share * whole
            gaps[arm] = gaps.get(arm, 0.0) + gap
            meant[arm] = meant.get(arm, 0.0) + share * whole
            seen[arm] = seen.get(arm, 0) + counts[arm].count
            spreads[arm] = spreads.get(arm, 0.0) + ABOUT * share * (1.0 - share) * whole
            above = drawn[arm] - share * every - gap
            replicates[arm] = replicates.get(arm, np.zeros(REPLICATES)) + above
    if not total:
        return None
    p = p_value(
        [
            evidence(
                gaps[arm],
                float(np.mean(replicates[arm] ** 2)),
                spreads[arm],
                replicates=REPLICATES,
            )
            for arm in names
        ]
    )
    arms = tuple(
        ArmShare(arm=arm, meant=meant[arm] / total, seen=seen[arm] / total, impressions=seen[arm])
        for arm in names
    )
    return SharesCheck(arms=arms, impressions=total, p_value=p, passed=p > ALARM)


def _replicates(bucket: PolicyBucket) -> Array:
    return np.asarray(bucket.counts or [0] * REPLICATES, np.float64)
