"""Viewers by segment: the nearest centre, and nobody without a taste."""

import numpy as np

from keyart.models.priors.personal import SegmentSide
from keyart.models.taste.features import NO_TASTE, TasteVectors
from keyart.schemas.priors import SegmentCentre
from keyart.schemas.taste import INTERESTS, TASTE_DIMENSIONS


def taste(long: np.ndarray) -> TasteVectors:
    rows = np.zeros((3 + INTERESTS, TASTE_DIMENSIONS), np.float32)
    rows[0] = long
    return TasteVectors(directions=rows)


def test_a_viewer_is_in_the_segment_with_the_nearest_centre() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(7, TASTE_DIMENSIONS))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    side = SegmentSide(
        [SegmentCentre(name=f"s{at}", centre=tuple(row)) for at, row in enumerate(centres)]
    )
    assert side.width == 7
    for _ in range(50):
        long = rng.normal(size=TASTE_DIMENSIONS).astype(np.float32)
        long *= 0.4 / np.linalg.norm(long)
        seen = side.see(taste(long))
        nearest = int(np.argmin(((centres - long / 0.4) ** 2).sum(axis=1)))
        assert seen is not None
        assert seen.segment == f"s{nearest}"
        assert seen.coordinates.tolist() == [float(at == nearest) for at in range(7)]
    assert side.see(NO_TASTE) is None
