"""A viewer's state, packed into one fixed-size record of less than 1 KB.

Vectors are in the leading `TASTE_DIMENSIONS` dimensions of the embedding space. The layout is a
numpy structured dtype, so that a batch of viewers is read and written without a loop.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord, UnknownVersion

TASTE_VERSION: Final = 1
TASTE_DIMENSIONS: Final = 64
INTERESTS: Final = 3
CONCEPTS: Final = 8
RECENT_EVENTS: Final = 16
NO_CONCEPT: Final = 0xFFFF

TASTE_DTYPE: Final = np.dtype(
    [
        ("version", "u1"),
        ("space", "S8"),
        ("last_event_ms", "<i8"),
        ("events", "<u4"),
        ("interests", "<f2", (INTERESTS, TASTE_DIMENSIONS)),
        ("interest_weights", "<f4", (INTERESTS,)),
        ("short", "<f2", (TASTE_DIMENSIONS,)),
        ("short_weight", "<f4"),
        ("negative", "<f2", (TASTE_DIMENSIONS,)),
        ("negative_weight", "<f4"),
        ("concepts", "<u2", (CONCEPTS,)),
        ("concept_weights", "<f2", (CONCEPTS,)),
        ("corrected", "?", (CONCEPTS,)),
        ("recent", "<u4", (RECENT_EVENTS,)),
    ]
)
"""One viewer.

interests: unit centroids of the long-term interests; interest_weights: their decayed mass (0: empty
slot). short, negative: unit directions of what was taken lately and of what was rejected, with
their decayed mass. concepts: indices into the vocabulary of named interests, with readable weights
in -1 to 1; `corrected` marks those that the viewer set. recent: hashes of the last event ids.
"""

TasteArray = NDArray[np.void]


def empty_tastes(count: int, space: str) -> TasteArray:
    """Return `count` blank tastes, shape (count,), of the given space identity (8 characters)."""
    tastes = np.zeros(count, TASTE_DTYPE)
    tastes["version"] = TASTE_VERSION
    tastes["space"] = space[:8].encode()
    tastes["concepts"] = NO_CONCEPT
    return tastes


def blank_taste(space: str) -> bytes:
    """Return the record of a taste that nothing has moved."""
    return empty_tastes(1, space).tobytes()


def idle_since(blob: bytes, since_ms: int) -> bool:
    """Return whether nothing has moved a stored taste since; of what is none, False."""
    if len(blob) != TASTE_DTYPE.itemsize:
        return False
    return 0 < int(np.frombuffer(blob, TASTE_DTYPE)["last_event_ms"][0]) < since_ms


def unpack_tastes(blobs: list[bytes | None], space: str) -> TasteArray:
    """Return the stored tastes, shape (len(blobs),); None and other spaces become blank ones.

    A taste of another space holds no usable vectors: it starts anew; `keyart replay` rebuilds it.

    Raises
    ------
    InvalidRecord
        A blob has the wrong size.
    UnknownVersion
        A blob was written by a newer keyart.
    """
    kept = [blob for blob in blobs if blob is not None]
    if not kept:
        return empty_tastes(len(blobs), space)
    if any(len(blob) != TASTE_DTYPE.itemsize for blob in kept):
        raise InvalidRecord(f"a taste record is {TASTE_DTYPE.itemsize} bytes")
    stored: TasteArray = np.frombuffer(bytearray().join(kept), TASTE_DTYPE)
    if max(stored["version"].tolist()) > TASTE_VERSION:
        raise UnknownVersion("a taste record was written by a newer keyart")
    same = stored["space"] == space[:8].encode()
    if len(kept) == len(blobs) and same.all():
        return stored
    tastes = empty_tastes(len(blobs), space)
    held = np.array([at for at, blob in enumerate(blobs) if blob is not None])
    tastes[held[same]] = stored[same]
    return tastes


def pack_tastes(tastes: TasteArray) -> list[bytes]:
    """Return one blob of `TASTE_DTYPE.itemsize` bytes for each taste."""
    size, whole = TASTE_DTYPE.itemsize, tastes.tobytes()
    return [whole[at : at + size] for at in range(0, len(whole), size)]
