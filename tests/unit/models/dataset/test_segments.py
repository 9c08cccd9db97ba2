"""Segments: clusters found, everybody first, the nearest one chosen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from keyart.models.dataset.examples import Entry
from keyart.models.dataset.segments import (
    cluster,
    make_segments,
    nearest_segment,
    read_segments,
    write_segments,
)
from keyart.schemas.errors import InvalidRecord, SettingsError

TOPICS = ("space", "cooking", "crime")


def encode(texts: Sequence[str]) -> NDArray[np.float64]:
    rows = np.array([[text.count(topic) for topic in TOPICS] for text in texts], float) + 0.01
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def history(topic: str, at: int) -> tuple[Entry, ...]:
    return tuple(
        Entry(title=f"{topic} {at} {place}", description=f"more {topic}") for place in range(3)
    )


def test_clusters_are_found_whatever_the_seed() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 50)
    centres = np.linalg.qr(rng.normal(size=(8, 4)))[0].T
    points = centres[truth] + rng.normal(0, 0.1, (200, 8))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for seed in range(5):
        found = cluster(points, 4, seed=seed)
        assert found.cosine > 0.9
        for own in range(4):
            assert len(set(found.labels[truth == own].tolist())) == 1


def test_fewer_vectors_than_clusters() -> None:
    assert len(cluster(np.eye(3)[:2], 5).centres) == 2
    with pytest.raises(SettingsError):
        cluster(np.zeros((0, 3)), 2)


def test_segments_tell_what_their_viewers_enjoyed(tmp_path: Path) -> None:
    histories = [history(topic, at) for topic in TOPICS for at in range(5)] + [()]
    found = make_segments(histories, encode, count=3, entries=4)
    assert found[0].name == "" and found[0].viewers == 16 and not found[0].history
    assert sorted(segment.viewers for segment in found[1:]) == [5, 5, 5]
    for segment in found[1:]:
        assert len(segment.history) == 4
        assert len({entry.title.split()[0] for entry in segment.history}) == 1
    for topic in TOPICS:
        name = nearest_segment(history(topic, 99), found, encode)
        (chosen,) = [segment for segment in found if segment.name == name]
        assert topic in chosen.history[0].title
    assert nearest_segment((), found, encode) == ""
    write_segments(tmp_path / "s.json", found)
    assert read_segments(tmp_path / "s.json") == found
    (tmp_path / "s.json").write_text("[1]")
    with pytest.raises(InvalidRecord):
        read_segments(tmp_path / "s.json")


def test_nobody_has_a_history() -> None:
    assert [segment.name for segment in make_segments([(), ()], encode, count=3)] == [""]
