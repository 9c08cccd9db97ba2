"""Levels of groups: what a genre says of a title that hardly anybody has seen."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from keyart.models.belief.beliefs import Learned, TitleBeliefs, refresh
from keyart.models.belief.group_levels import FIRST_GROUPS, FIRST_SD, shrunk
from keyart.models.belief.hyper import Hyper
from keyart.models.sums.arrays import Sums

TITLES, ARTWORKS, GROUPS = 240, 5, 8


@dataclass(frozen=True)
class World:
    """Titles, the first third of which are new, and what is true of them."""

    sums: Sums
    level: np.ndarray
    takes: np.ndarray

    @property
    def new(self) -> np.ndarray:
        return np.arange(TITLES) < TITLES // 3


def world(seed: int, between: float, *, new: float = 15.0) -> World:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, GROUPS, TITLES)
    level = 0.03 * np.exp(rng.normal(0, between, GROUPS)[group] + rng.normal(0, 0.35, TITLES))
    appeal = rng.gamma(6.25, 0.16, (TITLES, ARTWORKS))
    times = np.where(np.arange(TITLES) < TITLES // 3, new, 400.0)[:, None]
    expected = rng.poisson(times, (TITLES, ARTWORKS)).astype(float)
    truth = level[:, None] * appeal
    sums = Sums.of(
        takes=rng.poisson(expected * truth).astype(float),
        expected=expected,
        opinion=np.zeros_like(expected),
        mask=np.ones_like(expected, np.bool_),
        group=group,
    )
    return World(sums, truth.mean(axis=1), truth)


def believed(sums: Sums, *, shared: bool) -> TitleBeliefs:
    """Return what is believed once the levels have settled."""
    hyper = Hyper(group_levels=shared)
    found, learned = refresh(sums, hyper, Learned.start(hyper))
    for _ in range(4):
        found, learned = refresh(sums, hyper, Learned.start(hyper), now=learned)
    return found


def error(its: World, found: TitleBeliefs, of: np.ndarray) -> float:
    return float(np.sqrt((np.log(found.level[:, 0] / its.level)[of] ** 2).mean()))


@pytest.mark.parametrize("seed", range(3))
def test_a_new_title_is_expected_to_be_like_its_group(seed: int) -> None:
    its = world(seed, 0.8)
    alone, shared = (believed(its.sums, shared=each) for each in (False, True))
    assert error(its, shared, its.new) < 0.85 * error(its, alone, its.new)
    assert error(its, shared, ~its.new) < 1.05 * error(its, alone, ~its.new)
    taken = []
    for found in (alone, shared):
        picked = found.log_relative.argmax(axis=1)
        taken.append(its.takes[np.arange(TITLES), picked].sum())
    assert taken[1] > 0.99 * taken[0]  # a level is that of all of a title's artworks
    np.testing.assert_array_equal(shared.seen, its.sums.expected.sum(axis=2))


@pytest.mark.parametrize("seed", range(3))
def test_groups_that_are_alike_say_nothing(seed: int) -> None:
    its = world(seed, 0.0)
    alone, shared = (believed(its.sums, shared=each) for each in (False, True))
    assert np.abs(np.log(shared.level / alone.level)).max() < 0.25
    assert error(its, shared, its.new) < 1.06 * error(its, alone, its.new)


def test_one_group_alone_and_none_are_as_without_any() -> None:
    its = world(5, 0.8).sums
    for sums in (replace(its, group=None), replace(its, group=np.zeros(TITLES, np.intp))):
        alone, shared = (believed(sums, shared=each) for each in (False, True))
        np.testing.assert_array_equal(shared.level, alone.level)
        np.testing.assert_array_equal(shared.log_relative, alone.log_relative)


def test_a_group_that_came_since_is_like_all_others() -> None:
    its, hyper = world(6, 0.8).sums, Hyper()
    assert its.group is not None
    few = np.flatnonzero(its.group < GROUPS - 1)
    some = Sums.of(
        takes=its.takes[few],
        expected=its.expected[few],
        opinion=its.opinion[few],
        mask=its.mask[few],
        group=its.group[few],
    )
    _, learned = refresh(some, hyper, Learned.start(hyper))
    assert learned.groups is not None and learned.groups.shape == (1, GROUPS - 1)
    found, after = refresh(its, hyper, replace(learned, log_level=None))
    assert np.isfinite(found.level).all()
    assert after.groups is not None and after.groups.shape == (1, GROUPS)


def test_means_are_those_of_the_most_likely_spread_between_groups() -> None:
    """By scipy, over the marginal likelihood of the groups' means."""
    rng = np.random.default_rng(8)
    group = rng.integers(0, 12, 400)
    weight = rng.gamma(2.0, 2.0, 400)
    says = rng.normal(0, 0.6, 12)[group] + rng.normal(0, 1.0 / np.sqrt(weight))
    precision = np.bincount(group, weight)
    mean = np.bincount(group, weight * says) / precision
    mean -= (precision * mean).sum() / precision.sum()

    def unlikely(log_between: float) -> float:
        between = np.exp(log_between)
        spread = between + 1.0 / precision
        fit = (np.log(spread) + mean**2 / spread).sum()
        return float(fit + FIRST_GROUPS * (log_between + FIRST_SD**2 / between))

    between = np.exp(minimize_scalar(unlikely, bounds=(-8.0, 3.0), method="bounded").x)
    oracle = mean * precision / (precision + 1.0 / between)
    np.testing.assert_allclose(shrunk(says, weight, group), oracle, rtol=1e-3)
