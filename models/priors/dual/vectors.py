"""What the two sides are given: the viewer as a taste, the artwork as its words."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.examples import Entry, Example
from keyart.models.taste.features import TasteVectors
from keyart.schemas.taste import TASTE_DIMENSIONS

Floats = NDArray[np.float32]
Encode = Callable[[Sequence[str]], NDArray[np.floating]]

VIEWER_WIDTH: Final = 2 * TASTE_DIMENSIONS + 1
"""Long-term direction, short-term direction, and whether anything is known (0 or 1)."""


def viewer_of_history(history: Sequence[Entry], vectors: dict[str, Floats]) -> Floats:
    """Return a viewer, (VIEWER_WIDTH,), from what they enjoyed, the most recent first.

    The long-term side is the mean direction of all entries, the short-term side that of the two
    most recent, in the space's leading `TASTE_DIMENSIONS`: what a taste record keeps.
    """
    found = np.zeros(VIEWER_WIDTH, np.float32)
    rows = [vectors[entry.description][:TASTE_DIMENSIONS] for entry in history]
    if rows:
        found[:TASTE_DIMENSIONS] = _unit(np.sum(rows, axis=0))
        found[TASTE_DIMENSIONS : 2 * TASTE_DIMENSIONS] = _unit(np.sum(rows[:2], axis=0))
        found[-1] = 1.0
    return found


def viewer_of_taste(taste: TasteVectors) -> Floats:
    """Return a viewer, (VIEWER_WIDTH,), from a taste as requests read it: what the history says."""
    sides = _unit(taste.directions[:2])
    known = np.full(1, taste.directions[0].any(), np.float32)
    return np.concatenate([sides[0], sides[1], known])


def texts_of(examples: Sequence[Example]) -> list[str]:
    """Return every text that the two sides read, once each."""
    found = {option.description for example in examples for option in example.options}
    found |= {entry.description for example in examples for entry in example.history}
    return sorted(found)


def encode_all(texts: Sequence[str], encode: Encode, *, block: int = 4096) -> dict[str, Floats]:
    """Return each text's vector, encoded block by block."""
    found: dict[str, Floats] = {}
    for start in range(0, len(texts), block):
        part = list(texts[start : start + block])
        found.update(zip(part, np.asarray(encode(part), np.float32), strict=True))
    return found


def _unit(rows: NDArray[np.floating]) -> Floats:
    wide = np.asarray(rows, np.float32)
    lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    unit: Floats = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    return unit
