"""Watched rewards, added up by part: any order and any cut agree with a plain sum."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from keyart.models.statistics.timeline import merge, observe_batch, viewer_weights
from keyart.schemas import codec
from keyart.schemas.posterior import Part, PolicyBucket
from keyart.schemas.rewards import Reward
from tests.property.test_sums import DAY, reward

values = st.dictionaries(st.sampled_from(("left", "liked", "later")), st.floats(-1.0, 1.0))
rows = st.lists(
    st.tuples(st.sampled_from(("home", "row")), values, st.integers(0, 3)), min_size=1, max_size=40
)


def rewards(rows: list[tuple[str, dict[str, float], int]]) -> list[Reward]:
    return [
        structs.replace(
            reward((0, 0, 0, 0, 1.0), at),
            surface=surface,
            watched=watched,
            viewer=f"{viewer:032x}",
            explored=False,
        )
        for at, (surface, watched, viewer) in enumerate(rows)
    ]


@settings(max_examples=40, deadline=None)
@given(rows=rows, seed=st.integers(0, 99), cut=st.integers(1, 9))
def test_order_and_cuts_do_not_matter(
    rows: list[tuple[str, dict[str, float], int]], seed: int, cut: int
) -> None:
    its = rewards(rows)
    mixed = its[:]
    random.Random(seed).shuffle(mixed)
    whole = PolicyBucket()
    for first in range(0, len(mixed), cut):
        (bucket,) = observe_batch(mixed[first : first + cut], bucket_ms=DAY).values()
        whole = codec.unpack(codec.pack(merge([whole, bucket])), PolicyBucket)
    for surface in ("home", "row"):
        part = whole.parts.get(f"|{surface}", Part())
        told = [each for each in its if each.surface == surface]
        assert part.watched.keys() == {name for each in told for name in each.watched}
        for name, noted in part.watched.items():
            said = [each for each in told if name in each.watched]
            weights = viewer_weights([each.viewer for each in said]).astype(float)
            gains = [max(0.0, each.watched[name]) for each in said]
            losses = [max(0.0, -each.watched[name]) for each in said]
            assert noted.count == len(said)
            assert noted.gain == pytest.approx(sum(gains), abs=1e-9)
            assert noted.loss == pytest.approx(sum(losses), abs=1e-9)
            assert noted.counts == weights.sum(axis=0).tolist()
            assert noted.gains == pytest.approx((gains @ weights).tolist(), abs=1e-9)
            assert noted.losses == pytest.approx((losses @ weights).tolist(), abs=1e-9)


def test_a_part_of_before_is_read() -> None:
    old = codec.pack([3, 1.0, [1, 2], [0.5, 0.0]])
    assert codec.unpack(old, Part) == Part(3, 1.0, [1, 2], [0.5, 0.0])
