"""The gate's rules: what each passes, refuses and cannot tell, and that its figures are right."""

import numpy as np
import pytest

from keyart.models.ope.gate import rules
from keyart.models.ope.gate.loss import loss_between
from keyart.models.ope.gate.rules import PASSED, REFUSED, UNTOLD, Loss, Slope
from keyart.models.ope.gate.slope import opinion_slope
from keyart.models.ope.rows import Rows

TITLES, ARTWORKS = 60, 4


def logged(
    seed: int, rows: int, truth: np.ndarray, *, greedy: float = 0.7
) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Return a log of a policy that mostly shows artwork 0, of takes by `truth` (T, K)."""
    rng = np.random.default_rng(seed)
    title = rng.integers(TITLES, size=rows)
    shares = np.full((rows, ARTWORKS), (1.0 - greedy) / ARTWORKS)
    shares[:, 0] += greedy
    action = (rng.random(rows)[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    reward = (rng.random(rows) < truth[title, action]).astype(np.float64)
    made = Rows(
        action=action,
        reward=reward,
        propensity=shares[np.arange(rows), action],
        allowed=np.ones(shares.shape, np.bool_),
        cluster=rng.integers(rows // 10, size=rows),
    )
    return made, shares, title


def world(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return opinions (T, K), and takes that follow them exactly."""
    rng = np.random.default_rng(seed)
    opinion = rng.normal(scale=0.3, size=(TITLES, ARTWORKS))
    opinion -= opinion.mean(axis=1, keepdims=True)
    level = rng.uniform(0.02, 0.2, size=(TITLES, 1))
    return opinion, level * np.exp(opinion)


@pytest.mark.parametrize(
    ("power", "outcome"), [(1.0, PASSED), (0.0, REFUSED), (-1.0, REFUSED), (0.5, PASSED)]
)
def test_the_slope_says_what_an_opinion_is_worth(power: float, outcome: str) -> None:
    opinion, truth = world(1)
    truth = truth.mean(axis=1, keepdims=True) * np.exp(power * opinion)
    rows, shares, title = logged(2, 60_000, truth)
    slope = opinion_slope(rows, shares, title, opinion)
    assert slope is not None
    assert abs(slope.value - power) < 3.5 * slope.error + 0.1
    assert rules.calibration(slope).outcome == outcome


def test_an_opinion_that_is_exaggerated_five_fold_is_refused() -> None:
    opinion, truth = world(3)
    rows, shares, title = logged(4, 60_000, truth)
    slope = opinion_slope(rows, shares, title, 8.0 * opinion)
    assert slope is not None and slope.high < rules.LEAST_SLOPE
    assert rules.calibration(slope).outcome == REFUSED


def test_the_slopes_interval_covers_at_its_level() -> None:
    """Of an opinion that is worth nothing, in a log of a policy that has favourites."""
    opinion, _ = world(5)
    truth = np.full((TITLES, ARTWORKS), 0.1)
    covered = 0
    for seed in range(200):
        rows, shares, title = logged(seed, 3000, truth)
        slope = opinion_slope(rows, shares, title, opinion)
        assert slope is not None
        covered += slope.low <= 0.0 <= slope.high
    assert covered >= 180  # 190 expected, sd 3.1


def test_rows_that_stand_twice_and_count_half_are_the_log_itself() -> None:
    opinion, truth = world(7)
    rows, shares, title = logged(8, 3000, truth)
    twice = np.tile(np.arange(len(rows)), 2)
    half = np.full(len(twice), 0.5)
    once = opinion_slope(rows, shares, title, opinion)
    again = opinion_slope(rows.at(twice), shares[twice], title[twice], opinion, counts=half)
    assert once is not None and again is not None
    assert again.value == pytest.approx(once.value)
    assert again.error == pytest.approx(once.error)
    model = truth[title]
    even = np.full(shares.shape, 1 / ARTWORKS)
    loss = loss_between(rows, even, shares, model=model)
    same = loss_between(rows.at(twice), even[twice], shares[twice], model=model[twice], counts=half)
    assert loss is not None and same is not None
    for name in ("difference", "low", "high", "champion"):
        assert getattr(same, name) == pytest.approx(getattr(loss, name)), name


