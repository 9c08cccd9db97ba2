"""Named interests: what lets a person read a vector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.protocol import VOCABULARY, FloatArray, Space, unit_rows
from keyart.schemas.errors import NotFound, SpaceMismatch

_CHUNK = 4096


def read_vocabulary(path: Path = VOCABULARY) -> list[tuple[str, str]]:
    """Return (name, words that say what it covers) of every interest, in the file's order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip() and not line.startswith("#"))
    return [(name.strip(), words.strip()) for name, _, words in pairs]


class Concepts:
    """The vocabulary of named interests, placed in one space.

    Parameters
    ----------
    space
        Where the interests are placed; its identity covers the vocabulary too.

    Attributes
    ----------
    names
        C names, by index.
    vectors
        Shape (C, D), float32, unit rows.
    """

    def __init__(self, space: Space) -> None:
        pairs = read_vocabulary()
        self.space = space.identity
        self.names = tuple(name for name, _ in pairs)
        self.vectors = space.encode([f"{name}: {words}" for name, words in pairs])
        self._by_name = {name: at for at, name in enumerate(self.names)}
        self._leading: dict[int, FloatArray] = {self.vectors.shape[1]: self.vectors}

    def index(self, name: str) -> int:
        """Return the interest's index.

        Raises
        ------
        NotFound
            No interest has that name.
        """
        if name not in self._by_name:
            raise NotFound(f"no interest is called {name!r}")
        return self._by_name[name]

    def leading(self, dimensions: int) -> FloatArray:
        """Return the interests in the space's leading dimensions, (C, dimensions), unit rows.

        Raises
        ------
        SpaceMismatch
            The space has fewer dimensions.
        """
        if dimensions > self.vectors.shape[1]:
            raise SpaceMismatch(f"{dimensions} dimensions of a space of {self.vectors.shape[1]}")
        if dimensions not in self._leading:
            self._leading[dimensions] = unit_rows(self.vectors[:, :dimensions])
        return self._leading[dimensions]

    def nearest_many(
        self, vectors: NDArray[np.floating], n: int
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """Return, for each vector, the n most similar interests, best first.

        Parameters
        ----------
        vectors
            Shape (N, d): unit vectors in the space, or in its d leading dimensions.
        n
            From 1 to C.

        Returns
        -------
        indices, similarities
            Both (N, n); a similarity is a cosine in -1 to 1. Ties go to the lower index.
        """
        best = np.empty((len(vectors), n), np.intp)
        closeness = np.empty((len(vectors), n), np.float32)
        named = self.leading(vectors.shape[-1]).T
        for first in range(0, len(vectors), _CHUNK):
            of = slice(first, first + _CHUNK)
            similar = np.asarray(vectors[of], np.float32) @ named  # (chunk, C)
            rows = np.arange(len(similar))
            # n passes for the largest, lowest index first, are cheaper than to sort all C
            for place in range(n):
                best[of, place] = at = similar.argmax(axis=1)
                closeness[of, place] = similar[rows, at]
                similar[rows, at] = -np.inf
        return best, closeness

    def nearest(
        self, vector: NDArray[np.floating] | Sequence[float], n: int
    ) -> list[tuple[str, float]]:
        """Return the n interests most similar to a vector, (d,), with their cosines, best first."""
        best, similar = self.nearest_many(np.asarray(vector, np.float32)[None], n)
        return [
            (self.names[at], float(value)) for at, value in zip(best[0], similar[0], strict=True)
        ]
