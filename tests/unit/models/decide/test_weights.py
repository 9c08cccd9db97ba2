"""Shared weights: their evidence and regression by hand; what earns trust, and what does not."""

import numpy as np
import pytest
from msgspec import structs
from scipy import stats

from keyart.models.decide.weights import (
    FIRST_LIKENESS,
    FIRST_TRUST,
    LIKENESS,
    LIKENESS_SPREADS,
    RELATIONS,
    SPREADS,
    Shared,
    learned_weights,
    log_evidence,
    no_weights,
    spread_of_weights,
    trust_in_responses,
)
from keyart.models.sums.responses import add_responded
from keyart.models.sums.shared import MOST_PRIORS, add_to_shared
from keyart.models.taste.features import FEATURES, PERSONAL, PERSONAL_SCALE, TasteVectors, features
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import SharedSums
from keyart.schemas.rewards import Reward
from keyart.schemas.taste import INTERESTS, TASTE_DIMENSIONS

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


def log(
    count: int,
    worth: dict[str, float],
    size: int = PERSONAL,
    seed: int = 0,
    likes: float = 0.1,
) -> list[Reward]:
    """Viewers take what a prior told them in proportion to what its word is worth."""
    rng = np.random.default_rng(seed)
    made = []
    for at in range(count):
        prior = list(worth)[at % len(worth)]
        x, said = rng.normal(0.0, 0.5, size), float(rng.normal(0.0, 1.0))
        chance = 0.3 * np.exp(likes * x[0] + worth[prior] * said)
        value = float(rng.random() < min(chance, 1.0))
        made.append(reward(at, tuple(x.tolist()), said, value, prior))
    return made


def summed(rewards: list[Reward], cut: int = 500) -> SharedSums:
    sums = SharedSums()
    for first in range(0, len(rewards), cut):
        sums = add_to_shared(sums, rewards[first : first + cut], half_life_ms=1e12)
    return sums


def test_before_any_reward_taste_and_the_prior_move_a_little() -> None:
    weights = dict(zip(FEATURES, no_weights().weights.tolist(), strict=True))
    expected = {name: FIRST_LIKENESS * each for name, each in LIKENESS.items()}
    expected["personal"] = FIRST_TRUST / PERSONAL_SCALE
    assert weights == pytest.approx({name: expected.get(name, 0.0) for name in FEATURES}, abs=1e-7)
    # a viewer with a long past, an artwork that is all they like beside one that is not
    liked = np.zeros((2, TASTE_DIMENSIONS), np.float32)
    liked[0, 0] = liked[1, 1] = 1.0
    rows = np.zeros((3 + INTERESTS, TASTE_DIMENSIONS), np.float32)
    rows[[0, 1, 3], 0] = 0.9
    x = features(TasteVectors(directions=rows), liked, np.zeros((2, 2), np.float32), "home")
    contrast = float(no_weights().weights @ (x[:, 0] - x[:, 1]))
    assert 0.0 < contrast < np.log(1.2)


