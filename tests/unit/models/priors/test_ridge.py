"""The ridge finds what was put in, and says nothing where there is nothing."""

import numpy as np
import pytest

from keyart.models.likelihood.relative import relative_effects
from keyart.models.priors.ridge import fit_ridge
from keyart.schemas.errors import InvalidRecord

Logged = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def logged(*, effect: float, titles: int = 500, seed: int = 0) -> Logged:
    """Return vectors, groups, impressions, takes, and the true log relative takes."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(titles), 4)
    vectors = rng.normal(0.0, 1.0, (len(groups), 12)) / np.sqrt(12)
    direction = rng.normal(0.0, 1.0, 12)
    true = effect * vectors @ direction
    own = rng.gamma(1 / 0.15**2, 0.15**2, len(groups))
    level = np.exp(rng.normal(np.log(0.03), 0.5, titles))[groups]
    impressions = rng.integers(500, 3000, len(groups))
    takes = rng.poisson(level * np.exp(true) * own * impressions)
    return vectors, groups, impressions, np.minimum(takes, impressions), true


def test_it_finds_the_direction_and_the_scale() -> None:
    vectors, groups, impressions, takes, true = logged(effect=0.3)
    fit = fit_ridge(vectors, groups, impressions, takes)
    found = fit.prior.relative(vectors)
    assert np.corrcoef(found, true)[0, 1] > 0.95
    slope = (found * true).sum() / (true * true).sum()
    assert 0.85 < slope < 1.15
    assert fit.calibration.gain > 100.0
    # what the opinion misses is the artworks' own part, spread 0.15: worth 1 / (0.15^2 0.03)
    assert 0.10 < fit.calibration.spread < 0.20


def test_noise_is_worth_nothing() -> None:
    vectors, groups, impressions, takes, _ = logged(effect=0.0)
    fit = fit_ridge(vectors, groups, impressions, takes)
    assert fit.prior.strength == 0.0
    assert np.allclose(fit.prior.weights, 0.0)


def test_levels_and_order_do_not_matter() -> None:
    vectors, groups, impressions, takes, _ = logged(effect=0.3, titles=60)
    shuffle = np.random.default_rng(2).permutation(len(groups))
    named = (groups * 7 + 3)[shuffle]
    first = fit_ridge(vectors, groups, impressions, takes).prior
    again = fit_ridge(vectors[shuffle], named, impressions[shuffle], takes[shuffle]).prior
    assert np.allclose(first.weights, again.weights, atol=1e-8)


def test_the_fold_leaves_a_title_out_whole() -> None:
    """A title's own takes must not move its held-out opinion."""
    vectors, groups, impressions, takes, _ = logged(effect=0.3, titles=40)
    before = fit_ridge(vectors, groups, impressions, takes, penalties=(10.0,))
    changed = takes.copy()
    of = groups == 7
    changed[of] = takes[of][::-1]
    after = fit_ridge(vectors, groups, impressions, changed, penalties=(10.0,))
    scale = after.calibration.scale / before.calibration.scale
    assert np.allclose(after.held_out[of], before.held_out[of] * scale)


@pytest.mark.parametrize(
    ("impressions", "takes"),
    [([10, 0], [0, 1]), ([10, 10], [0, 0]), ([10, -1], [1, 0]), ([10, np.nan], [1, 0])],
)
def test_wrong_counts_are_refused(impressions: list[float], takes: list[float]) -> None:
    with pytest.raises(InvalidRecord):
        relative_effects(np.array([0, 0]), np.array(impressions), np.array(takes))


def test_wrong_shapes_are_refused() -> None:
    vectors, groups, impressions, takes, _ = logged(effect=0.3, titles=5)
    with pytest.raises(InvalidRecord):
        fit_ridge(vectors[:-1], groups, impressions, takes)
    with pytest.raises(InvalidRecord):
        fit_ridge(vectors, np.zeros_like(groups), impressions, takes)
    with pytest.raises(InvalidRecord):
        fit_ridge(np.where(vectors > 2, np.nan, np.inf), groups, impressions, takes)


def test_an_opinion_is_centred_and_of_no_artwork_there_is_none() -> None:
    vectors, groups, impressions, takes, _ = logged(effect=0.3, titles=60)
    prior = fit_ridge(vectors, groups, impressions, takes).prior
    said = prior.opinion(vectors[:4])
    raw = vectors[:4] @ prior.weights
    np.testing.assert_allclose(said.log_relative, raw - raw.mean())
    assert said.strength == prior.strength
    nothing = prior.opinion(vectors[:0])
    assert len(nothing.log_relative) == 0 and nothing.strength == 0.0


def test_a_long_tail_of_artworks_shown_once_can_be_learned_from() -> None:
    """Shown once to a viewer who takes less than others, and taken: 1 take of 0.98 impressions."""
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(60), 8)
    multipliers = rng.uniform(0.9, 1.1, len(groups))
    takes = (rng.random(len(groups)) < 0.15).astype(float)
    assert (takes > multipliers).any()
    effects = relative_effects(groups, multipliers, takes)
    shown = np.bincount(groups, multipliers)
    assert np.allclose(effects.level, np.bincount(groups, takes) / shown)
    fit = fit_ridge(rng.normal(size=(len(groups), 6)), groups, multipliers, takes)
    assert np.isfinite(fit.prior.weights).all()
