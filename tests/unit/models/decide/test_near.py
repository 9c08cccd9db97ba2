"""Which artworks are near to pictures before them: bit for bit what cosines one by one say."""

import numpy as np
import pytest

from keyart.models.decide.near import Near


@pytest.mark.parametrize("count", [4, 24, 30, 40])
def test_bits_are_the_cosines_of_what_was_met(count: int) -> None:
    rng = np.random.default_rng(count)
    titles, bound = 6, 0.3
    vectors = rng.normal(size=(count, titles, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    kept = vectors[0, :1] * np.float32(-1.0)
    expected = rng.integers(count, size=titles)
    near, met = Near(vectors, kept, expected, bound), list(kept)
    for at in range(titles):
        cosines = vectors[:, at] @ np.array(met).T
        its = (cosines.max(axis=1) > bound).tolist()
        assert near.of(at) == sum(1 << place for place, each in enumerate(its) if each)
        place = count - 1 if at % 2 else int(expected[at])  # another than was expected
        near.meet(at, place)
        met.append(vectors[place, at])
