import hashlib

import numpy as np
import pytest

from keyart.models.statistics.lift import MIN_TAKES, contrast, interval
from keyart.models.statistics.timeline import REPLICATES, merge, viewer_weights
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
    assert 0.0 <= known.low <= known.estimate <= known.high <= 1.0
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
        half = 1.96 * np.sqrt(known.estimate * (1 - known.estimate) / found.count)
        plain += abs(known.estimate - 0.1) <= half
    assert held / runs > 0.92
    assert plain / runs < 0.75


def test_lifts_cover_when_viewers_differ() -> None:
    rng = np.random.default_rng(6)
    runs, held = 300, 0
    for _ in range(runs):
        better = clustered(rng, 0.13, int(rng.integers(9_000)))
        control = clustered(rng, 0.10, 10_000 + int(rng.integers(9_000)))
        known = contrast([(better, control)])
        assert known is not None
        held += known.lift.low <= 0.3 <= known.lift.high
    assert held / runs > 0.98  # it holds at every look, so at one it holds more often


def test_viewers_seen_by_both_are_paired() -> None:
    """When both sides see the same viewers, what they share cancels, and the interval is short."""
    rng = np.random.default_rng(7)
    own = rng.beta(0.5, 4.5, VIEWERS)
    shown = np.full(VIEWERS, 200)
    one = rng.binomial(200, own).astype(float)
    two = rng.binomial(200, own).astype(float)
    paired = contrast([(bucket(one, shown, 0), bucket(two, shown, 0))])
    apart = contrast([(bucket(one, shown, 0), bucket(two, shown, 5000))])
    assert paired is not None and apart is not None
    assert paired.lift.high - paired.lift.low < 0.5 * (apart.lift.high - apart.lift.low)


def test_too_few_takes_are_no_lift() -> None:
    few = PolicyBucket(count=100, value=MIN_TAKES - 1, counts=[3] * REPLICATES, values=[1.0] * 32)
    many = PolicyBucket(count=100, value=50.0, counts=[100] * REPLICATES, values=[50.0] * 32)
    assert contrast([(few, many)]) is None
    assert contrast([(many, few)]) is None
    assert contrast([(many, many)]) is not None
    assert contrast([]) is None


def test_a_share_raised_on_a_good_day_is_no_better_policy() -> None:
    """Simpson's paradox: added up first, two equal policies would differ by half."""

    def shown(takes: int, of: int) -> PolicyBucket:
        return bucket(np.arange(of) < takes, np.ones(of, int), 0)

    bad, good = (shown(90, 900), shown(10, 100)), (shown(30, 100), shown(270, 900))
    known = contrast([bad, good])
    assert known is not None
    assert known.lift.estimate == pytest.approx(0.0, abs=1e-9)
    assert known.policy == pytest.approx(0.2)
    pooled = contrast([(merge([bad[0], good[0]]), merge([bad[1], good[1]]))])
    assert pooled is not None and pooled.lift.estimate < -0.4


def test_extra_takes_are_those_beyond_what_the_control_would_have_had() -> None:
    rng = np.random.default_rng(8)
    known = contrast([(clustered(rng, 0.2, 0), clustered(rng, 0.1, 5000))])
    assert known is not None
    assert known.extra.estimate == pytest.approx(6000 * (known.policy - known.control))
    assert known.extra.low < known.extra.estimate < known.extra.high
    assert (known.extra.low > 0.0) == (known.lift.low > 0.0)
    assert known.growth == 1.0


def test_what_is_equal_cannot_be_told_and_what_is_close_takes_longer() -> None:
    rng = np.random.default_rng(9)
    control = clustered(rng, 0.1, 0)
    assert contrast([(control, control)]).growth is None  # type: ignore[union-attr]
    near = contrast([(clustered(rng, 0.12, 3000), clustered(rng, 0.1, 6000))])
    assert near is not None and near.growth is not None
    assert near.growth > 1.0 and near.lift.low < 0.0 < near.lift.high
