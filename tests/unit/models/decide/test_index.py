import numpy as np
import pytest

from keyart.models.decide.index import (
    ANY_SURFACE,
    BELIEF_COLUMNS,
    NEUTRAL,
    IndexedTitle,
    ServingIndex,
)
from keyart.models.priors.personal import Seen
from keyart.models.taste.features import TasteVectors, relations
from keyart.schemas.errors import InvalidRecord, NotFound

LEVEL = BELIEF_COLUMNS.index("level")


def title(name: str, *artworks: str, seed: int = 0) -> IndexedTitle:
    rows = np.random.default_rng(seed).normal(size=(len(artworks), 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return IndexedTitle(id=name, artworks=artworks, vectors=rows)


def rows_of(index: ServingIndex, name: str) -> slice:
    return index.arrays.rows(name)


def levels(index: ServingIndex, name: str, surface: str = ANY_SURFACE) -> list[float]:
    found: list[float] = index.arrays.beliefs[surface][rows_of(index, name), LEVEL].tolist()
    return found


def believed(*level: float) -> np.ndarray:
    rows = np.tile(NEUTRAL, (len(level), 1))
    rows[:, LEVEL] = level
    return rows


def test_titles_are_found_with_their_vectors_and_relations() -> None:
    index = ServingIndex()
    titles = [title(f"t{at}", *"abcde"[: at % 5 + 1], seed=at) for at in range(500)]
    index.put(titles)
    assert len(index) == 500
    for given in titles:
        rows = rows_of(index, given.id)
        assert index.artworks(given.id) == given.artworks
        np.testing.assert_array_equal(index.arrays.vectors[rows], given.vectors)
        np.testing.assert_array_equal(index.arrays.related[rows], relations(given.vectors))
        np.testing.assert_allclose(levels(index, given.id), NEUTRAL[LEVEL])


def test_what_is_not_there_is_named() -> None:
    index = ServingIndex()
    index.put([title("t", "a")])
    with pytest.raises(NotFound, match="'u'"):
        index.arrays.find(["t", "u"])
    with pytest.raises(NotFound, match="'u'"):
        index.artworks("u")
    with pytest.raises(InvalidRecord, match="'none'"):
        index.put([title("none")])
    index.remove("t")
    index.remove("t")
    assert "t" not in index
    with pytest.raises(NotFound, match="'t'"):
        index.arrays.find(["t"])


def test_a_replaced_title_keeps_the_beliefs_of_artworks_that_stay() -> None:
    index = ServingIndex()
    index.put([title("t", "a", "b", "c")])
    index.believe("t", ["a", "b", "c"], {"home": believed(0.1, 0.2, 0.3)})
    index.put([title("t", "c", "new", "a", seed=4)])
    neutral = float(NEUTRAL[LEVEL])
    np.testing.assert_allclose(levels(index, "t", "home"), [0.3, neutral, 0.1])
    np.testing.assert_allclose(levels(index, "t"), [neutral] * 3)


def test_beliefs_are_matched_by_artwork_not_by_place() -> None:
    index = ServingIndex()
    index.put([title("t", "a", "b")])
    index.believe("t", ["gone", "b", "a"], {ANY_SURFACE: believed(0.9, 0.2, 0.1)})
    np.testing.assert_allclose(levels(index, "t"), [0.1, 0.2])
    index.believe("unknown", ["a"], {ANY_SURFACE: believed(0.5)})


def test_a_reader_under_way_sees_the_title_it_began_with() -> None:
    index = ServingIndex()
    index.put([title("t", "a", "b", seed=1)])
    arrays, rows = index.arrays, rows_of(index, "t")
    before = arrays.vectors[rows].copy()
    index.put([title(f"other-{at}", "a", "b", seed=at) for at in range(3000)])  # grows
    index.put([title("t", "c", "d", seed=2)])
    np.testing.assert_array_equal(arrays.vectors[rows], before)


def test_space_of_replaced_titles_is_used_again() -> None:
    index = ServingIndex()
    index.put([title(f"t{at}", "a", "b", "c", seed=at) for at in range(100)])
    index.believe("t7", ["a", "b", "c"], {"home": believed(0.1, 0.2, 0.3)})
    kept = index.arrays.vectors[rows_of(index, "t7")].copy()
    for round_ in range(60):
        index.put([title(f"t{at}", "a", "b", "c", seed=round_) for at in range(50, 100)])
    assert len(index.arrays.vectors) < 12_000
    np.testing.assert_array_equal(index.arrays.vectors[rows_of(index, "t7")], kept)
    np.testing.assert_allclose(levels(index, "t7", "home"), [0.1, 0.2, 0.3])
    assert len(index) == 100


class OneNumber:
    """A way to see viewers of one number each."""

    width = 1

    def see(self, taste: TasteVectors) -> Seen | None:
        return Seen(np.ones(1, np.float32), "all") if taste.known else None


def sides(index: ServingIndex, name: str) -> list[float]:
    assert index.arrays.personal is not None
    found: list[float] = index.arrays.personal.artworks[rows_of(index, name), 0].tolist()
    return found


def test_what_is_said_to_viewers_follows_artworks_through_every_change() -> None:
    index = ServingIndex()
    index.put([title("t", "a", "b", "c")])
    index.opine("t", ["a"], np.ones((1, 1), np.float32))  # nobody is seen yet: nothing is said
    index.personalise(OneNumber())
    index.opine("t", ["b", "gone", "c"], np.array([[2.0], [9.0], [3.0]], np.float32))
    index.opine("elsewhere", ["a"], np.ones((1, 1), np.float32))
    assert sides(index, "t") == [0.0, 2.0, 3.0]
    index.put([title("t", "c", "new", "b", seed=4)])
    assert sides(index, "t") == [3.0, 0.0, 2.0]
    index.put([title(f"u{at}", *"abcdefgh", seed=at) for at in range(600)])  # grows
    for at in range(590):
        index.remove(f"u{at}")
    index.put([title("v", "a")])  # compacts
    assert sides(index, "t") == [3.0, 0.0, 2.0]
    assert len(index.arrays.vectors) < 4800
    index.personalise(OneNumber())
    assert sides(index, "t") == [0.0, 0.0, 0.0]
    index.personalise(None)
    assert index.arrays.personal is None
