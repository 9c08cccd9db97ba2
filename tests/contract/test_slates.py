"""A slate: no two alike, and what is logged is what is drawn from, given what was drawn before."""

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.bandits.protocol import choose, mix
from keyart.models.decide.alike import coded, too_much
from keyart.models.decide.slate import InTurn, Slating, in_turn
from keyart.schemas.slates import Slate

DRAWS = int(os.environ.get("KEYART_DRAWS", "20000"))
NAMES = ("mood", "face", "colour", "cast", "place")


def slating_of(
    slate: Slate, codes: np.ndarray, kept: np.ndarray, mask: np.ndarray, **vectors: np.ndarray
) -> Slating:
    """Return a slate of (T, K, A) codes, as `Coding` makes it of attributes."""
    numbers: dict[tuple[int, ...], int] = {}
    kind = too_much(tuple(slate.alike.values()), slate.most)

    def number(of: tuple[int, ...]) -> int:
        return numbers.setdefault(of, len(numbers))

    titles = [coded(None, its[there], kind, number) for its, there in zip(codes, mask, strict=True)]
    before = [key for its in kept for key in coded(None, its[None], kind, number).keys[0]]
    return Slating(slate, titles, kept, frozenset(before), **vectors)


def row(
    slating: Slating,
    own: np.ndarray,
    mask: np.ndarray,
    draws: tuple[np.ndarray, np.ndarray],
    *,
    explore: float = 0.1,
    held: np.ndarray | None = None,
    vectors: np.ndarray | None = None,
) -> tuple[InTurn, InTurn]:
    """Return what is decided without the slate, and with it."""
    uniform, coin = draws
    even = (uniform * mask.sum(axis=1)).astype(np.intp)
    explored = coin < explore
    chosen = np.where(explored, even, choose(own, uniform))
    none = np.zeros(len(own), np.bool_)
    free = InTurn(mix(own, mask, explore), chosen, explored, none)
    return free, in_turn(
        slating,
        free,
        own,
        lambda: own,
        mask,
        explore_share=explore,
        draws=draws,
        held=held,
        vectors=vectors,
    )


def place_number(attributes: int) -> np.ndarray:
    """Return (A,) factors that keep values of different attributes apart, as `Coding` does."""
    return (10 ** np.arange(attributes)).astype(np.int32)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    count, width = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = rng.integers(1, width + 1, count)
    mask = np.arange(width) < sizes[:, None]
    own = np.where(mask, rng.random((count, width)) ** 3, 0.0)
    if draw(st.booleans()):  # a policy that knows one best
        own = (own == own.max(axis=1, keepdims=True)).astype(float)
    own /= own.sum(axis=1, keepdims=True)
    weights = draw(st.lists(st.sampled_from((0.25, 0.5, 1.0)), min_size=1, max_size=5))
    slate = Slate(
        alike=dict(zip(NAMES, weights, strict=False)),
        most=draw(st.sampled_from((0.0, 0.25, 0.5, 1.0))),
        cosine=draw(st.sampled_from((None, 0.2, 0.9))),
        explore_once=draw(st.booleans()),
    )
    kept = draw(st.integers(0, 2))
    shape = count, width, len(weights)
    values = draw(st.integers(1, 8))
    slating = slating_of(
        slate,
        rng.integers(0, values + 1, shape).astype(np.int32) * place_number(len(weights)),
        rng.integers(0, values + 1, (kept, len(weights))).astype(np.int32)
        * place_number(len(weights)),
        mask,
        vectors=unit(rng, kept),
    )
    draws = rng.random(count), rng.random(count)
    vectors = unit(rng, width * count).reshape(width, count, -1)
    return {"slating": slating, "own": own, "mask": mask, "draws": draws, "vectors": vectors}


def unit(rng: np.random.Generator, count: int, size: int = 3) -> np.ndarray:
    """Return (count, size) vectors of unit length; of one in ten nothing is known."""
    found = rng.normal(size=(count, size))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return (found * (rng.random(count) > 0.1)[:, None]).astype(np.float32)


def within(each: list[float], limit: float) -> np.ndarray:
    """Return which are within a limit, or else the least of them."""
    fit = np.array(each) <= limit + 1e-6
    return fit if fit.any() else np.array(each) <= min(each) + 1e-6


def likeness(slating: Slating, one: np.ndarray, other: np.ndarray) -> float:
    weights = slating.slate.alike.values()
    return sum(
        weight
        for weight, a, b in zip(weights, one.tolist(), other.tolist(), strict=True)
        if a == b != 0
    )


@settings(max_examples=300, deadline=None)
@given(cases())
def test_no_two_are_alike_but_where_all_that_a_title_has_are(case: dict[str, Any]) -> None:
    slating, vectors = case["slating"], case["vectors"]
    slate = slating.slate
    _, found = row(**case)
    before, near = list(slating.kept), list(slating.vectors)
    for at, title in enumerate(slating.titles):
        its = [
            max([0.0, *(likeness(slating, code, each) for each in before)]) for code in title.codes
        ]
        left = within(its, slate.most)
        alike = min(its) > slate.most + 1e-6
        if slate.cosine is not None:
            cosines = [
                max([-1.0, *(float(vectors[place, at] @ each) for each in near)])
                for place in range(len(its))
            ]
            among = [each for each, fits in zip(cosines, left, strict=True) if fits]
            alike |= min(among) > slate.cosine + 1e-6
            limit = max(slate.cosine, min(among))
            left &= np.array(cosines) <= limit + 2e-6
        assert found.alike[at] == alike
        p = found.propensities[at]
        assert p.sum() == pytest.approx(1.0, abs=1e-9) and (p >= 0.0).all()
        assert (p[len(left) :] == 0.0).all()
        assert not (p[: len(left)][~left] > 0.0).any()
        assert p[found.chosen[at]] > 0.0
        before.append(title.codes[found.chosen[at]])
        near.append(vectors[found.chosen[at], at])
    assert not slate.explore_once or found.explored.sum() <= 1