def test_with_few_rewards_the_gate_cannot_tell() -> None:
    opinion, truth = world(6)
    outcomes = []
    for seed in range(40):
        rows, shares, title = logged(seed, 300, truth)
        outcomes.append(rules.calibration(opinion_slope(rows, shares, title, opinion)).outcome)
    assert outcomes.count(UNTOLD) > 20
    assert outcomes.count(REFUSED) <= 4, "a good opinion is seldom refused for want of rewards"
    assert opinion_slope(rows, shares, title, np.zeros_like(opinion)) is None
    assert rules.calibration(None).outcome == UNTOLD


@pytest.mark.parametrize(
    ("low", "difference", "high", "outcome"),
    [
        (-0.004, -0.003, -0.001, REFUSED),
        (-0.001, 0.0, 0.002, PASSED),
        (-0.02, 0.001, 0.02, UNTOLD),
        (0.001, 0.002, 0.003, PASSED),
    ],
)
def test_harm_is_a_veto_and_no_proof(
    low: float, difference: float, high: float, outcome: str
) -> None:
    loss = Loss(
        difference=difference,
        low=low,
        high=high,
        champion=0.04,
        rows=1000,
        rows_to_bound=50_000.0 if outcome == UNTOLD else None,
    )
    verdict = rules.harm(loss)
    assert verdict.outcome == outcome
    if outcome == UNTOLD:
        assert "about 50,000 rewards would, and there are 1,000" in verdict.says


def test_what_cannot_be_told_is_left_to_the_canary_and_what_is_refused_is_refused() -> None:
    good, untold = rules.files("", 10), rules.harm(None)
    bad = rules.readable(8, 10)
    assert bad.outcome == REFUSED and rules.readable(9, 10).outcome == PASSED
    assert rules.judgement("v", "c", [good]).says == "passed"
    left = rules.judgement("v", "c", [good, untold])
    assert left.passed and left.says == "passed; left to the canary: harm"
    refused = rules.judgement("v", "c", [good, untold, bad])
    assert not refused.passed and "80 %" in refused.says


def test_the_other_rules() -> None:
    assert rules.files("bad digest", 1).outcome == REFUSED
    assert rules.files("", rules.MOST_BYTES + 1).outcome == REFUSED
    assert rules.parity(None, 0.0).outcome == PASSED
    assert rules.parity(1e-6, 1.0).outcome == PASSED
    assert rules.parity(1e-2, 1.0).outcome == REFUSED
    assert rules.parity(float("nan"), 1.0).outcome == REFUSED
    assert rules.latency(1.0, 1000).outcome == PASSED
    assert rules.latency(10.0, 1000).outcome == REFUSED
    assert Slope(value=1.0, error=0.1, rows=5).low == pytest.approx(0.804)


@pytest.mark.parametrize(
    ("gain", "error", "outcome"),
    [
        (0.10, 0.02, rules.PASSED),
        (0.02, 0.02, rules.UNTOLD),
        (-0.02, 0.02, rules.UNTOLD),
        (-0.10, 0.02, rules.REFUSED),
        (None, 0.0, rules.UNTOLD),
    ],
)
def test_what_is_said_to_single_viewers_is_judged_or_said_to_be_unknown(
    gain: float | None, error: float, outcome: str
) -> None:
    verdict = rules.viewers(gain, error, 300)
    assert (verdict.rule, verdict.outcome) == ("viewers", outcome)
    found = rules.judgement("v", "c", [verdict])
    assert found.passed == (outcome != rules.REFUSED)
    assert ("left to the canary: viewers" in found.says) == (outcome == rules.UNTOLD)
