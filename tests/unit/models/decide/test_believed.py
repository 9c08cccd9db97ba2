"""The policy that is evaluated is the policy that serves: the same propensities, to rounding."""

from typing import Any

import numpy as np
import pytest

from keyart.models.bandits.registry import POLICIES, build_policy
from keyart.models.belief.beliefs import Learned, TitleBeliefs, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.decide.believed import propensities_on
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import IndexedTitle, ServingIndex
from keyart.models.decide.rows import take_over
from keyart.models.decide.weights import Shared
from keyart.models.sums.arrays import Sums
from keyart.models.taste.features import FEATURES, NO_TASTE

OPTIONS: dict[str, dict[str, float | str]] = {
    "epsilon_greedy": {"epsilon": 0.37},
    "linucb": {"alpha": 0.4},
    "lola": {"a": 0.21, "strength": 70.0},
    "squarecb": {"scale": 3.0, "exponent": 0.6},
    "thompson": {"scale": 0.6, "marginals": "gamma"},
    "optimistic": {"c": 1.4, "s": 0.5},
}
COUNTS = np.array([1, 2, 5, 6, 4, 3, 6])


def beliefs_of(seed: int) -> TitleBeliefs:
    """Return what is believed after some traffic, with a prior that says something."""
    rng = np.random.default_rng(seed)
    mask = np.arange(6) < COUNTS[:, None]
    shown = rng.integers(0, 900, mask.shape) * mask
    opinion = np.where(mask, rng.normal(0.0, 0.3, mask.shape), 0.0)
    sums = Sums.of(
        takes=rng.binomial(shown, 0.03 * np.exp(opinion)).astype(np.float64),
        expected=shown.astype(np.float64),
        opinion=opinion,
        mask=mask,
        strength=np.full(len(mask), 300.0),
    )
    return refresh(sums, Hyper(), Learned.start(Hyper()), rounds=3)[0]


def served(policy: Any, beliefs: TitleBeliefs) -> np.ndarray:
    """Return the propensities of a page over the whole serving path, before any taste."""
    rng = np.random.default_rng(1)
    index, titles = ServingIndex(), [f"t{at}" for at in range(len(COUNTS))]
    names = [tuple(f"a{k}" for k in range(count)) for count in COUNTS]
    for title, artworks in zip(titles, names, strict=True):
        vectors = rng.normal(size=(len(artworks), 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        index.put([IndexedTitle(id=title, artworks=artworks, vectors=vectors)])
    size = len(FEATURES)
    index.shared = Shared(
        weights=np.zeros(size, np.float32), covariance=np.zeros((size, size), np.float32)
    )
    take_over(index, beliefs, titles=titles, artworks=names, surfaces=("home",))
    decider = Decider(policy=policy, explore_share=0.0)
    page = decider.decide(
        index, titles=titles, taste=NO_TASTE, surface="home", viewer="v", now_ms=1
    )
    return page.propensities


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_served_and_evaluated_propensities_are_the_same(name: str, seed: int) -> None:
    policy, beliefs = build_policy(name, **OPTIONS.get(name, {})), beliefs_of(seed)
    evaluated = propensities_on(policy, beliefs)
    np.testing.assert_allclose(evaluated.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(evaluated, served(policy, beliefs), atol=2e-6)


@pytest.mark.parametrize("name", ["epsilon_greedy", "lola", "squarecb", "thompson", "optimistic"])
def test_options_reach_both(name: str) -> None:
    beliefs = beliefs_of(0)
    default, other = (
        propensities_on(policy, beliefs)
        for policy in (build_policy(name), build_policy(name, **OPTIONS[name]))
    )
    assert np.abs(default - other).max() > 1e-3