@pytest.mark.parametrize("seed", range(4))
def test_the_evidence_is_that_of_a_normal_pull(seed: int) -> None:
    """Against no effect at all, under which the pull has covariance A."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, 9))
    gram, pull = root @ root.T, root @ rng.normal(size=9)
    spreads = rng.choice(SPREADS, (5, 6))
    nothing = stats.multivariate_normal(cov=gram).logpdf(pull)
    for at, found in enumerate(log_evidence(gram, pull, spreads)):
        wide = gram + gram @ np.diag(spreads[at] ** 2) @ gram
        assert found == pytest.approx(stats.multivariate_normal(cov=wide).logpdf(pull) - nothing)


def test_the_posterior_is_that_of_a_linear_regression() -> None:
    """Given the spreads: the same normal equations, weight by weight and likeness beside them."""
    rewards = log(2000, {"llm": 0.1}, likes=0.8)
    x = np.array([[*each.features, each.personal] for each in rewards])
    b, y = np.full(len(x), 0.3), np.array([each.value for each in rewards])
    likeness = np.array([LIKENESS.get(name, 0.0) for name in FEATURES])
    wide = np.column_stack((x, x @ likeness))
    kinds = [
        next((at for at, names in enumerate(RELATIONS.values()) if name in names), len(RELATIONS))
        for name in FEATURES
    ] + [len(RELATIONS) + 1]
    spreads = np.array([*[SPREADS] * (len(RELATIONS) + 1), LIKENESS_SPREADS])
    start = np.zeros(len(FEATURES) + 1)
    start[PERSONAL], start[-1] = FIRST_TRUST / PERSONAL_SCALE, FIRST_LIKENESS
    gram = (wide * y[:, None]).T @ wide
    pull = wide.T @ (y - b - y * (wide @ start))
    root = spread_of_weights(gram, pull, np.array(kinds), spreads)
    assert root.min() < 0.01 < 0.1 < root[0]
    # what was taken counts as far as it was; what was not is in the pull alone
    penalty = np.diag(root**-2.0)
    found = np.linalg.solve(gram + penalty, wide.T @ (y - b) + penalty @ start)
    mean = found[:-1] + found[-1] * likeness
    posterior = learned_weights([summed(rewards[:200]), summed(rewards[200:])], prior="llm")
    np.testing.assert_allclose(posterior.weights, mean, atol=1e-5)
    back = np.vstack((np.eye(len(FEATURES)), likeness))
    covariance = back.T @ np.linalg.inv(gram + penalty) @ back
    np.testing.assert_allclose(posterior.covariance, covariance, atol=1e-6)


def moved(rewards: list[Reward], shared: Shared) -> float:
    """Return the standard deviation of what taste adds to a log take, over these rewards."""
    x = np.array([[*each.features, each.personal] for each in rewards])
    return float((x @ shared.weights).std())


def test_where_taste_does_not_matter_it_goes_on_moving_little() -> None:
    found = []
    for seed in range(6):
        rng, rewards = np.random.default_rng(seed), []
        for at in range(4000):
            x = tuple(rng.normal(0.0, 0.7, PERSONAL).tolist())
            rewards.append(reward(at, x, 0.0, float(rng.random() < 0.3), "neutral"))
        found.append(
            [
                moved(rewards, learned_weights([summed(rewards[:n])], prior="neutral"))
                for n in (100, 1000, 4000)
            ]
        )
    # with a spread of 0.1 for every weight it was 0.25 to 0.35 at the start and 0.10 at the end
    assert np.mean(found, axis=0).max() < 0.05


def test_a_relation_that_matters_is_found_and_others_are_not_moved_by_it() -> None:
    rng, rewards = np.random.default_rng(3), []
    true = np.zeros(PERSONAL)
    true[[FEATURES.index(f"long_{axis}") for axis in range(8)]] = rng.normal(0.0, 0.25, 8)
    for at in range(4000):
        x = rng.normal(0.0, 0.7, PERSONAL)
        chance = min(0.3 * float(np.exp(x @ true)), 1.0)
        rewards.append(reward(at, tuple(x.tolist()), 0.0, float(rng.random() < chance), "neutral"))
    found = learned_weights([summed(rewards)], prior="neutral").weights[:PERSONAL]
    assert np.corrcoef(found, true)[0, 1] > 0.95
    assert np.abs(found[true == 0.0]).max() < 0.04
    assert np.linalg.norm(found) > 0.6 * np.linalg.norm(true)


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
    loud = [reward(at, (0.1,), 30.0, 1.0, "loud") for at in range(9)]
    after = add_to_shared(sums, loud, half_life_ms=1e12).priors
    assert len(after) == MOST_PRIORS
    assert "loud" in after


def test_a_level_that_is_still_far_too_low_makes_no_taste_of_noise() -> None:
    """A new site expects a tenth of what is taken; features are centred, as they are logged."""
    found = []
    for seed in range(6):
        rng, rewards = np.random.default_rng(seed), []
        x = rng.normal(0.0, 0.7, (2000, PERSONAL))
        taken = rng.random(2000) < 0.3
        for at, (its, value) in enumerate(zip((x - x.mean(axis=0)).tolist(), taken, strict=True)):
            made = reward(at, tuple(its), 0.0, float(value), "neutral")
            rewards.append(structs.replace(made, expected=0.03))
        found.append(moved(rewards, learned_weights([summed(rewards)], prior="neutral")))
    # weighed by what was expected it was 0.7 to 1.3
    assert max(found) < 0.1


@pytest.mark.parametrize(
    ("true", "low", "high"),
    [(1.0, 0.8, 1.0), (0.4, 0.25, 0.55), (0.0, 0.0, 0.1), (-1.0, 0.0, 0.0)],
)
def test_responses_are_trusted_as_far_as_takes_bear_them_out(
    true: float, low: float, high: float
) -> None:
    assert trust_in_responses([]) == trust_in_responses([SharedSums()]) == 0.0
    rng = np.random.default_rng(2)
    said = rng.normal(0.0, 0.3, 40_000)
    base = rng.uniform(0.02, 0.1, len(said))
    # while they were not trusted; then while they moved what was expected, and what was shown
    taken = rng.random(len(said)) < base * np.exp(true * said)
    lanes = [SharedSums(), SharedSums()]
    plain = reward(0, (), 0.0, 0.0, "p")
    for number, (lane, gave) in enumerate(zip(lanes, (0.0, 0.5), strict=True)):
        its = [
            structs.replace(
                plain,
                value=float(y),
                expected=float(b),
                multiplier=float(np.exp(gave * r)),
                response=float(np.exp(gave * r)),
                responded=float(r),
            )
            for r, b, y in zip(said[number::2], base[number::2], taken[number::2], strict=True)
        ]
        lane.responded = add_responded([], its, np.ones(len(its)), 1.0)
    assert low <= trust_in_responses(lanes) <= high
