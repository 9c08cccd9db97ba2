"""What positions do: found where artworks and titles stand where they are good, and not made up."""

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from keyart.models.belief.positions import BANDS, Array, learn
from keyart.schemas.posterior import BAND_STARTS, band_of

TRUTH = np.array([1.6, 1.3, 1.1, 0.9, 0.75, 0.6, 0.5, 0.4])


def shown(
    seed: int, factor: Array, *, titles: int = 100, artworks: int = 5, times: float = 300.0
) -> tuple[Array, Array]:
    """Return takes and expected takes (C, B): good titles and good artworks stand at the top."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(np.log(0.03), 0.6, (titles, 1)))
    appeal = rng.gamma(11.0, 1.0 / 11.0, (titles, artworks))
    good = np.log(level / 0.03) + 2.0 * np.log(appeal)
    share = np.exp(-0.4 * (np.arange(BANDS) - 3.5) * good[:, :, None])
    share /= share.sum(axis=2, keepdims=True)
    expected = rng.poisson(times * share).astype(np.float64)
    takes = rng.poisson(expected * (level * appeal)[:, :, None] * factor).astype(np.float64)
    return takes.reshape(-1, BANDS), expected.reshape(-1, BANDS)


def normal(factor: Array, expected: Array) -> Array:
    """Return factors that are 1 on average over what was shown."""
    mass = expected.sum(axis=0)
    return np.asarray(factor * mass.sum() / (mass @ factor))


def raw(takes: Array, expected: Array) -> Array:
    """Return takes of expected takes by band, whoever stood there."""
    return normal(takes.sum(axis=0) / expected.sum(axis=0), expected)


@pytest.mark.parametrize("seed", range(3))
def test_the_effect_is_found_where_good_artworks_stand_at_the_top(seed: int) -> None:
    takes, expected = shown(seed, TRUTH)
    learned, truth = learn(takes, expected), normal(TRUTH, expected)
    off = np.log(learned.factor / truth)
    # eight intervals: one of 4 standard deviations is one in two thousand
    assert (np.abs(off) < 4.0 * learned.sd).all() and (learned.sd < 0.12).all()
    crude = np.log(raw(takes, expected) / truth)
    assert np.abs(off).max() < 0.5 * np.abs(crude).max()
    assert (learned.factor * expected.sum(axis=0)).sum() == pytest.approx(expected.sum())


@pytest.mark.parametrize("seed", range(3))
def test_no_effect_is_made_up_of_who_stands_where(seed: int) -> None:
    takes, expected = shown(seed, np.ones(BANDS))
    learned = learn(takes, expected)
    assert np.abs(np.log(raw(takes, expected))).max() > 0.3
    assert np.abs(np.log(learned.factor)).max() < 0.12


def test_with_few_takes_it_stays_near_one() -> None:
    takes, expected = shown(5, TRUTH, titles=10, times=20.0)
    learned = learn(takes, expected)
    assert np.abs(np.log(learned.factor)).max() < 0.6 * np.abs(np.log(TRUTH)).max()


def test_it_is_the_poisson_regression_with_an_effect_for_every_cell() -> None:
    """With so many takes that the shrinkage is none: scikit-learn on dummies, the oracle."""
    takes, expected = shown(7, TRUTH, titles=6, artworks=3, times=400_000.0)
    cells = len(takes)
    cell, band = np.divmod(np.arange(cells * BANDS), BANDS)
    dummies = np.concatenate([np.eye(cells)[cell], np.eye(BANDS)[band][:, 1:]], axis=1)
    weight = expected.ravel()
    fit = PoissonRegressor(alpha=0.0, fit_intercept=False, tol=1e-10, max_iter=2000).fit(
        dummies[weight > 0],
        (takes.ravel() / np.maximum(weight, 1.0))[weight > 0],
        sample_weight=weight[weight > 0],
    )
    oracle = normal(np.exp(np.concatenate([[0.0], fit.coef_[cells:]])), expected)
    np.testing.assert_allclose(learn(takes, expected).factor, oracle, rtol=3e-3)


def test_nothing_is_learned_of_one_place() -> None:
    expected = np.zeros((4, BANDS))
    expected[:, 2] = 100.0
    learned = learn(0.1 * expected, expected)
    np.testing.assert_array_equal(learned.factor, np.ones(BANDS))
    np.testing.assert_array_equal(learn(np.zeros((0, BANDS)), np.zeros((0, BANDS))).factor, 1.0)


def test_bands_have_no_gaps() -> None:
    found = [band_of(position) for position in range(256)]
    assert found[0] == -1 and found[1:] == sorted(found[1:])
    assert [found.index(band) for band in range(BANDS)] == list(BAND_STARTS)
