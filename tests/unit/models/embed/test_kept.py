"""Vectors kept on disk: each text is read once, and is the same vector ever after."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from keyart.models.embed import kept as module
from keyart.models.embed.kept import KeptVectors
from keyart.models.embed.load import load_space
from keyart.models.embed.protocol import FloatArray


class Counting:
    """An encoder that remembers what it was asked."""

    identity = "counting"
    dimensions = 24

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> FloatArray:
        self.asked += texts
        rows = [np.random.default_rng(len(text)).normal(size=24) for text in texts]
        return np.array(rows, np.float32)


def test_a_text_is_read_once_and_rounded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 16)  # several files
    texts = [f"text number {at}" * (at % 7 + 1) for at in range(50)]
    encoder = Counting()
    kept = KeptVectors(tmp_path, encoder)
    first = kept.encode([*texts, texts[3]])
    assert encoder.asked == list(dict.fromkeys(texts))
    assert len(list(tmp_path.rglob("*.parquet"))) > 1
    np.testing.assert_array_equal(first[3], first[50])
    np.testing.assert_allclose(first[:50], Counting().encode(texts), atol=2e-3)
    again = KeptVectors(tmp_path, encoder)
    np.testing.assert_array_equal(again.encode(texts[::-1]), first[:50][::-1])
    assert len(encoder.asked) == len(set(texts))
    more = again.encode(["new", texts[0]])
    assert encoder.asked[-1] == "new"
    third = KeptVectors(tmp_path, Counting())
    np.testing.assert_array_equal(third.encode(["new", texts[0]]), more)


def test_another_encoder_has_vectors_of_its_own(tmp_path: Path) -> None:
    class Other(Counting):
        identity = "other"

    KeptVectors(tmp_path, Counting()).encode(["a", "b"])
    other = Other()
    KeptVectors(tmp_path, other).encode(["a"])
    assert other.asked == ["a"]


def test_only_what_is_slow_is_kept(tmp_path: Path) -> None:
    found = load_space("static+style", kept=tmp_path).encode(["a rocket", ""])
    assert found.shape[0] == 2
    assert not any(tmp_path.iterdir())
