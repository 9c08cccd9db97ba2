"""What an embedding space is, whatever computes it."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

MAX_CHARACTERS: Final = 2_000
"""What is read of a text; the rest is not. About 400 words."""

VOCABULARY: Final = Path(__file__).with_name("concepts.txt")


@runtime_checkable
class Space(Protocol):
    """An embedding space: its identity, its width, and the way from text to vector.

    `identity` is 16 hex digits over everything that can change a vector: weights, tokeniser,
    settings, and the vocabulary of named interests. Vectors of two identities are never mixed.
    """

    @property
    def identity(self) -> str:
        """The digest that names this space."""
        ...

    @property
    def dimensions(self) -> int:
        """The width D of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return the texts' vectors, shape (N, D), float32, of unit length.

        A text in which nothing is known (an empty one) is the zero vector: it resembles nothing.
        A text's vector does not depend on the texts encoded with it, up to rounding.
        """
        ...


def identity_of(settings: str, files: Iterable[Path]) -> str:
    """Return a space's identity: BLAKE2b, 64 bits, of its settings, files and the vocabulary."""
    digest = hashlib.blake2b(settings.encode(), digest_size=8)
    for path in (*files, VOCABULARY):
        content = path.read_bytes()
        digest.update(f"\x00{path.name}\x00{len(content)}\x00".encode())
        digest.update(content)
    return digest.hexdigest()


def unit_rows(vectors: NDArray[Any]) -> FloatArray:
    """Return the rows scaled to length 1, as float32; rows of zeros stay zeros. Shape (..., D)."""
    wide = np.asarray(vectors, np.float64)
    lengths = np.sqrt(np.einsum("...d,...d->...", wide, wide))[..., None]
    unit: FloatArray = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0).astype(
        np.float32
    )
    return unit


def cut(texts: Sequence[str]) -> list[str]:
    """Return the texts, each bounded to `MAX_CHARACTERS`."""
    return [text[:MAX_CHARACTERS] for text in texts]
