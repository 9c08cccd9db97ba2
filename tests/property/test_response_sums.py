"""Sums of responses: any order and any cut agree with what a brute force adds up."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from keyart.models.sums.adding import add_to_title
from keyart.models.sums.responses import WIDTH, matrix_of, response_row, spread_of
from keyart.models.sums.shared import add_to_shared
from keyart.schemas import codec
from keyart.schemas.context import AXES, SIZE
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.rewards import Reward
from tests.property.test_sums import DAY, HALF_LIFE, T0, reward

SIZES = (0, AXES, SIZE)


@st.composite
def rewards(draw: st.DrawFn) -> list[Reward]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found = []
    for _ in range(draw(st.integers(1, 30))):
        row = (int(rng.integers(3)), int(rng.integers(2)), int(rng.integers(300)))
        base = reward((*row, int(rng.random() < 0.4), float(rng.uniform(0.3, 3.0))))
        size = SIZES[int(rng.integers(3))]
        z = tuple(np.round(rng.normal(size=size), 3).tolist())
        told = {"response": float(rng.uniform(0.5, 2.0)), "expected": float(rng.uniform(0.0, 0.2))}
        responded = float(np.round(rng.normal(0.0, 0.3), 3)) if size else 0.0
        found.append(structs.replace(base, situation=z, responded=responded, **told))
    return found


@settings(max_examples=60, deadline=None)
@given(its=rewards(), seed=st.integers(0, 99), cut=st.integers(1, 9))
def test_order_and_cuts_do_not_matter(its: list[Reward], seed: int, cut: int) -> None:
    newest = max(each.shown_at_ms for each in its)
    mixed = its[:]
    random.Random(seed).shuffle(mixed)
    sums, shared = TitleSums(title="t"), SharedSums()
    for first in range(0, len(mixed), cut):
        part = mixed[first : first + cut]
        sums = add_to_title(sums, part, half_life_ms=HALF_LIFE, bucket_ms=DAY)
        sums = codec.unpack(codec.pack(sums), TitleSums)
        shared = add_to_shared(shared, part, half_life_ms=HALF_LIFE)
    aged = [0.5 ** ((newest - each.shown_at_ms) / HALF_LIFE) for each in its]
    without = [each.expected * each.multiplier / each.response for each in its]
    each_says = [
        (each.value * each.responded**2, (each.value - expected) * each.responded)
        for each, expected in zip(its, without, strict=True)
    ]
    trusted = np.array(aged) @ np.array(each_says)
    np.testing.assert_allclose(shared.responded or [0.0, 0.0], trusted, rtol=1e-9, atol=1e-12)
    told = [each for each in its if each.situation]
    assert sums.responses.keys() == {each.artwork for each in told}
    whole = np.zeros((1 + SIZE, 1 + SIZE))
    for artwork, found in sums.responses.items():
        own = [each for each in told if each.artwork == artwork]
        z = np.array([[*each.situation, *[0.0] * (SIZE - len(each.situation))] for each in own])
        fade = np.array([0.5 ** ((newest - each.shown_at_ms) / HALF_LIFE) for each in own])
        e = fade * [each.multiplier / each.response for each in own]
        y = fade * [each.value for each in own]
        squares = (e[:, None] * z**2).sum(axis=0)
        brute = [y.sum(), e.sum(), squares[:AXES].sum(), squares[AXES:].sum()]
        brute += [*(e @ z)[:AXES], *(y @ z)[:AXES], *(e @ z)[AXES:], *(y @ z)[AXES:]]
        mine = response_row(found)
        assert len(mine) in (4 + 2 * AXES, WIDTH)
        assert len(mine) == WIDTH or not any(len(each.situation) > AXES for each in own)
        np.testing.assert_allclose(mine, brute[: len(mine)], rtol=1e-9, atol=1e-12)
        full = np.column_stack((np.ones(len(z)), z))
        whole += full.T @ (full * e[:, None])
    np.testing.assert_allclose(matrix_of(shared.situations, 1 + SIZE), whole, atol=1e-9)
    if whole[0, 0] > 0.0:
        mean = whole[0, 1:] / whole[0, 0]
        brute = whole[1:, 1:] / whole[0, 0] - np.outer(mean, mean)
        covariance, middle = spread_of([shared])
        np.testing.assert_allclose(covariance, brute, atol=1e-9)
        np.testing.assert_allclose(middle, mean, atol=1e-9)


def test_an_artwork_costs_what_is_said_and_old_sums_are_read() -> None:
    z = tuple(float(f"{0.123 + at:.3f}") for at in range(SIZE))
    its = [structs.replace(reward((0, 0, 0, 1, 1.0)), situation=z)]
    with_it = add_to_title(TitleSums(title="t"), its, half_life_ms=HALF_LIFE, bucket_ms=DAY)
    without = add_to_title(
        TitleSums(title="t"),
        [structs.replace(its[0], situation=())],
        half_life_ms=HALF_LIFE,
        bucket_ms=DAY,
    )
    assert len(codec.pack(with_it)) - len(codec.pack(without)) < 570
    # sums of a keyart that knew no responses: taken over as they are, and added to
    old = codec.pack(
        {"title": "t", "as_of_ms": T0, "artworks": {"a0": {"home": [3, 1.0, 1.0, 3.0]}}}
    )
    before = codec.unpack(old, TitleSums)
    after = add_to_title(before, its, half_life_ms=HALF_LIFE, bucket_ms=DAY)
    assert before.responses == {} and after.artworks["a0"]["home"].count == 4
    assert response_row(after.responses["a0"])[0] == 1.0


@pytest.mark.parametrize("record", [b"123", np.array([np.nan]).tobytes()])
def test_what_is_no_response_is_refused(record: bytes) -> None:
    with pytest.raises(InvalidRecord):
        response_row(record)
