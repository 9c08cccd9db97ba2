"""What rules did, added up: any order and any cut of the same rewards, and a plain sum, agree."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from keyart.models.sums.adding import SHARES_KEPT, add_to_title
from keyart.schemas import codec
from keyart.schemas.posterior import TitleSums
from keyart.schemas.rewards import Reward
from keyart.schemas.ruled import BOUNDED, DEFAULTED, NARROWED, PINNED, Ruled
from tests.property.test_sums import DAY, HALF_LIFE, reward


@st.composite
def ruled(draw: st.DrawFn) -> Ruled:
    names = draw(st.lists(st.sampled_from(("a0", "a1", "a2")), unique=True))
    moved = draw(st.lists(st.floats(-4.0, 4.0), min_size=len(names), max_size=len(names)))
    return Ruled(draw(st.integers(0, 15)), draw(st.floats(0.0, 1.0)), tuple(names), tuple(moved))


rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 400), st.none() | ruled(), st.floats(0.0, 1.0)),
    min_size=1,
    max_size=80,
)


def rewards(rows: list[tuple[int, int, Ruled | None, float]]) -> list[Reward]:
    return [
        structs.replace(reward((artwork, 0, day, 0, 1.0), at), ruled=its, level=level)
        for at, (artwork, day, its, level) in enumerate(rows)
    ]


@settings(max_examples=80, deadline=None)
@given(rows=rows, seed=st.integers(0, 99), cut=st.integers(1, 9))
def test_order_and_cuts_do_not_matter(
    rows: list[tuple[int, int, Ruled | None, float]], seed: int, cut: int
) -> None:
    its = rewards(rows)
    mixed = its[:]
    random.Random(seed).shuffle(mixed)
    sums = TitleSums(title="t")
    for first in range(0, len(mixed), cut):
        before = codec.pack(sums)
        told = add_to_title(sums, mixed[first : first + cut], half_life_ms=HALF_LIFE, bucket_ms=DAY)
        assert codec.pack(sums) == before  # what was there is not changed
        sums = codec.unpack(codec.pack(told), TitleSums)
    starts = sorted({each.shown_at_ms - each.shown_at_ms % DAY for each in its})[-SHARES_KEPT:]
    expected = {}
    for start in starts:
        inside = [
            (each.ruled, each.level)
            for each in its
            if each.ruled is not None and start <= each.shown_at_ms < start + DAY
        ]
        if inside:
            expected[start] = inside
    assert sums.ruled.keys() == expected.keys()
    for start, inside in expected.items():
        found = sums.ruled[start]
        assert found.impressions == len(inside)
        for name, kind in (
            ("narrowed", NARROWED),
            ("bounded", BOUNDED),
            ("pinned", PINNED),
            ("defaulted", DEFAULTED),
        ):
            assert getattr(found, name) == sum(each.how & kind == kind for each, _ in inside)
        assert found.changed == pytest.approx(sum(each.changed for each, _ in inside), abs=1e-9)
        lost: dict[str, float] = {}
        for each, level in inside:
            for artwork, part in zip(each.artworks, each.forgone, strict=True):
                lost[artwork] = lost.get(artwork, 0.0) + part * level
        assert found.forgone == pytest.approx(lost, abs=1e-9)
