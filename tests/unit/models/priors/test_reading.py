"""Reading hidden states: what the tests say of words is what titles are judged by."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from keyart.models.priors.reading import read_opinions
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord

WORDS = ("a puppy", "a contract", "a storm", "a cake", "a queue")
TRUTH = np.array([0.4, -0.4, 0.2, 0.1, -0.3])


def encode(texts: Sequence[str]) -> np.ndarray:
    """One direction a word, a little blurred, always in the same way."""
    rng = np.random.default_rng(0)
    blur = rng.normal(0, 0.02, (len(WORDS), 12))
    rows = np.eye(len(WORDS), 12) + blur
    return np.stack([rows[WORDS.index(text)] for text in texts])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    lines = ["test,text,impressions,clicks"]
    for test in range(60):
        for word in rng.permutation(len(WORDS))[:3]:
            clicks = rng.binomial(4000, 0.02 * np.exp(TRUTH[word]))
            lines.append(f"x{test},{WORDS[word]},4000,{clicks}")
    path = tmp_path / "tests.csv"
    path.write_text("\n".join(lines))
    return path


def titled(id: str, words: Sequence[str]) -> Title:
    artworks = tuple(Artwork(id=f"{id}-{at}", description=text) for at, text in enumerate(words))
    return Title(id=id, name=id, artworks=artworks)


def test_artworks_are_judged_by_what_the_tests_taught(table: Path) -> None:
    opinions, report = read_opinions(encode, table, [titled("t", WORDS), titled("one", WORDS[:1])])
    (opinion,) = opinions
    assert opinion.artworks == tuple(f"t-{at}" for at in range(5))
    np.testing.assert_allclose(opinion.relative, TRUTH - TRUTH.mean(), atol=0.08)
    assert sum(opinion.relative) == pytest.approx(0, abs=1e-3)
    assert opinion.strength == report.strength > 100
    assert opinion.prior == report.prior
    assert report.prior.startswith("llm-")
    assert (report.tests, report.left_out, report.titles) == (60, 0, 1)
    assert report.gain > 10


def test_tests_that_must_stay_unseen_are_not_learned_from(table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    unseen = tmp_path / "unseen.csv"
    unseen.write_text("\n".join([lines[0], *(line for line in lines if line.startswith("x1"))]))
    rest = tmp_path / "rest.csv"
    rest.write_text("\n".join(line for line in lines if not line.startswith("x1")))
    title = titled("t", WORDS)
    found, report = read_opinions(encode, table, [title], without=unseen, name="p")
    assert report.left_out == 11
    assert found == read_opinions(encode, rest, [title], name="p")[0]


def test_nothing_to_choose_is_said(table: Path) -> None:
    with pytest.raises(InvalidRecord, match="two artworks"):
        read_opinions(encode, table, [titled("one", WORDS[:1])])
