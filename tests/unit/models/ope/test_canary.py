"""The canary as a machine: growth by steps, failures counted, silence, and who wins in the end."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.decide.experiment import viewer_share
from keyart.models.ope.canary import (
    HOUR_MS,
    Act,
    CanaryRules,
    Evidence,
    Took,
    begun,
    follow,
    salt_of,
    watched,
)
from keyart.models.ope.canary_takes import compared, within_share
from keyart.models.ope.gate.rules import Slope
from keyart.models.statistics.interval import Interval
from keyart.models.statistics.lift import Contrast
from keyart.models.statistics.times import Quantile
from keyart.schemas.rollout import CANARY, WATCH, Rollout, Step

T0 = 1_700_000_000_000
RULES = CanaryRules()


def lift(low: float, high: float) -> Contrast:
    whole = Interval(estimate=(low + high) / 2, low=low, high=high)
    return Contrast(lift=whole, extra=whole, policy=0.1, control=0.1, impressions=1000, growth=None)


def out() -> Rollout:
    return begun("v2", "v1", RULES, T0)


def test_it_grows_step_by_step_and_serves_all_once_harm_is_bounded() -> None:
    rollout, acts, now = out(), [], T0
    for number in range(1, 6):
        now += HOUR_MS
        found = follow(rollout, Evidence(1000 * number, 300, lift(-0.04, 0.1)), RULES, now)
        rollout = found.rollout
        acts.append(found.act)
    assert acts == [Act.GROW, Act.GROW, Act.GROW, Act.ALL, Act.ALL]
    assert [step.share for step in rollout.steps] == [0.01, 0.05, 0.2, 0.5]
    assert [look.share for look in rollout.looks] == [0.01, 0.05, 0.2, 0.5, 0.5]


@pytest.mark.parametrize(
    ("in_step", "passed_ms"), [(199, 2 * HOUR_MS), (10_000, HOUR_MS - 1)], ids=["rewards", "time"]
)
def test_a_step_needs_its_time_and_its_rewards(in_step: int, passed_ms: int) -> None:
    found = follow(out(), Evidence(500, in_step, lift(0.1, 0.2)), RULES, T0 + passed_ms)
    assert found.act is Act.STAY and found.rollout.share == 0.01


def test_bad_looks_are_counted_and_a_good_one_clears_them() -> None:
    worse, better = lift(-0.3, -0.1), lift(-0.04, 0.1)
    rollout = out()
    for number, (seen, act, failures) in enumerate(
        [
            (worse, Act.STAY, 1),
            (worse, Act.STAY, 2),
            (better, Act.STAY, 0),
            (worse, Act.STAY, 1),
            (worse, Act.STAY, 2),
            (worse, Act.BACK, 3),
        ],
        start=1,
    ):
        found = follow(rollout, Evidence(number, 10, seen), RULES, T0 + number)
        assert (found.act, found.rollout.failures) == (act, failures)
        rollout = found.rollout
    assert "taken less often: -20.0 % takes (-30.0 to -10.0)" in rollout.looks[-1].says


def test_a_look_that_finds_nothing_new_counts_neither_way() -> None:
    first = follow(out(), Evidence(5, 5, lift(-0.3, -0.1)), RULES, T0 + 1)
    again = follow(first.rollout, Evidence(5, 5, lift(-0.3, -0.1)), RULES, T0 + 2)
    assert again.act is Act.STAY and again.rollout == first.rollout


def test_no_data_means_back() -> None:
    quiet = follow(out(), Evidence(0, 0, None), RULES, T0 + RULES.silence_ms)
    assert quiet.act is Act.STAY
    over = follow(out(), Evidence(0, 0, None), RULES, T0 + RULES.silence_ms + 1)
    assert over.act is Act.BACK and "no data means back" in over.says


def test_what_cannot_be_told_in_time_goes_back() -> None:
    rollout = out()
    found = follow(rollout, Evidence(9, 9, lift(-0.5, 0.5)), RULES, T0 + RULES.most_ms + 1)
    assert found.act is Act.BACK and "could not be told" in found.says


def test_the_last_step_waits_for_proof_that_harm_is_small() -> None:
    steps = tuple(Step(share=share, since_ms=T0) for share in RULES.shares)
    last = Rollout(version="v2", against="v1", phase=CANARY, steps=steps, heard_ms=T0)
    wide = follow(last, Evidence(500, 500, lift(-0.06, 0.4)), RULES, T0 + HOUR_MS)
    assert wide.act is Act.STAY and "cannot be told yet" in wide.says
    none = follow(last, Evidence(500, 500, None), RULES, T0 + HOUR_MS)
    assert none.act is Act.STAY


def test_opinions_that_takes_go_against_are_a_fault_whatever_the_takes_are() -> None:
    slope = Slope(value=-1.0, error=0.1, rows=500)
    found = follow(out(), Evidence(5, 5, lift(0.1, 0.2), slope), RULES, T0 + 1)
    assert found.rollout.failures == 1 and "against its opinions" in found.says


def took(its: tuple[float, float], others: tuple[float, float]) -> Took:
    """Intervals in milliseconds."""
    return Took(*(Quantile(low / 1000, low / 1000, high / 1000) for low, high in (its, others)))


@pytest.mark.parametrize(
    ("its", "others", "bad"),
    [
        ((9.0, 12.0), (1.0, 3.0), True),
        ((7.9, 12.0), (1.0, 3.0), False),  # not surely more than 5 ms
        ((9.0, 12.0), (1.0, inf), False),  # too little is known of the other
        ((1.0, inf), (20.0, 30.0), False),
    ],
)
def test_to_decide_surely_slower_than_may_be_is_a_fault(
    its: tuple[float, float], others: tuple[float, float], bad: bool
) -> None:
    seen = Evidence(5, 5, lift(0.1, 0.2), None, took(its, others))
    found = follow(out(), seen, RULES, T0 + 1)
    assert found.rollout.failures == bad
    assert ("it decides more than 5 ms slower" in found.says) == bad
    look = found.rollout.looks[-1]
    assert (look.took_ms, look.others_took_ms) == (its[0], others[0])
    assert f"95 % of its pages are decided in {its[0]:g} ms, of the others in" in found.says


def test_what_took_longer_than_can_be_counted_is_not_said() -> None:
    endless = Took(Quantile(inf, 9.0, inf), Quantile(0.001, 0.0005, 0.002))
    found = follow(out(), Evidence(5, 5, lift(0.1, 0.2), None, endless), RULES, T0 + 1)
    assert "it decides more than 5 ms slower" in found.says
    assert found.rollout.looks[-1].took_ms is None


def test_after_it_serves_it_is_watched_and_goes_back_by_the_same_rule() -> None:
    watch = watched(out(), RULES, T0)
    assert (watch.phase, watch.share) == (WATCH, 0.9)
    rollout = watch
    for number in (1, 2, 3):
        found = follow(rollout, Evidence(number, 5, lift(-0.2, -0.1)), RULES, T0 + number)
        rollout = found.rollout
    assert found.act is Act.BACK
    ended = follow(watch, Evidence(1, 5, lift(-0.02, 0.1)), RULES, T0 + RULES.watch_ms + 1)
    assert ended.act is Act.DONE
    quiet = follow(watch, Evidence(0, 0, None), RULES, T0 + RULES.silence_ms + 1)
    assert quiet.act is Act.BACK


def traffic(rollout: Rollout, effect: float, days: float, seed: int) -> tuple[list[str], ...]:
    """Rewards of 4,000 viewers; those who were to see the version take `effect` times as often."""
    rng = np.random.default_rng(seed)
    count = int(20_000 * days)
    viewers = [f"{at:032x}" for at in rng.integers(0, 4000, count)]
    shown = T0 + np.sort(rng.integers(0, int(24 * HOUR_MS * days), count))
    salt = salt_of(rollout.version)
    share = np.array([viewer_share(each, salt) for each in viewers])
    steps = np.array([step.share for step in rollout.steps])
    starts = [step.since_ms for step in rollout.steps]
    tried = share < steps[np.searchsorted(starts, shown, side="right") - 1]
    own = rng.gamma(4.0, 0.25, 4000)[[int(each, 16) for each in viewers]]
    values = (rng.random(count) < 0.1 * own * np.where(tried, effect, 1.0)).astype(float)
    return viewers, values, shown  # type: ignore[return-value]


def in_steps(*shares: float) -> Rollout:
    steps = tuple(
        Step(share=share, since_ms=T0 + at * 6 * HOUR_MS) for at, share in enumerate(shares)
    )
    return Rollout(version="v2", against="v1", phase=CANARY, steps=steps, heard_ms=T0)


def test_shares_that_grow_do_not_pass_for_an_effect() -> None:
    """No difference: over 40 canaries the interval that is looked at excludes 0 in at most 4."""
    rollout = in_steps(0.05, 0.2, 0.5)
    wrong = 0
    for seed in range(40):
        viewers, values, shown = traffic(rollout, 1.0, 1.0, seed)
        found, last = compared(rollout, viewers, values, shown)  # type: ignore[arg-type]
        assert found is not None and last > 200
        wrong += not found.lift.low <= 0.0 <= found.lift.high
    assert wrong <= 4


@pytest.mark.parametrize(("effect", "sign"), [(0.6, -1), (1.5, 1)])
def test_a_large_difference_is_found_with_its_sign(effect: float, sign: int) -> None:
    rollout = in_steps(0.05, 0.2, 0.5)
    viewers, values, shown = traffic(rollout, effect, 1.5, 1)
    found, _ = compared(rollout, viewers, values, shown)  # type: ignore[arg-type]
    assert found is not None
    assert found.lift.low <= effect - 1.0 <= found.lift.high
    assert (found.lift.high < 0.0) if sign < 0 else (found.lift.low > 0.0)


@given(st.lists(st.integers(0, 5), max_size=300), st.integers(0, 300))
def test_whether_a_reward_counts_is_settled_when_it_comes(viewers: list[int], first: int) -> None:
    whole = within_share(np.array(viewers, np.intp), 0.05)
    part = within_share(np.array(viewers[:first], np.intp), 0.05)
    assert (whole[: len(part)] == part).all()
    assert within_share(np.array(viewers, np.intp), 1.0).all()


def test_nobody_counts_more_than_a_share_and_of_few_each_counts() -> None:
    rng = np.random.default_rng(3)
    loud = rng.random(20_000) < 0.3
    counted = within_share(np.where(loud, 0, 1 + rng.integers(3000, size=20_000)), 0.01)
    assert 0.009 < (counted & loud).sum() / 20_000 <= 0.0101
    assert counted[~loud].all()
    assert within_share(rng.integers(4, size=2000).astype(np.intp), 0.01).all()


def test_a_loud_viewer_takes_no_version_back_and_lets_none_through() -> None:
    """A tenth of the rewards are of one viewer, who was to see it, and takes nothing, or all."""
    rollout = in_steps(0.05, 0.2, 0.5)
    viewers, values, shown = traffic(rollout, 1.0, 1.0, 3)
    salt = salt_of(rollout.version)
    loud = next(each for each in viewers if viewer_share(each, salt) < 0.05)
    rng = np.random.default_rng(5)
    his = rng.random(len(viewers)) < 0.1
    names = [loud if mine else each for mine, each in zip(his.tolist(), viewers, strict=True)]
    quiet, _ = compared(rollout, viewers, values, shown)  # type: ignore[arg-type]
    assert quiet is not None
    for takes in (0.0, 1.0):
        told = np.where(his, takes, values)
        wide, _ = compared(rollout, names, told, shown)  # type: ignore[arg-type]
        found, _ = compared(rollout, names, told, shown, share=0.01)  # type: ignore[arg-type]
        assert wide is not None and found is not None
        moved, before = (
            abs(np.log1p(each.lift.estimate) - np.log1p(quiet.lift.estimate))
            for each in (found, wide)
        )
        assert moved < before / 3
        assert found.lift.low < 0.0 < found.lift.high


def test_each_rollout_draws_its_own_viewers() -> None:
    viewers = [f"{at:032x}" for at in range(2000)]
    one, two = (
        {each for each in viewers if viewer_share(each, salt_of(version)) < 0.1}
        for version in ("ridge-0a0a0a0a", "ridge-0b0b0b0b")
    )
    assert len(one & two) < 40 and 140 < len(one) < 260
