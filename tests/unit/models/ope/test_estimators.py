"""Estimators: against Open Bandit Pipeline's to 1e-9, against the truth, and their bounds."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.ope.estimators import ESTIMATORS, Difference, influence, terms, weights
from keyart.models.ope.intervals import standard_error
from keyart.models.ope.rows import Array, Rows
from keyart.schemas.errors import InvalidRecord, UnknownName

CLIP = 2.0


def world(seed: int, count: int = 400, actions: int = 5) -> tuple[Rows, Array, Array, Array]:
    """Return a log, a policy, a wrong reward model and the true rewards."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(2.0, 5.0, (count, actions))
    logging = rng.dirichlet(np.full(actions, 2.0), count)
    policy = rng.dirichlet(np.ones(actions), count)
    action = np.array([rng.choice(actions, p=each) for each in logging])
    at = np.arange(count)
    rows = Rows(
        action=action,
        reward=(rng.random(count) < truth[at, action]).astype(np.float64),
        propensity=logging[at, action],
        allowed=np.ones((count, actions), np.bool_),
        cluster=rng.integers(0, count // 3, count),
    )
    return rows, policy, np.clip(truth + rng.normal(0.0, 0.1, truth.shape), 0.0, 1.0), truth


@pytest.mark.parametrize("seed", range(5))
def test_every_estimator_agrees_with_open_bandit_pipeline(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from obp import ope as obp
    theirs = {
        "ips": obp.InverseProbabilityWeighting(),
        "clipped": obp.InverseProbabilityWeighting(lambda_=CLIP),
        "snips": obp.SelfNormalizedInverseProbabilityWeighting(),
        "dm": obp.DirectMethod(),
        "dr": obp.DoublyRobust(),
        "switch_dr": obp.SwitchDoublyRobust(lambda_=CLIP),
    }
    assert theirs.keys() == set(ESTIMATORS)
    rows, policy, model, _ = world(seed)
    for name, estimator in theirs.items():
        told = {
            "reward": rows.reward,
            "action": rows.action,
            "pscore": rows.propensity,
            "action_dist": policy[:, :, None],
            "estimated_rewards_by_reg_model": model[:, :, None],
            "position": np.zeros(len(rows), int),
        }
        expected = estimator.estimate_policy_value(**told)
        assert terms(name, rows, policy, model=model, clip=CLIP).value == pytest.approx(
            expected, abs=1e-9
        )


@pytest.mark.parametrize("name", ["ips", "snips", "dr"])
def test_estimates_come_to_the_truth(name: str) -> None:
    """Over many logs: unbiased (snips nearly so), though the model is wrong."""
    wrong = []
    for seed in range(60):
        rows, policy, model, truth = world(seed)
        value = terms(name, rows, policy, model=model).value
        wrong.append(value - float((policy * truth).sum(axis=1).mean()))
    assert abs(np.mean(wrong)) < 3.0 * np.std(wrong) / np.sqrt(len(wrong)) + 1e-3


def test_the_logging_policy_itself_is_worth_what_was_earned() -> None:
    rows, _, model, _ = world(1)
    logged = np.zeros(rows.allowed.shape)
    logged[np.arange(len(rows)), rows.action] = 1.0
    sure = Rows(
        action=rows.action,
        reward=rows.reward,
        propensity=np.ones(len(rows)),
        allowed=rows.allowed,
    )
    for name in ESTIMATORS:
        if name != "dm":
            assert terms(name, sure, logged, model=model).value == pytest.approx(rows.reward.mean())


def test_a_difference_is_surer_than_its_parts() -> None:
    rows, policy, model, _ = world(3, count=2000)
    near = 0.95 * policy + 0.05 / policy.shape[1]
    for name in ESTIMATORS:
        first = terms(name, rows, policy, model=model)
        second = terms(name, rows, near, model=model)
        pair = Difference(first=first, second=second)
        assert pair.value == pytest.approx(first.value - second.value)
        assert standard_error(rows, pair) < 0.5 * standard_error(rows, first) or name == "dm"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_influence_has_mean_zero_and_moves_as_a_row_left_out_does(seed: int) -> None:
    rows, policy, model, _ = world(seed, count=60)
    of = terms("snips", rows, policy)
    moved = influence(of)
    assert abs(moved.mean()) < 1e-12
    without = np.delete(of.numerator, 0).sum() / np.delete(of.denominator, 0).sum()
    expected = moved[0] / len(rows) * of.denominator.sum() / np.delete(of.denominator, 0).sum()
    assert of.value - without == pytest.approx(expected, abs=1e-12)


def test_weights_of_clipped_never_pass_the_clip() -> None:
    rows, policy, _, _ = world(5)
    assert weights(rows, policy).max() > CLIP
    of = terms("clipped", rows, policy, clip=CLIP)
    assert (of.numerator <= CLIP * rows.reward + 1e-12).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reward": np.array([np.nan, 1.0])}, "row 1: reward is no finite number"),
        ({"propensity": np.array([0.5, 0.0])}, "row 2: propensity is not above 0"),
        ({"action": np.array([0, 2])}, "row 2: action is out of range"),
        ({"allowed": np.array([[False, True], [True, True]])}, "row 1: the logged action"),
    ],
)
def test_a_log_that_cannot_be_says_where(change: dict[str, Array], said: str) -> None:
    good = {
        "action": np.array([0, 1]),
        "reward": np.array([0.0, 1.0]),
        "propensity": np.array([0.5, 0.5]),
        "allowed": np.ones((2, 2), np.bool_),
    }
    with pytest.raises(InvalidRecord, match=said):
        Rows(**(good | change))


def test_what_is_asked_for_must_exist() -> None:
    rows, policy, model, _ = world(0)
    with pytest.raises(UnknownName, match="no estimator 'mips'"):
        terms("mips", rows, policy)
    with pytest.raises(InvalidRecord, match="needs a reward model"):
        terms("dr", rows, policy)
    with pytest.raises(InvalidRecord, match="do not sum to 1"):
        terms("ips", rows, policy * 0.5)
    with pytest.raises(InvalidRecord, match="clip"):
        terms("clipped", rows, policy, clip=0.0)
