"""Policies on a log with a known truth: what is said of them, and what is said of the log."""

import numpy as np
import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.context.learner import ContextLearner
from keyart.models.ope.compare import compare, controls, learned, model_of
from keyart.models.ope.diagnostics import effective_sample_size, rows_to_tell, sample_ratio
from keyart.models.ope.replay import replay
from keyart.models.ope.reward_model import folds_of
from keyart.models.ope.rows import Array, Rows
from keyart.schemas.errors import NotFound

K = 3


def world(seed: int, count: int = 4000) -> tuple[Array, Rows, Array, Array]:
    """Return a context, a log, its propensities and the truth: the best action depends on x."""
    rng = np.random.default_rng(seed)
    x = np.column_stack((np.ones(count), rng.normal(size=(count, 2))))
    truth = 0.15 + 0.2 * np.stack((x[:, 1] > 0.5, x[:, 1] <= 0.5, x[:, 2] > 1.5), axis=1)
    logging: Array = np.tile(np.array([0.5, 0.3, 0.2]), (count, 1))
    action = rng.choice(K, count, p=logging[0])
    at = np.arange(count)
    rows = Rows(
        action=action,
        reward=(rng.random(count) < truth[at, action]).astype(float),
        propensity=logging[at, action],
        allowed=np.ones((count, K), np.bool_),
        cluster=rng.integers(0, count // 4, count),
    )
    return x, rows, logging, np.asarray(truth, np.float64)


def test_estimates_hold_the_truth_and_a_learned_policy_beats_the_controls() -> None:
    held = asked = 0
    for seed in range(5):
        x, rows, logging, truth = world(seed)
        fold = folds_of(rows)
        policies = controls(rows, fold)
        policies["optimistic"] = learned(x, rows, fold, build_policy())
        found = compare(
            rows, policies, model=model_of(x, rows, fold), against="popularity", logged=logging
        )
        assert not found.warnings
        worth = {name: float((each * truth).sum(axis=1).mean()) for name, each in policies.items()}
        for each in found.estimates:
            if each.policy in worth and each.estimator != "dm":
                held += each.low <= worth[each.policy] <= each.high
                asked += 1
        (over,) = [c for c in found.contrasts if c.policy == "optimistic" and c.estimator == "dr"]
        assert over.value == pytest.approx(worth["optimistic"] - worth["popularity"], abs=0.04)
        assert over.low > 0.0
        assert over.rows_to_tell is not None and over.rows_to_tell < len(rows)
    assert held / asked > 0.7  # twenty estimates on one log miss together, and five logs are few


def test_what_is_judged_taught_nothing_about_itself() -> None:
    """Rewards that are pure luck: a policy fitted on its own rows would look better than it is."""
    rng = np.random.default_rng(0)
    count = 600
    x = np.column_stack((np.ones(count), rng.normal(size=(count, 30))))
    rows = Rows(
        action=rng.integers(0, K, count),
        reward=(rng.random(count) < 0.3).astype(float),
        propensity=np.full(count, 1 / K),
        allowed=np.ones((count, K), np.bool_),
    )
    fold = folds_of(rows)
    policy = learned(x, rows, fold, build_policy("epsilon_greedy", epsilon=0.0))
    (told,) = [
        each
        for each in compare(
            rows, {"greedy": policy}, model=model_of(x, rows, fold), against="logged"
        ).estimates
        if each.estimator == "dr"
    ]
    assert told.low < 0.3 < told.high


def test_wrong_propensities_little_overlap_and_one_heavy_row_are_told() -> None:
    x, rows, logging, _ = world(1)
    fold = folds_of(rows)
    swapped = logging[:, ::-1].copy()
    at = np.arange(len(rows))
    lied = Rows(
        action=rows.action,
        reward=rows.reward,
        propensity=swapped[at, rows.action],
        allowed=rows.allowed,
        cluster=rows.cluster,
    )
    said = compare(
        lied, controls(lied, fold), model=model_of(x, lied, fold), against="logged", logged=swapped
    ).warnings
    assert any("sample-ratio mismatch" in each for each in said)
    assert any("mean importance weight" in each for each in said)
    few = world(2, count=60)
    thin = few[1]
    told = compare(
        thin, controls(thin, folds_of(thin)), model=model_of(few[0], thin), against="logged"
    ).warnings
    assert any("not enough overlap to say" in each and "more rows" in each for each in told)


def test_honest_propensities_pass_the_ratio_check() -> None:
    passed = [sample_ratio(world(seed)[1], world(seed)[2]).p_value for seed in range(40)]
    assert 0.2 < np.mean(passed) < 0.8
    assert min(passed) > 1e-4


def test_rows_that_are_worth_something() -> None:
    _, rows, logging, _ = world(4)
    assert effective_sample_size(rows, logging) == pytest.approx(len(rows))
    one = np.zeros(logging.shape)
    one[:, 2] = 1.0
    assert effective_sample_size(rows, one) < 0.3 * len(rows)
    assert rows_to_tell(0.02, 0.02, 1000) == pytest.approx(1000 * 1.96**2, rel=1e-3)
    assert rows_to_tell(0.0, 0.02, 1000) == float("inf")


def test_a_policy_that_is_not_there_is_named() -> None:
    x, rows, _, _ = world(0, count=100)
    with pytest.raises(NotFound, match="no policy is called 'nosuch'"):
        compare(rows, controls(rows, folds_of(rows)), model=model_of(x, rows), against="nosuch")


class Fixed:
    """Chooses by fixed shares, and remembers what it was taught."""

    def __init__(self, shares: Array) -> None:
        self.shares = shares
        self.taught: list[tuple[int, float]] = []

    def propensities(self, x: Array, allowed: object = None) -> Array:
        return np.tile(self.shares, (len(x), 1))

    def learn(self, x: Array, action: int, reward: float) -> None:
        self.taught.append((action, reward))


def test_replay_meets_a_fair_sample_of_a_log_that_is_not_uniform() -> None:
    """Whatever the log preferred, what a fixed policy earns is what it would have earned."""
    shares = np.array([0.1, 0.2, 0.7])
    earned, expected = [], []
    for seed in range(12):
        x, rows, _, truth = world(seed, count=3000)
        policy = Fixed(shares)
        got = replay(policy, x, rows, seed=seed)
        assert len(policy.taught) == len(got.reward) == len(got.matched)
        earned.append(got.reward.mean())
        expected.append(float((truth @ shares).mean()))
        acted = np.bincount([each for each, _ in policy.taught], minlength=K) / len(got.reward)
        assert acted == pytest.approx(shares, abs=0.08)
    assert np.mean(earned) == pytest.approx(np.mean(expected), abs=0.015)


def test_a_learner_that_is_replayed_ends_near_the_best() -> None:
    x, rows, _, truth = world(9, count=12_000)
    learner = ContextLearner(policy=build_policy(), actions=K, features=3)
    got = replay(learner, x, rows)
    late = got.matched[len(got.matched) // 2 :].astype(int)
    best = truth[late].max(axis=1).mean()
    assert got.reward[len(got.matched) // 2 :].mean() > best - 0.08
