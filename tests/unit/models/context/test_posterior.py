"""The hierarchy of linear models: against plain formulas, additive, and free to fall back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from keyart.models.bandits.registry import POLICIES, build_policy
from keyart.models.context.learner import ContextLearner
from keyart.models.context.posterior import (
    ANSWERS,
    LEVELS,
    NOTHING,
    _noise,
    _point,
    _shared,
    believe,
)
from keyart.models.context.sums import ArmSums, Array, Numbers


def rows(seed: int, count: int = 120, arms: int = 3, size: int = 4) -> tuple[Array, Numbers, Array]:
    rng = np.random.default_rng(seed)
    x = np.column_stack((np.ones(count), rng.normal(size=(count, size - 1))))
    action = rng.integers(0, arms, count)
    weight = rng.normal(0.0, 0.3, (arms, size))
    reward = np.einsum("nd,nd->n", x, weight[action]) + rng.normal(0.0, 0.5, count)
    return x, action, reward


def total(sums: ArmSums) -> ArmSums:
    return ArmSums(
        gram=sums.gram.sum(axis=0)[None],
        moment=sums.moment.sum(axis=0)[None],
        squares=sums.squares.sum()[None],
        count=sums.count.sum()[None],
    )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("answer", [ANSWERS[0], ANSWERS[2], ANSWERS[-1]])
def test_a_point_is_bayes_rule_on_the_rows_themselves(level: float, answer: float) -> None:
    """Oracle: the rows' own covariance matrix, no sums; evidence up to one constant."""
    x, action, reward = rows(1)
    sums = ArmSums.of(x, action, reward, actions=3)
    noise = _noise(total(sums))
    shared = _shared(total(sums), noise, 0.0)
    unit = float(np.sqrt(noise))

    def oracle(level: float, answer: float) -> tuple[float, Array]:
        spread = np.full(4, max(answer, NOTHING) * unit)
        spread[0] = level * unit
        log, weights = 0.0, []
        for arm in range(3):
            its, y = x[action == arm], reward[action == arm]
            covariance = its @ np.diag(spread**2) @ its.T + noise * np.eye(len(its))
            log += multivariate_normal(its @ shared, covariance).logpdf(y)
            gain = np.diag(spread**2) @ its.T @ np.linalg.inv(covariance)
            weights.append(shared + gain @ (y - its @ shared))
        return log, np.array(weights)

    evidence, weights, _ = _point(sums, shared, unit, noise, level, answer)
    first, _, _ = _point(sums, shared, unit, noise, LEVELS[0], ANSWERS[0])
    expected, right = oracle(level, answer)
    assert weights == pytest.approx(right, abs=1e-6)
    assert evidence - first == pytest.approx(expected - oracle(LEVELS[0], ANSWERS[0])[0], abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 119))
def test_sums_of_two_parts_are_those_of_the_whole(seed: int, cut: int) -> None:
    x, action, reward = rows(seed)
    whole = ArmSums.of(x, action, reward, actions=3)
    first = ArmSums.of(x[:cut], action[:cut], reward[:cut], actions=3)
    second = ArmSums.of(x[cut:], action[cut:], reward[cut:], actions=3)
    for name in ("gram", "moment", "squares", "count"):
        assert getattr(first + second, name) == pytest.approx(getattr(whole, name))
        assert getattr(whole - second, name) == pytest.approx(getattr(first, name))


def test_a_row_at_a_time_ends_where_all_at_once_does() -> None:
    """Between inferences rows are taken in exactly, so inferring at the end finds nothing new."""
    x, action, reward = rows(4, count=60)
    one = ContextLearner(policy=build_policy(), actions=3, features=4)
    for each in range(60):
        one.learn(x[each], int(action[each]), float(reward[each]))
    one.infer()
    all_at_once = ContextLearner(policy=build_policy(), actions=3, features=4)
    all_at_once.learn_all(x, action, reward)
    new = rows(5, count=30)[0]
    assert one.propensities(new) == pytest.approx(all_at_once.propensities(new))


def test_without_anything_in_the_context_it_is_one_level_an_action() -> None:
    """Twenty columns of noise must not cost: answers to them are inferred to be nothing."""
    rng = np.random.default_rng(2)
    x = np.column_stack((np.ones(3000), rng.normal(size=(3000, 20))))
    action = rng.integers(0, 3, 3000)
    reward = (rng.random(3000) < np.array([0.1, 0.15, 0.2])[action]).astype(float)
    got = believe(ArmSums.of(x, action, reward, actions=3))
    levels = np.einsum("h,hkd->kd", got.share, got.weights)
    assert np.abs(levels[:, 1:]).max() < 0.03
    means = got.means(x)
    assert (means.argmax(axis=1) == 2).mean() > 0.95


def test_where_actions_answer_differently_it_follows_them() -> None:
    rng = np.random.default_rng(3)
    x = np.column_stack((np.ones(2000), rng.normal(size=(2000, 3))))
    action = rng.integers(0, 2, 2000)
    chance = np.where(action == (x[:, 1] > 0), 0.6, 0.2)
    reward = (rng.random(2000) < chance).astype(float)
    got = believe(ArmSums.of(x, action, reward, actions=2)).means(x)
    assert (got.argmax(axis=1) == (x[:, 1] > 0)).mean() > 0.9


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_served_policy_learns_from_columns(name: str) -> None:
    x, action, reward = rows(6)
    learner = ContextLearner(policy=build_policy(name), actions=3, features=4, mean=0.3)
    allowed = np.ones((120, 3), np.bool_)
    allowed[:, 1] = False
    for shares in (learner.propensities(x, allowed), None):
        if shares is None:
            learner.learn_all(x, action, np.clip(reward, 0.0, 1.0))
            shares = learner.propensities(x, allowed)
        assert shares.sum(axis=1) == pytest.approx(np.ones(120))
        assert (shares[:, 1] == 0.0).all()
