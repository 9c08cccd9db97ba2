"""Deciding a page, against the same arithmetic done one title at a time in double precision."""

import numpy as np
import pytest

from keyart.models.bandits.optimistic import Optimistic
from keyart.models.bandits.registry import POLICIES, build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import (
    ANY_SURFACE,
    BELIEF_COLUMNS,
    IndexedTitle,
    ServingIndex,
)
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.weights import Shared
from keyart.models.taste.features import FEATURES, NO_TASTE, TasteVectors, features
from keyart.schemas.errors import NotFound, SettingsError

NOW = 1_700_000_000_000
COLUMN = {name: at for at, name in enumerate(BELIEF_COLUMNS)}


def index_of(counts: list[int], seed: int = 0) -> ServingIndex:
    rng = np.random.default_rng(seed)
    index = ServingIndex()
    for at, count in enumerate(counts):
        vectors = rng.normal(size=(count, 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        names = tuple(f"a{k}" for k in range(count))
        index.put([IndexedTitle(id=f"t{at}", artworks=names, vectors=vectors)])
        beliefs = {
            "level": np.full(count, rng.lognormal(np.log(0.02), 0.4)),
            "prior": np.exp(rng.normal(0.0, 0.1, count)),
            "own": np.exp(rng.normal(0.0, 0.1, count)),
            "relative_variance": rng.uniform(0.001, 0.16, count),
            "seen": rng.integers(0, 3000, count),
            "taken": rng.integers(0, 60, count),
            "trust": np.full(count, 0.8),
            "strength": np.full(count, 400.0),
        }
        rows = np.stack([beliefs[name] for name in BELIEF_COLUMNS], axis=1).astype(np.float32)
        index.believe(f"t{at}", names, {ANY_SURFACE: rows})
    size = len(FEATURES)
    root = rng.normal(0.0, 0.02, (size, size))
    index.shared = Shared(
        weights=rng.normal(0.0, 0.1, size).astype(np.float32),
        covariance=(root @ root.T).astype(np.float32),
    )
    return index


def taste(seed: int = 5) -> TasteVectors:
    rows = np.random.default_rng(seed).normal(size=(6, 64)).astype(np.float32)
    return TasteVectors(directions=rows / np.linalg.norm(rows, axis=1, keepdims=True) * 0.7)


def decide(
    index: ServingIndex,
    titles: list[str],
    *,
    decider: Decider | None = None,
    viewer: str = "v",
    now_ms: int = NOW,
) -> DecidedPage:
    return (decider or Decider(policy=build_policy())).decide(
        index, titles=titles, taste=taste(), surface="home", viewer=viewer, now_ms=now_ms
    )


COUNTS = [3, 10, 1, 7, 10, 2]
TITLES = [f"t{at}" for at in (4, 0, 2, 1, 5, 3)]


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("counts", [COUNTS, [10] * 6], ids=["ragged", "full"])
def test_a_page_is_what_its_titles_are_alone(name: str, counts: list[int]) -> None:
    index = index_of(counts)
    decider = Decider(policy=build_policy(name), explore_share=0.05)
    page = decide(index, TITLES, decider=decider)
    for at, title in enumerate(TITLES):
        alone = decide(index, [title], decider=decider)
        count = len(index.artworks(title))
        np.testing.assert_allclose(page.propensities[at, :count], alone.propensities[0], atol=2e-5)
        assert page.chosen_artworks[at] == alone.chosen_artworks[0]
        assert page.explored[at] == alone.explored[0]
        np.testing.assert_allclose(page.features[at], alone.features[0], atol=1e-4)
        np.testing.assert_allclose(page.chosen_expected[at], alone.chosen_expected[0], rtol=1e-5)
        np.testing.assert_allclose(
            page.chosen_multiplier[at], alone.chosen_multiplier[0], rtol=1e-5
        )


def test_what_is_logged_is_what_the_definitions_say() -> None:
    index = index_of(COUNTS)
    page = decide(index, TITLES)
    weights, covariance = (
        a.astype(np.float64) for a in (index.shared.weights, index.shared.covariance)
    )
    terms = page.terms()
    for at, title in enumerate(TITLES):
        rows, count = index.arrays.rows(title), len(index.artworks(title))
        belief = index.arrays.beliefs[ANY_SURFACE][rows].astype(np.float64)
        x = features(
            taste(), index.arrays.vectors[rows], index.arrays.related[rows], "home"
        ).astype(np.float64)
        x = (x - x.mean(axis=1, keepdims=True)).T  # (K, D)
        multiplier = np.exp(x @ weights)
        base = belief[:, COLUMN["level"]] * belief[:, COLUMN["prior"]] * belief[:, COLUMN["own"]]
        mean = base * multiplier
        relative = belief[:, COLUMN["relative_variance"]] + ((x @ covariance) * x).sum(axis=1)
        np.testing.assert_allclose(page.page.mean[at, :count], mean, rtol=1e-4)
        np.testing.assert_allclose(page.page.sd[at, :count], mean * np.sqrt(relative), rtol=1e-4)
        shares = page.propensities[at, :count].astype(np.float64)
        np.testing.assert_allclose(shares.sum(), 1.0, atol=1e-6)
        chosen = int(page.chosen[at])
        np.testing.assert_allclose(page.features[at], x[chosen] - shares @ x, atol=1e-4)
        np.testing.assert_allclose(page.chosen_expected[at], base[chosen], rtol=1e-4)
        # the logged terms multiply to the mean that the policy was given
        told = terms[at]
        np.testing.assert_allclose(
            told.level * told.prior * told.taste * told.own, mean[chosen], rtol=1e-4
        )
        width = Optimistic().c * np.sqrt(np.log1p(belief[:, COLUMN["seen"]].sum()))
        np.testing.assert_allclose(
            told.bonus, width * mean[chosen] * np.sqrt(relative[chosen]), rtol=1e-3
        )
        pushes = x[chosen] * weights * np.sign(np.log(multiplier[chosen]))
        assert told.because == (FEATURES[int(pushes.argmax())] if count > 1 else "")


def test_centred_features_cancel_errors_of_the_level() -> None:
    page = decide(index_of([10] * 40), [f"t{at}" for at in range(40)])
    x = page.page.features  # centred over the artworks
    under = x - np.einsum("tk,tkd->td", page.propensities, x)[:, None, :]
    expected = np.einsum("tk,tkd->td", page.propensities, under)
    np.testing.assert_allclose(expected, 0.0, atol=1e-5)


def test_the_same_viewer_draws_the_same_until_the_period_ends() -> None:
    index = index_of([10] * 30)
    titles = [f"t{at}" for at in range(30)]
    decider = Decider(
        policy=build_policy("thompson", scale=2.0), explore_share=0.2, dwell_ms=3_600_000
    )
    pages = [
        decide(index, titles, decider=decider, now_ms=NOW + minute * 60_000)
        for minute in range(0, 121, 10)
    ]
    drawn = [tuple(page.chosen_artworks) for page in pages]
    assert len(set(drawn)) == 3
    assert sum(a != b for a, b in zip(drawn[:-1], drawn[1:], strict=True)) == 2
    other = decide(index, titles, decider=decider, viewer="w")
    assert other.chosen_artworks != pages[0].chosen_artworks


def test_what_replaces_a_decision_is_drawn_independently_of_it() -> None:
    """By chance one in ten of what is drawn again is what was drawn before, and no more."""
    index = index_of([10] * 1000)
    titles = [f"t{at}" for at in range(1000)]
    decider = Decider(policy=build_policy("uniform"), explore_share=0.0)
    first = decide(index, titles, decider=decider).chosen_artworks
    again = decider.decide(
        index,
        titles=titles,
        taste=NO_TASTE,
        surface="home",
        viewer="v",
        now_ms=NOW,
        replaced=[int(each) for each in np.random.default_rng(3).integers(1, 2**63, 1000)],
    ).chosen_artworks
    same = sum(a == b for a, b in zip(first, again, strict=True))
    assert 70 <= same <= 130


def test_choices_and_exploration_come_as_often_as_is_logged() -> None:
    index = index_of([4, 4])
    decider = Decider(policy=build_policy("optimistic", s=1.0), explore_share=0.3)
    pages = [decide(index, ["t0", "t1"], decider=decider, viewer=f"v{v}") for v in range(2500)]
    explored = np.array([page.explored for page in pages])
    chosen = np.array([page.chosen for page in pages])
    error = 4.0 * np.sqrt(0.25 / len(pages))
    assert np.abs(explored.mean(axis=0) - 0.3).max() < error
    for at in range(2):
        counted = np.bincount(chosen[:, at], minlength=4) / len(pages)
        np.testing.assert_allclose(counted, pages[0].propensities[at], atol=error)
        drawn = chosen[explored[:, at], at]
        even = np.bincount(drawn, minlength=4) / len(drawn)
        np.testing.assert_allclose(even, 0.25, atol=4.0 * np.sqrt(0.19 / len(drawn)))


def test_no_exploration_when_there_is_none() -> None:
    decider = Decider(policy=build_policy(), explore_share=0.0)
    assert not decide(index_of([10] * 9), ["t1", "t2"], decider=decider).explored.any()


def test_a_surface_has_its_own_level() -> None:
    index = index_of([3])
    rows = index.arrays.beliefs[ANY_SURFACE][:3].copy()
    rows[:, COLUMN["level"]] *= 2.0
    index.believe("t0", ("a0", "a1", "a2"), {"search": rows})
    decider = Decider(policy=build_policy())
    means = {
        surface: decider.decide(
            index, titles=["t0"], taste=NO_TASTE, surface=surface, viewer="v", now_ms=NOW
        ).page.mean
        for surface in ("home", "search", "never seen")
    }
    np.testing.assert_allclose(means["search"], 2.0 * means["home"], rtol=1e-6)
    np.testing.assert_array_equal(means["never seen"], means["home"])


def test_an_unknown_title_is_named() -> None:
    with pytest.raises(NotFound, match="'t9'"):
        decide(index_of([2]), ["t0", "t9"])


@pytest.mark.parametrize("parameters", [{"explore_share": 1.5}, {"dwell_ms": 0}])
def test_settings_out_of_range_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(parameters))):
        Decider(policy=build_policy(), **parameters)  # type: ignore[arg-type]
