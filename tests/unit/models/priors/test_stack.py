"""Stacked ridges: better than the best where they may be, and never worse beyond noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.likelihood.relative import Effects, relative_effects
from keyart.models.priors.ridge import fit_ridge
from keyart.models.priors.stack import fit_stack, stacked, without_idle
from keyart.schemas.errors import InvalidRecord

TITLES, WIDE = 300, 4


def world(seed: int) -> tuple[np.ndarray, Effects]:
    """Return the true log relative takes of a log, (N,), and its effects."""
    rng = np.random.default_rng(seed)
    title = np.repeat(np.arange(TITLES), WIDE)
    true = rng.normal(0.0, 0.15, len(title))
    level = np.exp(rng.normal(np.log(0.03), 0.4, TITLES))[title]
    impressions = rng.integers(800, 3000, len(title)).astype(np.float64)
    takes = rng.poisson(level * np.exp(true) * impressions).astype(np.float64)
    true -= true.reshape(TITLES, WIDE).mean(axis=1)[title]  # relative within a title, as opinions
    return true, relative_effects(title, impressions, np.minimum(takes, impressions))


def member(true: np.ndarray, skill: float, seed: int) -> np.ndarray:
    """Return an opinion that correlates with the truth by about `skill`, as well scaled as it can.

    The regression of the truth on it is 1: what a calibrated ridge says of titles held out.
    """
    noise = np.random.default_rng([seed, 9]).normal(0.0, true.std(), len(true))
    noise -= np.repeat(noise.reshape(-1, WIDE).mean(axis=1), WIDE)
    made: np.ndarray = skill**2 * true + skill * np.sqrt(1.0 - skill**2) * noise
    return made


def worth(said: np.ndarray, true: np.ndarray) -> float:
    """Return the correlation with the truth; 0 of what says nothing."""
    return float(np.corrcoef(said, true)[0, 1]) if said.std() > 0.0 else 0.0


def of_members(
    seed: int, members: list[np.ndarray], effects: Effects, best: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    said = effects.centre(np.stack(members, axis=1))
    return stacked(said, effects, best, seed=seed)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    strong=st.floats(0.4, 0.8),
    others=st.lists(
        st.sampled_from(["weak", "useless", "copy", "against"]), min_size=1, max_size=4
    ),
)
def test_no_member_makes_it_worse_than_the_best_beyond_noise(
    seed: int, strong: float, others: list[str]
) -> None:
    true, effects = world(seed)
    members = [member(true, strong, seed)]
    for at, kind in enumerate(others):
        members.append(
            {
                "weak": member(true, 0.2, seed + at + 1),
                "useless": member(true, 0.0, 0) + 0.05 * member(true, 0.7, 1)[::-1],
                "copy": members[0].copy(),
                "against": -member(true, 0.5, seed + at + 1),
            }[kind]
        )
    weights, held_out = of_members(seed, members, effects)
    assert (weights >= 0.0).all()
    # two independent opinions of N rows differ by about 1 / sqrt(N) in correlation
    noise = 1.0 / np.sqrt(len(true))
    assert worth(held_out, true) > worth(members[0], true) - 1.5 * noise
    assert weights[0] > 0.0 or "copy" in others


@pytest.mark.parametrize("seed", range(5))
def test_two_that_know_different_things_are_better_together(seed: int) -> None:
    true, effects = world(seed)
    members = [member(true, 0.6, seed), member(true, 0.5, seed + 100)]
    weights, held_out = of_members(seed, members, effects)
    assert (weights > 0.1).all()
    assert worth(held_out, true) > worth(members[0], true) + 0.05


@pytest.mark.parametrize("seed", range(5))
def test_what_is_only_noise_or_against_gets_next_to_nothing(seed: int) -> None:
    true, effects = world(seed)
    noise = np.random.default_rng([seed, 5]).normal(0.0, 0.1, len(true))
    weights, _ = of_members(seed, [member(true, 0.6, seed), noise, -members_of(true)], effects)
    assert weights[0] > 0.8 * weights.sum()
    assert weights[2] == 0.0


def members_of(true: np.ndarray) -> np.ndarray:
    return member(true, 0.5, 77)


def test_one_alone_is_its_ridge_bit_by_bit() -> None:
    vectors, groups, impressions, takes = logged(0)
    alone = fit_ridge(vectors, groups, impressions, takes)
    one = fit_stack([vectors], groups, impressions, takes)
    np.testing.assert_array_equal(one.prior.weights, alone.prior.weights)
    np.testing.assert_array_equal(one.held_out, alone.held_out)
    assert one.shares == (1.0,) and one.calibration == alone.calibration


def logged(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(200), 4)
    vectors = rng.normal(0.0, 1.0, (len(groups), 12)) / np.sqrt(12)
    true = 0.4 * vectors @ rng.normal(0.0, 1.0, 12)
    level = np.exp(rng.normal(np.log(0.03), 0.5, 200))[groups]
    impressions = rng.integers(500, 3000, len(groups)).astype(np.float64)
    takes = np.minimum(rng.poisson(level * np.exp(true) * impressions), impressions)
    return vectors, groups, impressions, takes.astype(np.float64)


def test_a_stack_is_a_ridge_on_its_blocks_side_by_side() -> None:
    vectors, groups, impressions, takes = logged(1)
    left, right = vectors[:, :6], vectors[:, 6:]
    idle = np.zeros((len(groups), 3))
    found = fit_stack([left, idle, right], groups, impressions, takes, space="l+i+r")
    assert found.used == (0, 2)
    first, _, last = found.members
    by_hand = found.shares[0] * left @ first.prior.weights
    by_hand += found.shares[2] * right @ last.prior.weights
    said = found.prior.relative(np.hstack([left, idle, right]))
    # one scale for the sum, set by the calibration of what was held out
    scale = float(said @ by_hand / (by_hand @ by_hand))
    np.testing.assert_allclose(said, scale * by_hand, atol=1e-9)
    assert 0.7 < scale < 1.4
    small = without_idle(found, [left, idle, right], space="l+r")
    np.testing.assert_allclose(small.prior.relative(np.hstack([left, right])), said, atol=1e-12)
    assert small.prior.space == "l+r" and small.prior.digest != found.prior.digest


def test_a_title_says_nothing_about_its_own_held_out_opinion() -> None:
    """Its takes move neither its ridges' opinion nor the weights by which they are added."""
    true, effects = world(3)
    said = effects.centre(np.stack([member(true, 0.6, 1), member(true, 0.5, 2)], axis=1))
    _, before = stacked(said, effects, 0)
    effect = effects.effect.copy()
    of = effects.group == 7
    effect[of] = -effect[of]
    changed = Effects(
        group=effects.group,
        effect=effect,
        weight=effects.weight,
        takes=effects.takes,
        expected=effects.expected,
        level=effects.level,
    )
    _, after = stacked(said, changed, 0)
    np.testing.assert_array_equal(before[of], after[of])
    assert not np.array_equal(before[~of], after[~of])


def test_lengths_of_vectors_do_not_matter() -> None:
    vectors, groups, impressions, takes = logged(2)
    one = fit_ridge(vectors * 30.0, groups, impressions, takes)
    other = fit_ridge(vectors * 3000.0, groups, impressions, takes)
    assert one.penalty == other.penalty
    np.testing.assert_allclose(one.held_out, other.held_out, atol=1e-9)
    np.testing.assert_allclose(one.prior.weights, other.prior.weights * 100.0, rtol=1e-9)


def test_nothing_to_stack_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="member"):
        fit_stack([], np.zeros(2, np.intp), np.ones(2), np.ones(2))
