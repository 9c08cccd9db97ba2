"""A slate: no two alike, and what is logged is what is drawn from, given what was drawn before."""

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.bandits.protocol import choose, mix
from keyart.models.decide.slate import InTurn, Slating, in_turn
from keyart.schemas.slates import Slate

DRAWS = int(os.environ.get("KEYART_DRAWS", "20000"))
NAMES = ("mood", "face", "colour")


def row(
    slating: Slating,
    own: np.ndarray,
    mask: np.ndarray,
    draws: tuple[np.ndarray, np.ndarray],
    *,
    explore: float = 0.1,
    held: np.ndarray | None = None,
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
        own,
        mask,
        explore_share=explore,
        draws=draws,
        held=none if held is None else held,
    )


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
    weights = draw(st.lists(st.sampled_from((0.25, 0.5, 1.0)), min_size=1, max_size=3))
    slate = Slate(
        alike=dict(zip(NAMES, weights, strict=False)),
        most=draw(st.sampled_from((0.0, 0.25, 0.5, 1.0))),
        explore_once=draw(st.booleans()),
    )
    shape = count, width, len(weights)
    values = draw(st.integers(1, 8))
    slating = Slating(
        slate,
        rng.integers(0, values + 1, shape).astype(np.int32) * mask[:, :, None],
        rng.integers(0, values + 1, (draw(st.integers(0, 2)), len(weights))).astype(np.int32),
    )
    draws = rng.random(count), rng.random(count)
    return {"slating": slating, "own": own, "mask": mask, "draws": draws}


def likeness(slating: Slating, one: np.ndarray, other: np.ndarray) -> float:
    weights = slating.slate.alike.values()
    return sum(
        weight
        for weight, a, b in zip(weights, one.tolist(), other.tolist(), strict=True)
        if a == b != 0
    )


@settings(max_examples=150, deadline=None)
@given(cases())
def test_no_two_are_alike_but_where_all_that_a_title_has_are(case: dict[str, Any]) -> None:
    slating, mask = case["slating"], case["mask"]
    _, found = row(**case)
    before = list(slating.kept)
    for at in range(len(mask)):
        its = [
            max([0.0, *(likeness(slating, code, each) for each in before)])
            for code in slating.codes[at][mask[at]]
        ]
        fit = [each <= slating.slate.most + 1e-6 for each in its]
        assert found.alike[at] == (not any(fit))
        left = fit if any(fit) else [each <= min(its) + 1e-6 for each in its]
        p = found.propensities[at]
        assert p.sum() == pytest.approx(1.0, abs=1e-9) and (p >= 0.0).all()
        assert (p[len(left) :] == 0.0).all()
        assert not (p[: len(left)][~np.array(left)] > 0.0).any()
        assert p[found.chosen[at]] > 0.0
        before.append(slating.codes[at, found.chosen[at]])
    assert not slating.slate.explore_once or found.explored.sum() <= 1


@settings(max_examples=60, deadline=None)
@given(cases())
def test_where_nothing_is_alike_nothing_changes(case: dict[str, Any]) -> None:
    its = case["slating"]
    unlike = Slating(Slate(alike=its.slate.alike), np.zeros_like(its.codes), its.kept)
    free, found = row(unlike, case["own"], case["mask"], case["draws"])
    for one, other in zip(free, found, strict=True):
        assert np.array_equal(one, other)
    held = np.ones(len(case["own"]), np.bool_)
    free, found = row(its, case["own"], case["mask"], case["draws"], held=held)
    assert np.array_equal(free.propensities, found.propensities)
    assert np.array_equal(free.chosen, found.chosen)


def test_draws_of_long_rows_follow_the_propensities() -> None:
    """Rows of two hundred titles of four artworks, of which what came before narrows half.

    As below, by place of the artwork and how far down the row, and by how likely it was. A row is
    Python, a million draws of it are twenty seconds: `KEYART_DRAWS=1000000` makes them.
    """
    rng = np.random.default_rng(12)
    rows, count, width, explore, blocks = DRAWS // 200, 200, 4, 0.1, 10
    slate = Slate(alike={"mood": 1.0, "face": 0.5}, most=0.5)
    codes = np.stack(
        [rng.integers(1, values, (count, width)) for values in (400, 60)], axis=2
    ).astype(np.int32)
    slating = Slating(slate, codes, codes[0, :1])
    own = rng.dirichlet(np.full(width, 0.7), count)
    own[::9] = np.eye(width)[1]
    mask = np.ones((count, width), np.bool_)
    off, spread = np.zeros((count, width)), np.zeros((count, width))
    edges = np.linspace(0.0, 1.0, 21)[1:-1]
    chance = np.zeros((3, 20))  # draws, chosen and variance, by how likely an artwork was
    changed = explored = 0
    for _ in range(rows):
        free, found = row(
            slating, own, mask, (rng.random(count), rng.random(count)), explore=explore
        )
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


@pytest.mark.parametrize("once", [False, True])
def test_draws_are_as_often_as_the_logged_propensities_say(once: bool) -> None:
    """Given all before it a choice differs from its propensity by chance alone.

    Sums of (chosen - propensity) are martingales: their variance is the sum of p (1 - p).
    """
    rng = np.random.default_rng(11)
    rows, count, width, explore = 3_000, 5, 4, 0.3
    slate = Slate(alike={"mood": 1.0, "face": 0.5}, most=0.5, explore_once=once)
    slating = Slating(
        slate,
        rng.integers(0, 4, (count, width, 2)).astype(np.int32),
        np.zeros((0, 2), np.int32),
    )
    own = rng.dirichlet(np.full(width, 0.5), count)
    own[2] = np.eye(width)[1]
    mask = np.ones((count, width), np.bool_)
    off, spread = np.zeros((count, width)), np.zeros((count, width))
    places = np.zeros(count)
    narrowed = 0
    for _ in range(rows):
        draws = rng.random(count), rng.random(count)
        _, found = row(slating, own, mask, draws, explore=explore)
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
