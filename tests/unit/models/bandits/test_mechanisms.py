"""Propensities against a million draws of each policy's mechanism, written down a second time."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from keyart.models.bandits.holdback import Holdback
from keyart.models.bandits.protocol import Page, choose, mix
from keyart.models.bandits.registry import POLICIES, build_policy

DRAWS = 1_000_000
F64 = NDArray[np.float64]
Picks = NDArray[np.intp]

MEAN = np.array([0.020, 0.024, 0.021, 0.012, 0.024])
SD = np.array([0.004, 0.001, 0.009, 0.002, 0.003])
SEEN = np.array([300.0, 5000.0, 12.0, 900.0, 700.0])
TAKEN = np.array([6.0, 121.0, 1.0, 10.0, 17.0])
PRIOR = np.array([0.020, 0.022, 0.018, 0.020, 0.022])
STRENGTH = 400.0
FEATURES = np.array([[0.5, -1.0], [0.1, 0.3], [-0.7, 0.2], [0.2, 0.9], [-0.1, -0.4]])
WEIGHTS = np.array([0.2, -0.1])
COVARIANCE = np.array([[0.04, 0.01], [0.01, 0.09]])


def page() -> Page:
    """Return one title of five artworks, and one masked entry that would win if it were let."""

    def padded(values: F64, fill: float = 0.9) -> F64:
        return np.append(values, fill)[None, :]

    return Page(
        mask=np.array([[True] * 5 + [False]]),
        mean=padded(MEAN),
        sd=padded(SD),
        seen=padded(SEEN, 0.0),
        taken=padded(TAKEN),
        prior_mean=padded(PRIOR),
        prior_strength=np.array([[STRENGTH]]),
        impressions=np.array([SEEN.sum()]),
        features=np.vstack((FEATURES, [[9.0, -9.0]]))[None],
        weights=WEIGHTS,
        weight_covariance=COVARIANCE,
    )


def drawn(picks: Picks) -> F64:
    return np.bincount(picks, minlength=5) / len(picks)


def winners(index: list[float], rng: np.random.Generator) -> Picks:
    """Return a million picks among the largest of one fixed list."""
    best = [at for at, value in enumerate(index) if value == max(index)]
    return rng.choice(best, DRAWS)


def uniform(rng: np.random.Generator) -> Picks:
    return rng.integers(0, 5, DRAWS)


def epsilon_greedy(rng: np.random.Generator) -> Picks:
    return np.where(rng.random(DRAWS) < 0.1, uniform(rng), winners(list(MEAN), rng))


def linucb(rng: np.random.Generator) -> Picks:
    index = [float(x @ WEIGHTS) + math.sqrt(float(x @ COVARIANCE @ x)) for x in FEATURES]
    return winners(index, rng)


def lola(rng: np.random.Generator) -> Picks:
    index = []
    log_t = math.log(SEEN.sum())
    for n, c, mu in zip(SEEN, TAKEN, PRIOR, strict=True):
        own = c / n + 0.08 * math.sqrt(log_t / n)
        m = n + STRENGTH
        index.append(min(own, (c + mu * STRENGTH) / m + 0.08 * math.sqrt(log_t / m)))
    return winners(index, rng)


def squarecb(rng: np.random.Generator) -> Picks:
    gamma = 10.0 * (1.0 + SEEN.sum()) ** 0.25
    best = int(np.argmax(MEAN))
    shares = [
        0.0 if k == best else 1.0 / (5.0 + gamma * (MEAN[best] - MEAN[k]) / MEAN[best])
        for k in range(5)
    ]
    shares[best] = 1.0 - sum(shares)
    return rng.choice(5, DRAWS, p=shares)


def thompson(rng: np.random.Generator) -> Picks:
    picks: Picks = (rng.normal(MEAN, SD, (DRAWS, 5))).argmax(axis=1)
    return picks


def thompson_half(rng: np.random.Generator) -> Picks:
    picks: Picks = (rng.normal(MEAN, 0.5 * SD, (DRAWS, 5))).argmax(axis=1)
    return picks


def thompson_gamma(rng: np.random.Generator) -> Picks:
    shape = (MEAN / SD) ** 2
    picks: Picks = (rng.gamma(shape, MEAN / shape, (DRAWS, 5))).argmax(axis=1)
    return picks


def prior_only(rng: np.random.Generator) -> Picks:
    return winners(list(PRIOR), rng)


def optimistic(rng: np.random.Generator) -> Picks:
    # minus the log of an exponential variable is a Gumbel one; its variance is pi^2 / 6
    z = -np.log(-np.log(rng.random((DRAWS, 5)))) / math.sqrt(math.pi**2 / 6.0)
    width = 0.3 * math.sqrt(math.log(SEEN.sum() + 1.0))
    picks: Picks = (MEAN + SD * width + 0.1 * SD.mean() * z).argmax(axis=1)
    return picks


def optimistic_noisy(rng: np.random.Generator) -> Picks:
    z = rng.gumbel(0.0, math.sqrt(6.0) / math.pi, (DRAWS, 5))
    picks: Picks = (MEAN + SD.mean() * z).argmax(axis=1)
    return picks


CASES = [
    ("uniform", {}, uniform),
    ("epsilon_greedy", {}, epsilon_greedy),
    ("linucb", {}, linucb),
    ("lola", {}, lola),
    ("squarecb", {}, squarecb),
    ("thompson", {}, thompson),
    ("thompson", {"scale": 0.5}, thompson_half),
    ("thompson", {"marginals": "gamma"}, thompson_gamma),
    ("prior_only", {}, prior_only),
    ("optimistic", {"c": 0.3, "s": 0.1}, optimistic),
    ("optimistic", {"c": 0.0, "s": 1.0}, optimistic_noisy),
]


def close(expected: F64, counted: F64) -> None:
    """Five standard errors of a million draws: one false alarm in a million for each entry."""
    error = np.sqrt(np.maximum(expected * (1.0 - expected), 1e-9) / DRAWS)
    assert (np.abs(counted - expected) <= 5.0 * error + 1e-5).all(), (expected, counted)


def test_every_shipped_policy_has_its_mechanism_here() -> None:
    """One that is dropped in beside them is held by the contract suite alone."""
    assert {name for name, _, _ in CASES} <= set(POLICIES)
    assert {"uniform", "linucb", "lola", "squarecb", "thompson", "optimistic"} <= set(POLICIES)


@pytest.mark.parametrize(("name", "parameters", "mechanism"), CASES)
def test_propensities_are_the_frequencies_of_a_million_draws(name, parameters, mechanism) -> None:  # type: ignore[no-untyped-def]
    got = build_policy(name, **parameters).propensities(page())[0]
    assert got[5] == 0.0
    close(got[:5], drawn(mechanism(np.random.default_rng(20260401))))


def test_choices_follow_the_propensities_of_the_mixture() -> None:
    rng = np.random.default_rng(7)
    given = page()
    mixed = mix(build_policy("optimistic").propensities(given), given.mask, 0.05)
    picks = choose(np.broadcast_to(mixed, (DRAWS, 6)), rng.random(DRAWS))
    explored = rng.random(DRAWS) < 0.05
    mechanism = np.where(explored, uniform(rng), optimistic(rng))
    assert picks.max() < 5
    close(mixed[0, :5], drawn(picks))
    close(mixed[0, :5], drawn(mechanism))


def test_who_is_held_back_sees_the_first_artwork_whatever_is_believed() -> None:
    shares = Holdback().propensities(page())
    assert (shares[:, 0] == 1.0).all() and (shares[:, 1:] == 0.0).all()
