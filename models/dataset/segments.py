"""Taste segments: viewers whose histories read alike, and what a segment's history is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from keyart.models.artifacts.whole import write_whole
from keyart.models.dataset.examples import Entry
from keyart.schemas.errors import InvalidRecord, SettingsError

EVERYBODY: Final = ""
Floats = NDArray[np.float64]
Encode = Callable[[Sequence[str]], NDArray[np.floating]]


class Segment(Struct, frozen=True, kw_only=True):
    """One segment: its name, how many viewers it has, the history that stands for it, its centre.

    `history` are what its viewers enjoyed that lies nearest to the centre. `centre` is a unit
    vector in the space with identity `space`; everybody ("") has none.
    """

    name: str
    viewers: int
    history: tuple[Entry, ...] = ()
    centre: tuple[float, ...] = ()
    space: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """k-means on unit vectors: `centres` (K, D), `labels` (N,), mean cosine to the own centre."""

    centres: Floats
    labels: NDArray[np.intp]
    cosine: float


def cluster(vectors: Floats, count: int, *, seed: int = 0, rounds: int = 50) -> Clusters:
    """Return spherical k-means (Dhillon and Modha 2001) from k-means++ starts.

    Parameters
    ----------
    vectors
        (N, D) unit rows.
    count
        K, at least 1; fewer when there are fewer vectors.
    seed
        Of the starts.
    rounds
        At most.
    """
    if count < 1 or not len(vectors):
        raise SettingsError("at least one segment, of at least one viewer")
    rng = np.random.default_rng(seed)
    centres = _starts(vectors, min(count, len(vectors)), rng)
    labels = np.zeros(len(vectors), np.intp)
    for turn in range(rounds):
        similar = vectors @ centres.T
        found = similar.argmax(axis=1)
        if turn and (found == labels).all():
            break
        labels = found
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, vectors)
        empty = np.bincount(labels, minlength=len(centres)) == 0
        if empty.any():
            # An empty cluster starts again from the vectors that fit their own centres worst.
            worst = np.argsort(similar.max(axis=1))[: int(empty.sum())]
            sums[empty] = vectors[worst]
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.divide(sums, lengths, out=centres.copy(), where=lengths > 0)
    cosine = float((vectors * centres[labels]).sum(axis=1).mean())
    return Clusters(centres=centres, labels=labels, cosine=cosine)


def _starts(vectors: Floats, count: int, rng: np.random.Generator) -> Floats:
    chosen = [int(rng.integers(len(vectors)))]
    distance = 1 - vectors @ vectors[chosen[0]]
    for _ in range(1, count):
        weight = np.maximum(distance, 0)
        total = weight.sum()
        pick = int(rng.choice(len(vectors), p=weight / total if total > 0 else None))
        chosen.append(pick)
        distance = np.minimum(distance, 1 - vectors @ vectors[pick])
    return vectors[chosen].copy()


def make_segments(
    histories: Sequence[Sequence[Entry]],
    encode: Encode,
    *,
    count: int,
    entries: int = 8,
    space: str = "",
    seed: int = 0,
) -> list[Segment]:
    """Return everybody and `count` segments of the viewers with these histories.

    A viewer is the mean of the vectors of what they enjoyed; a segment's history is made of its
    viewers' entries nearest to its centre, one a title.
    """
    held = [history for history in histories if history]
    segments = [Segment(name=EVERYBODY, viewers=len(histories))]
    if not held or not count:
        return segments
    texts = sorted({f"{entry.title}: {entry.description}" for each in held for entry in each})
    vectors = dict(zip(texts, np.asarray(encode(texts), np.float64), strict=True))
    means = np.stack(
        [
            np.mean([vectors[f"{entry.title}: {entry.description}"] for entry in each], axis=0)
            for each in held
        ]
    )
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means = np.divide(means, lengths, out=np.zeros_like(means), where=lengths > 0)
    found = cluster(means, count, seed=seed)
    for at, centre in enumerate(found.centres):
        members = [held[row] for row in np.flatnonzero(found.labels == at)]
        own = {
            entry: vectors[f"{entry.title}: {entry.description}"] for m in members for entry in m
        }
        nearest = sorted(own, key=lambda entry: float(-(own[entry] @ centre)))
        segments.append(
            Segment(
                name=f"s{at}",
                viewers=len(members),
                history=_one_a_title(nearest, entries),
                centre=tuple(centre.tolist()),
                space=space,
            )
        )
    return segments


def _one_a_title(entries: Sequence[Entry], most: int) -> tuple[Entry, ...]:
    kept: dict[str, Entry] = {}
    for entry in entries:
        kept.setdefault(entry.title, entry)
    return tuple(kept.values())[:most]


def nearest_segment(history: Sequence[Entry], segments: Sequence[Segment], encode: Encode) -> str:
    """Return the name of the segment whose centre is nearest; everybody's for no history."""
    placed = [segment for segment in segments if segment.centre]
    if not history or not placed:
        return EVERYBODY
    texts = [f"{entry.title}: {entry.description}" for entry in history]
    mean = np.asarray(encode(texts), np.float64).mean(axis=0)
    centres = np.array([segment.centre for segment in placed])
    return placed[int((centres @ mean).argmax())].name


def write_segments(path: Path, segments: Sequence[Segment]) -> None:
    """Write the segments as JSON."""
    write_whole(path, msgspec.json.encode(list(segments)))


def read_segments(path: Path) -> list[Segment]:
    """Return the segments of a file.

    Raises
    ------
    InvalidRecord
        It holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Segment])
    except msgspec.DecodeError as wrong:
        raise InvalidRecord(f"{path.name}: {wrong}") from None