@settings(max_examples=60, deadline=None)
@given(cases())
def test_where_nothing_is_alike_nothing_changes(case: dict[str, Any]) -> None:
    its = case["slating"]
    none = np.zeros((*case["mask"].shape, its.kept.shape[1]), np.int32)
    unlike = slating_of(Slate(alike=its.slate.alike), none, its.kept, case["mask"])
    free, found = row(unlike, case["own"], case["mask"], case["draws"])
    for one, other in zip(free, found, strict=True):
        assert np.array_equal(one, other)
    held = np.ones(len(case["own"]), np.bool_)
    free, found = row(its, case["own"], case["mask"], case["draws"], held=held)
    assert np.array_equal(free.propensities, found.propensities)
    assert np.array_equal(free.chosen, found.chosen)


@pytest.mark.parametrize("cosine", [None, 0.8])
def test_draws_of_long_rows_follow_the_propensities(cosine: float | None) -> None:
    """Rows of two hundred titles of four artworks, of which what came before narrows half.

    As below, by place of the artwork and how far down the row, and by how likely it was. A row is
    Python, a million draws of it are twenty seconds: `KEYART_DRAWS=1000000` makes them.
    """
    rng = np.random.default_rng(12)
    rows, count, width, explore, blocks = DRAWS // 200, 200, 4, 0.1, 10
    slate = Slate(alike={"mood": 1.0, "face": 0.5}, most=0.5, cosine=cosine)
    vectors = unit(rng, width * count, 12).reshape(width, count, -1)
    codes = np.stack(
        [rng.integers(1, values, (count, width)) for values in (400, 60)], axis=2
    ).astype(np.int32)
    every = np.ones((count, width), np.bool_)
    slating = slating_of(slate, codes, codes[0, :1], every)
    own = rng.dirichlet(np.full(width, 0.7), count)
    own[::9] = np.eye(width)[1]
    mask = np.ones((count, width), np.bool_)
    off, spread = np.zeros((count, width)), np.zeros((count, width))
    edges = np.linspace(0.0, 1.0, 21)[1:-1]
    chance = np.zeros((3, 20))  # draws, chosen and variance, by how likely an artwork was
    changed = explored = 0
    for _ in range(rows):
        draws = rng.random(count), rng.random(count)
        free, found = row(slating, own, mask, draws, explore=explore, vectors=vectors)
        p, taken = found.propensities, np.eye(width)[found.chosen]
        variance = p * (1.0 - p)
        off += taken - p
        spread += variance
        bins = np.digitize(p.ravel(), edges)
        for at, values in enumerate((p, taken, variance)):
            chance[at] += np.bincount(bins, values.ravel(), 20)
        changed += int((p != free.propensities).any(axis=1).sum())
        explored += int(found.explored.sum())
    assert 0.1 < changed / (rows * count) < 0.9
    parts = [each.reshape(blocks, -1, width).sum(axis=1) for each in (off, spread)]
    z = parts[0] / np.sqrt(parts[1])
    assert np.abs(z).max() < 4.5  # forty of them: once in three thousand seeds
    z = (chance[1] - chance[0]) / np.sqrt(np.maximum(chance[2], 1.0))
    assert np.abs(z).max() < 4.5
    meant = rows * count * explore
    assert abs(explored - meant) < 4.5 * np.sqrt(meant * (1.0 - explore))


@pytest.mark.parametrize("cosine", [None, 0.5])
@pytest.mark.parametrize("once", [False, True])
def test_draws_are_as_often_as_the_logged_propensities_say(
    once: bool, cosine: float | None
) -> None:
    """Given all before it a choice differs from its propensity by chance alone.

    Sums of (chosen - propensity) are martingales: their variance is the sum of p (1 - p).
    """
    rng = np.random.default_rng(11)
    rows, count, width, explore = 3_000, 5, 4, 0.3
    slate = Slate(alike={"mood": 1.0, "face": 0.5}, most=0.5, cosine=cosine, explore_once=once)
    vectors = unit(rng, width * count).reshape(width, count, -1)
    slating = slating_of(
        slate,
        rng.integers(0, 4, (count, width, 2)).astype(np.int32) * place_number(2),
        np.zeros((0, 2), np.int32),
        np.ones((count, width), np.bool_),
    )
    own = rng.dirichlet(np.full(width, 0.5), count)
    own[2] = np.eye(width)[1]
    mask = np.ones((count, width), np.bool_)
    off, spread = np.zeros((count, width)), np.zeros((count, width))
    places = np.zeros(count)
    narrowed = 0
    for _ in range(rows):
        draws = rng.random(count), rng.random(count)
        _, found = row(slating, own, mask, draws, explore=explore, vectors=vectors)
        p = found.propensities
        off += np.eye(width)[found.chosen] - p
        spread += p * (1.0 - p)
        places += found.explored
        narrowed += int((p == 0.0).any())
    z = off / np.sqrt(np.maximum(spread, 1.0))
    assert np.abs(z).max() < 4.2  # twenty of them: once in two thousand seeds
    assert narrowed > rows / 10
    share = explore / count if once else explore
    error = np.sqrt(rows * share * (1.0 - share))
    assert (np.abs(places - rows * share) < 4.2 * error).all()
