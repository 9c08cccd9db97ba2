"""The vocabulary of interests: readable, distinct, and found again."""

import numpy as np
import pytest

from keyart.models.embed import Concepts, load_space
from keyart.models.embed.concepts import read_vocabulary
from keyart.models.embed.protocol import identity_of
from keyart.schemas.errors import NotFound, SpaceMismatch


@pytest.fixture(scope="module")
def concepts() -> Concepts:
    return Concepts(load_space("static"))


def test_names_are_short_distinct_and_described() -> None:
    pairs = read_vocabulary()
    names = [name for name, _ in pairs]
    assert 200 <= len(names) == len(set(names)) < 0xFFFF
    assert all(0 < len(name) <= 40 and "{" not in name for name in names)
    assert all(len(words) > 10 for _, words in pairs)


def test_each_interest_is_nearest_to_itself(concepts: Concepts) -> None:
    for width in (64, 128):
        best, similar = concepts.nearest_many(concepts.leading(width), 1)
        np.testing.assert_array_equal(best[:, 0], np.arange(len(concepts.names)))
        np.testing.assert_allclose(similar, 1, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Astronauts leave for Mars in a new rocket", "space"),
        ("A chef cooks her grandmother's recipes at home", "cooking"),
        ("Women march for equality and feminism", "women's rights"),
        ("The detectives reopen an unsolved murder", "true crime"),
        ("Bankers on Wall Street caused the financial crisis", "Wall Street"),
        ("Millions of fish die as the coral reefs of the ocean vanish", "oceans"),
    ],
)
def test_plain_texts_find_their_interest(concepts: Concepts, text: str, name: str) -> None:
    vector = load_space("static").encode([text])[0]
    assert name in [found for found, _ in concepts.nearest(vector, 3)]
    assert name in [found for found, _ in concepts.nearest(vector[:64] * 2, 5)]


def test_nearest_agrees_with_brute_force(concepts: Concepts) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(20, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    best, similar = concepts.nearest_many(vectors, 4)
    rows = concepts.vectors[:, :64].astype(float)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for vector, found, values in zip(vectors, best, similar, strict=True):
        cosines = [float(row @ vector) for row in rows]
        order = sorted(range(len(cosines)), key=lambda at: -cosines[at])[:4]
        assert list(found) == order
        np.testing.assert_allclose(values, np.sort(cosines)[::-1][:4], atol=1e-5)


def test_names_lead_to_indices_and_strangers_are_named(concepts: Concepts) -> None:
    assert concepts.names[concepts.index("space")] == "space"
    with pytest.raises(NotFound, match="'spaec'"):
        concepts.index("spaec")
    with pytest.raises(SpaceMismatch):
        concepts.leading(129)


def test_the_vocabulary_is_part_of_the_identity(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = identity_of("x", [])
    from pathlib import Path

    other = Path(str(tmp_path)) / "concepts.txt"
    other.write_text("space: stars\n")
    monkeypatch.setattr("keyart.models.embed.protocol.VOCABULARY", other)
    assert identity_of("x", []) != before
