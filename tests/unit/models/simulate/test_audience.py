"""The simulated audience: levels stay real, tastes only move takes about, truth is computable."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from keyart.models.simulate import Audience, Catalogue, Tastes, draw_tastes, shrunk_appeal
from keyart.models.simulate.audience import FARTHEST


def unit(rows: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled


@pytest.fixture(scope="module")
def audience() -> Audience:
    rng = np.random.default_rng(11)
    sizes = [3, 5, 4, 2, 6]
    catalogue = Catalogue(starts=np.concatenate([[0], np.cumsum(sizes)]))
    shown = rng.integers(2000, 4000, sum(sizes))
    clicks = rng.binomial(shown, 0.01 * rng.gamma(16, 1 / 16, sum(sizes)))
    return Audience(
        catalogue=catalogue,
        appeal=shrunk_appeal(shown, clicks, catalogue.title_of),
        tastes=draw_tastes(rng=rng, viewers=60, concepts=unit(rng.normal(size=(20, 16)))),
        artworks=unit(rng.normal(size=(sum(sizes), 16))),
    )


def test_every_artwork_keeps_its_real_level_over_all_viewers(audience: Audience) -> None:
    assert audience.takes.max() < 1
    real = audience.appeal.level[audience.catalogue.title_of] * audience.appeal.relative
    np.testing.assert_allclose(audience.takes.mean(axis=0), real, rtol=1e-12)


def test_takes_follow_the_formula(audience: Audience) -> None:
    tastes, starts = audience.tastes, audience.catalogue.starts
    affinity = np.array(
        [
            [
                max(
                    strength * float(interest @ artwork)
                    for interest, strength in zip(interests, strengths, strict=True)
                )
                for artwork in audience.artworks
            ]
            for interests, strengths in zip(tastes.interests, tastes.strengths, strict=True)
        ]
    )
    centred = affinity - affinity.mean(axis=0)
    z = np.clip(centred / centred.std(), -FARTHEST, FARTHEST)
    weights = np.exp(audience.kappa * z)
    for title in range(audience.catalogue.titles):
        for artwork in range(starts[title], starts[title + 1]):
            expected = (
                audience.appeal.level[title]
                * audience.appeal.relative[artwork]
                * weights[:, artwork]
                / weights[:, artwork].mean()
            )
            np.testing.assert_allclose(audience.takes[:, artwork], expected, rtol=1e-10)


def test_a_take_is_never_above_one(audience: Audience) -> None:
    appeal = replace(audience.appeal, level=audience.appeal.level * 40)
    loud = Audience(
        catalogue=audience.catalogue,
        appeal=appeal,
        tastes=audience.tastes,
        artworks=audience.artworks,
        kappa=6.0,
    )
    assert loud.takes.max() == 1.0


def test_without_taste_the_best_fixed_artwork_is_best_for_everybody(audience: Audience) -> None:
    flat = Audience(
        catalogue=audience.catalogue,
        appeal=audience.appeal,
        tastes=audience.tastes,
        artworks=audience.artworks,
        kappa=0.0,
    )
    assert (flat.best_for_each == flat.best_fixed).all()
    starts = audience.catalogue.starts
    for title, best in enumerate(audience.best_fixed):
        its = audience.appeal.relative[starts[title] : starts[title + 1]]
        assert best == starts[title] + its.argmax()


def test_the_truth_about_policies_agrees_with_simulation(audience: Audience) -> None:
    rng = np.random.default_rng(5)
    starts = audience.catalogue.starts
    draws = 400_000
    viewers = rng.integers(0, 60, draws)
    titles = rng.integers(0, audience.catalogue.titles, draws)
    luck = rng.random(draws)
    sizes = np.diff(starts)[titles]
    picked = starts[titles] + (rng.random(draws) * sizes).astype(int)
    for truth, chosen in (
        (audience.expected_take_of(audience.uniform), picked),
        (audience.expected_take(audience.best_fixed), audience.best_fixed[titles]),
        (audience.expected_take(audience.best_for_each), audience.best_for_each[viewers, titles]),
    ):
        seen = (luck < audience.takes[viewers, chosen]).mean()
        assert abs(seen - truth) < 4 * np.sqrt(truth / draws)


def test_a_fixed_choice_is_a_policy_of_ones_and_zeros(audience: Audience) -> None:
    certain = np.zeros(len(audience.artworks))
    certain[audience.best_fixed] = 1
    assert audience.expected_take_of(certain) == pytest.approx(
        audience.expected_take(audience.best_fixed)
    )
    assert audience.uniform.sum() == pytest.approx(audience.catalogue.titles)


def test_appeal_finds_the_likeliest_spread_and_its_posterior_means() -> None:
    """The oracle is scipy's negative binomial on a grid of spreads."""
    rng = np.random.default_rng(3)
    title_of = np.repeat(np.arange(200), 5)
    shown = rng.integers(2000, 5000, 1000)
    truth = rng.gamma(1 / 0.3**2, 0.3**2, 1000)
    clicks = rng.poisson(0.012 * shown * truth)
    appeal = shrunk_appeal(shown, clicks, title_of)
    expected = appeal.level[title_of] * shown
    grid = np.linspace(0.1, 0.6, 501)
    likelihood = [
        np.sum(stats.nbinom.logpmf(clicks, r**-2, r**-2 / (r**-2 + expected))) for r in grid
    ]
    assert appeal.spread == pytest.approx(grid[int(np.argmax(likelihood))], abs=0.002)
    assert appeal.spread == pytest.approx(0.3, abs=0.04)
    truth /= (np.bincount(title_of, truth) / 5)[title_of]
    raw = clicks / expected
    assert np.square(appeal.relative - truth).mean() < 0.8 * np.square(raw - truth).mean()
    np.testing.assert_allclose(np.bincount(title_of, appeal.relative) / 5, 1)


def test_artworks_that_differ_by_luck_alone_are_shrunk_together() -> None:
    rng = np.random.default_rng(4)
    title_of = np.repeat(np.arange(100), 4)
    shown = np.full(400, 3000)
    appeal = shrunk_appeal(shown, rng.poisson(0.01 * shown), title_of)
    assert appeal.spread < 0.08
    assert np.abs(appeal.relative - 1).max() < 0.1


def test_a_title_nobody_clicked_still_has_a_level() -> None:
    zero = shrunk_appeal(np.array([100, 100]), np.array([0, 0]), np.array([0, 0]))
    assert zero.level[0] > 0
    assert np.isfinite(zero.relative).all()


def test_tastes_have_two_to_three_distinct_interests_near_named_ones() -> None:
    rng = np.random.default_rng(8)
    concepts = unit(rng.normal(size=(30, 24)))
    tastes = draw_tastes(rng=rng, viewers=500, concepts=concepts)
    assert isinstance(tastes, Tastes)
    count = (tastes.strengths > 0).sum(axis=1)
    assert set(count.tolist()) == {2, 3}
    assert all(len(set(row)) == 3 for row in tastes.concepts.tolist())
    np.testing.assert_allclose(np.linalg.norm(tastes.interests, axis=2), 1)
    near = np.einsum("vjh,vjh->vj", tastes.interests, concepts[tastes.concepts])
    assert near.min() > 0.85


def test_the_same_seed_draws_the_same_tastes() -> None:
    concepts = unit(np.random.default_rng(1).normal(size=(9, 8)))
    twice = [
        draw_tastes(rng=np.random.default_rng(2), viewers=20, concepts=concepts).interests
        for _ in range(2)
    ]
    np.testing.assert_array_equal(twice[0], twice[1])
