"""What a prior says of its own training titles: nothing that their takes told it."""

from pathlib import Path

import numpy as np
import pytest

from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.priors.folds import FOLDS_FILE, CrossFit, cross_fit, load_folds, save_folds
from keyart.models.priors.ridge import fit_ridge
from keyart.models.sums.arrays import Sums
from keyart.schemas.errors import ModelRejected, NotFound

TITLES, ARTWORKS, WIDE = 200, 4, 64
IDS = [f"t{at}" for at in range(TITLES)]
GROUPS = np.repeat(np.arange(TITLES), ARTWORKS)


def logged(*, effect: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors, impressions, takes: artworks differ, and texts say so as far as `effect`."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(GROUPS), WIDE))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    direction = rng.normal(size=WIDE) * effect
    own = rng.gamma(1 / 0.3**2, 0.3**2, len(GROUPS))
    level = np.exp(rng.normal(np.log(0.05), 0.5, TITLES))[GROUPS]
    impressions = rng.integers(100, 800, len(GROUPS)).astype(float)
    takes = rng.poisson(level * np.exp(vectors @ direction) * own * impressions)
    return vectors, impressions, np.minimum(takes, impressions)


def said(found: CrossFit, vectors: np.ndarray) -> np.ndarray:
    shaped = vectors.reshape(TITLES, ARTWORKS, -1)
    return np.stack([found.relative(its, rows) for its, rows in zip(IDS, shaped, strict=True)])


def trust(opinion: np.ndarray, impressions: np.ndarray, takes: np.ndarray) -> float:
    shape = TITLES, ARTWORKS
    sums = Sums.of(
        takes=takes.reshape(shape),
        expected=impressions.reshape(shape),
        opinion=opinion.reshape(shape),
        mask=np.ones(shape, bool),
    )
    return float(refresh(sums, Hyper(), Learned.start(Hyper()), rounds=5)[0].trust.mean())


def test_a_title_is_spoken_of_as_if_its_takes_were_not_known() -> None:
    vectors, impressions, takes = logged(effect=0.3, seed=1)
    before = said(cross_fit([vectors], GROUPS, impressions, takes, titles=IDS), vectors)
    changed = takes.copy()
    changed[:ARTWORKS] = changed[:ARTWORKS][::-1] + [0, 9, 0, 30]
    after = said(cross_fit([vectors], GROUPS, impressions, changed, titles=IDS), vectors)
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after, before)
    # it is one of a part; the opinions of titles in other parts know its takes
    assert (after == before).all(axis=1).mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("seed", [0, 8])
def test_trust_does_not_rise_on_the_noise_that_a_prior_was_fitted_on(seed: int) -> None:
    """Of the first ten seeds, those on which a ridge finds something in noise."""
    vectors, impressions, takes = logged(effect=0.0, seed=seed)
    fit = fit_ridge(vectors, GROUPS, impressions, takes)
    assert fit.calibration.scale > 0.0
    start = trust(np.zeros(len(GROUPS)), np.zeros(len(GROUPS)), np.zeros(len(GROUPS)))
    own = trust(fit.prior.relative(vectors), impressions, takes)
    others = cross_fit([vectors], GROUPS, impressions, takes, titles=IDS)
    honest = trust(said(others, vectors), impressions, takes)
    assert own > start + 0.1
    assert honest < own - 0.05


def test_on_noise_trust_stays_where_it_began_and_below_what_its_own_takes_would_say() -> None:
    held, own = [], []
    for seed in range(6):
        vectors, impressions, takes = logged(effect=0.0, seed=seed)
        folds = cross_fit([vectors], GROUPS, impressions, takes, titles=IDS)
        held.append(trust(said(folds, vectors), impressions, takes))
        fitted = fit_ridge(vectors, GROUPS, impressions, takes).prior.relative(vectors)
        own.append(trust(fitted.reshape(said(folds, vectors).shape), impressions, takes))
    start = trust(np.zeros(len(GROUPS)), np.zeros(len(GROUPS)), np.zeros(len(GROUPS)))
    assert all(each <= of_own + 1e-9 for each, of_own in zip(held, own, strict=True))
    assert np.mean(held) <= start + 0.02


def test_what_texts_truly_say_is_still_trusted() -> None:
    vectors, impressions, takes = logged(effect=0.6, seed=2)
    found = cross_fit([vectors], GROUPS, impressions, takes, titles=IDS)
    assert trust(said(found, vectors), impressions, takes) > 0.95
    own = fit_ridge(vectors, GROUPS, impressions, takes).prior.relative(vectors)
    assert np.corrcoef(said(found, vectors).ravel(), own)[0, 1] > 0.9


def test_it_is_kept_beside_the_graph_and_checked(tmp_path: Path) -> None:
    vectors, impressions, takes = logged(effect=0.6, seed=3)
    found = cross_fit([vectors], GROUPS, impressions, takes, titles=IDS)
    digest = save_folds(found, tmp_path)
    again = load_folds(tmp_path, sha256=digest, dimensions=WIDE)
    np.testing.assert_array_equal(said(again, vectors), said(found, vectors))
    with pytest.raises(ModelRejected, match="dimensions"):
        load_folds(tmp_path, sha256=digest, dimensions=WIDE + 1)
    with pytest.raises(ModelRejected, match="manifest describes"):
        load_folds(tmp_path, sha256="0" * 64, dimensions=WIDE)
    (tmp_path / FOLDS_FILE).unlink()
    with pytest.raises(NotFound):
        load_folds(tmp_path, sha256=digest, dimensions=WIDE)


def test_two_titles_are_too_few_to_leave_one_out() -> None:
    few = GROUPS < 2
    vectors, impressions, takes = logged(effect=0.6, seed=4)
    found = cross_fit(
        [vectors[few]], GROUPS[few], impressions[few], takes[few] + 1.0, titles=IDS[:2]
    )
    assert not found.weights.any()
