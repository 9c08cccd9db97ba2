"""Shared weights: a Bayesian regression by hand, and what one prior's word leaves to the next."""

import numpy as np

from keyart.models.decide.weights import FIRST_TRUST, LIKENESS, SPREAD, learned_weights, no_weights
from keyart.models.features import FEATURES, PERSONAL, PERSONAL_SCALE
from keyart.models.posterior.shared import MOST_PRIORS, add_to_shared
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import SharedSums
from keyart.schemas.rewards import Reward

T0 = 1_700_000_000_000


def reward(
    at: int, features: tuple[float, ...], personal: float, value: float, prior: str
) -> Reward:
    return Reward(
        id=f"r{at}",
        viewer=f"{at:032x}",
        title="t",
        artwork="a",
        surface="home",
        value=value,
        shown_at_ms=T0,
        closed_at_ms=T0,
        candidates=("a", "b"),
        propensities=(0.5, 0.5),
        explored=False,
        policy="p",
        versions=Versions(policy="p", prior=prior, posterior="0", space="s"),
        features=features,
        personal=personal,
        expected=0.3,
    )


def log(count: int, worth: dict[str, float], size: int = PERSONAL, seed: int = 0) -> list[Reward]:
    """Viewers take what a prior told them in proportion to what its word is worth."""
    rng = np.random.default_rng(seed)
    made = []
    for at in range(count):
        prior = list(worth)[at % len(worth)]
        x, said = rng.normal(0.0, 0.5, size), float(rng.normal(0.0, 1.0))
        chance = 0.3 * np.exp(0.1 * x[0] + worth[prior] * said)
        value = float(rng.random() < min(chance, 1.0))
        made.append(reward(at, tuple(x.tolist()), said, value, prior))
    return made


def summed(rewards: list[Reward], cut: int = 500) -> SharedSums:
    sums = SharedSums()
    for first in range(0, len(rewards), cut):
        sums = add_to_shared(sums, rewards[first : first + cut], half_life_ms=1e12)
    return sums


def test_before_any_reward_taste_and_the_prior_count_a_little() -> None:
    start = no_weights()
    expected = dict(LIKENESS, personal=FIRST_TRUST / PERSONAL_SCALE)
    for name, weight in zip(FEATURES, start.weights, strict=True):
        assert np.isclose(weight, expected.get(name, 0.0))
    np.testing.assert_allclose(start.covariance, SPREAD**2 * np.eye(len(FEATURES)), rtol=1e-6)


def test_the_posterior_is_that_of_a_linear_regression() -> None:
    rewards = log(600, {"llm": 0.1})
    x = np.array([[*each.features, each.personal] for each in rewards])
    b, y = np.full(len(x), 0.3), np.array([each.value for each in rewards])
    start = no_weights().weights.astype(float)
    precision = np.eye(len(FEATURES)) / SPREAD**2 + (x * b[:, None]).T @ x
    mean = start + np.linalg.solve(precision, x.T @ (y - b - b * (x @ start)))
    found = learned_weights([summed(rewards[:200]), summed(rewards[200:])], prior="llm")
    np.testing.assert_allclose(found.weights, mean, atol=1e-5)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(precision), atol=1e-6)


def test_a_wrong_prior_loses_its_word_and_the_next_one_starts_anew() -> None:
    sums = [summed(log(6000, {"wrong": -0.1, "right": 0.1}))]
    wrong, right, new = (
        float(learned_weights(sums, prior=name).weights[PERSONAL])
        for name in ("wrong", "right", "new")
    )
    assert wrong < -0.05 < 0.05 < right
    assert np.isclose(new, FIRST_TRUST / PERSONAL_SCALE)
    held = [learned_weights(sums, prior=name).weights[:PERSONAL] for name in ("wrong", "new")]
    np.testing.assert_allclose(held[0], held[1], atol=1e-6)


def test_what_a_shorter_or_longer_list_of_features_lacks_was_nothing() -> None:
    short, whole = log(300, {"p": 0.0}, size=5), log(300, {"p": 0.0}, seed=1)
    filled = [
        reward(at, (*e.features, *(0.0,) * (PERSONAL - 5)), e.personal, e.value, "p")
        for at, e in enumerate(short)
    ]
    mixed = learned_weights([summed(short + whole, cut=37)], prior="p")
    plain = learned_weights([summed(filled + whole)], prior="p")
    np.testing.assert_allclose(mixed.weights, plain.weights, atol=1e-6)
    later = log(300, {"p": 0.0}, size=PERSONAL + 3, seed=2)
    assert learned_weights([summed(later)], prior="p").weights.shape == (len(FEATURES),)


def test_priors_that_taught_least_make_room() -> None:
    many = {f"p{at:02d}": 0.0 for at in range(MOST_PRIORS)}
    sums = summed(log(40 * MOST_PRIORS, many))
    assert sums.priors == sorted(many)
    quiet = reward(0, (0.1,), 0.01, 0.0, "quiet")
    assert add_to_shared(sums, [quiet], half_life_ms=1e12).priors == sorted(many)
    loud = [reward(at, (0.1,), 30.0, 0.0, "loud") for at in range(9)]
    after = add_to_shared(sums, loud, half_life_ms=1e12).priors
    assert len(after) == MOST_PRIORS
    assert "loud" in after
