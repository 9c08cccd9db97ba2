import hashlib

import numpy as np
import pytest

from keyart.models.statistics.lift import MIN_TAKES, compare, interval
from keyart.models.statistics.timeline import REPLICATES, viewer_weights
from keyart.schemas.posterior import PolicyBucket

VIEWERS = 300
WEIGHTS = viewer_weights(
    [hashlib.blake2b(f"w{n}".encode(), digest_size=16).hexdigest() for n in range(20_000)]
)


def bucket(takes: np.ndarray, shown: np.ndarray, first: int) -> PolicyBucket:
    """Sums of viewers `first`, `first` + 1, ... with so many takes of so many impressions each."""
    weights = WEIGHTS[first : first + len(takes)].astype(float)
    return PolicyBucket(
        count=int(shown.sum()),
        value=float(takes.sum()),
        counts=(shown @ weights).astype(int).tolist(),
        values=(takes @ weights).tolist(),
    )


def clustered(rng: np.random.Generator, mean: float, first: int) -> PolicyBucket:
    """Viewers who differ: 20 impressions each, takes Beta-binomial, so 20 are worth far fewer."""
    own = rng.beta(2.0 * mean, 2.0 * (1 - mean), VIEWERS)
    return bucket(rng.binomial(20, own).astype(float), np.full(VIEWERS, 20), first)


def test_nothing_shown_is_not_known() -> None:
    assert interval(PolicyBucket()) is None


@pytest.mark.parametrize(("takes", "shown"), [(0, 50), (50, 50), (3, 40)])
def test_the_interval_holds_the_mean_and_stays_within_zero_and_one(takes: int, shown: int) -> None:
    each = np.zeros(shown)
    each[:takes] = 1.0
    known = interval(bucket(each, np.ones(shown), 0))
    assert known is not None
    assert 0.0 <= known.low <= known.mean <= known.high <= 1.0
    assert known.high - known.low > 0.05


def test_independent_impressions_give_wilsons_width() -> None:
    from scipy.stats import binomtest

    each = np.zeros(5000)
    each[:400] = 1.0
    known = interval(bucket(each, np.ones(5000), 0))
    exact = binomtest(400, 5000).proportion_ci(method="wilson")
    assert known is not None
    assert known.high - known.low == pytest.approx(exact.high - exact.low, rel=0.35)


def test_intervals_cover_when_viewers_differ() -> None:
    """95 % intervals over viewers; a binomial one would miss the truth about half the time."""
    rng = np.random.default_rng(5)
    runs, held, plain = 300, 0, 0
    for _ in range(runs):
        found = clustered(rng, 0.1, int(rng.integers(19_000)))
        known = interval(found)
        assert known is not None
        held += known.low <= 0.1 <= known.high
        half = 1.96 * np.sqrt(known.mean * (1 - known.mean) / found.count)
        plain += abs(known.mean - 0.1) <= half
    assert held / runs > 0.92
    assert plain / runs < 0.75


def test_lifts_cover_when_viewers_differ() -> None:
    rng = np.random.default_rng(6)
    runs, held = 300, 0
    for _ in range(runs):
        better = clustered(rng, 0.13, int(rng.integers(9_000)))
        control = clustered(rng, 0.10, 10_000 + int(rng.integers(9_000)))
        lift = compare(better, control)
        assert lift is not None
        held += lift.low <= 0.3 <= lift.high
    assert 0.92 < held / runs < 0.99


def test_viewers_seen_by_both_are_paired() -> None:
    """When both sides see the same viewers, what they share cancels, and the interval is short."""
    rng = np.random.default_rng(7)
    own = rng.beta(0.5, 4.5, VIEWERS)
    shown = np.full(VIEWERS, 200)
    one = rng.binomial(200, own).astype(float)
    two = rng.binomial(200, own).astype(float)
    paired = compare(bucket(one, shown, 0), bucket(two, shown, 0))
    apart = compare(bucket(one, shown, 0), bucket(two, shown, 5000))
    assert paired is not None and apart is not None
    assert paired.high - paired.low < 0.5 * (apart.high - apart.low)


def test_too_few_takes_are_no_lift() -> None:
    few = PolicyBucket(count=100, value=MIN_TAKES - 1, counts=[3] * REPLICATES, values=[1.0] * 32)
    many = PolicyBucket(count=100, value=50.0, counts=[100] * REPLICATES, values=[50.0] * 32)
    assert compare(few, many) is None
    assert compare(many, few) is None
    assert compare(many, many) is not None
