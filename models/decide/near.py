"""Which artworks of a page are near to pictures that stand on it before them, by their vectors."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Indices
from keyart.models.decide.alike import Places
from keyart.models.decide.index import Arrays
from keyart.models.taste.features import F32

_SAME: Final = 1e-6
"""Cosines that differ by less are equal: vectors are of single precision."""
_SINGLE: Final = 24


def vectors_on(arrays: Arrays, pictures: Iterable[tuple[str, str]]) -> F32:
    """Return (F, D) vectors of pictures, by title and artwork; those that went are left out."""
    found = np.zeros((0, arrays.vectors.shape[1]), np.float32)
    rows = [
        place.offset + place.artworks.index(artwork)
        for title, artwork in pictures
        if (place := arrays.places.get(title)) is not None and artwork in place.artworks
    ]
    return arrays.vectors[rows] if rows else found


class Near:
    """The pictures of a row, met in turn: first those that are expected to be chosen are reckoned.

    All at once, which is faster by far than one by one; a row is reckoned anew where another
    artwork was chosen than the one that was expected.

    Parameters
    ----------
    vectors
        (K, T, D) of the artworks, of unit length, or zero, which is near to nothing.
    kept
        (F, D) of pictures that are on the page already.
    expected
        (T,) which artwork of each title will probably be chosen.
    bound
        The largest cosine that two may have, 0 to 1.
    """

    def __init__(self, vectors: F32, kept: F32, expected: Indices, bound: float) -> None:
        widest, count, size = vectors.shape
        self._vectors, self._flat = vectors, vectors.reshape(-1, size)
        self._expected, self._bound = expected.tolist(), bound + _SAME
        # exact: of up to 24 artworks in single precision, of 53 in double
        kind = np.float32 if widest <= _SINGLE else np.float64
        self._powers = (2.0 ** np.arange(widest)).astype(kind)
        rows = vectors[expected, np.arange(count)]
        self._cosine = (rows @ self._flat.T).reshape(count, widest, count)
        self._near = self._packed(self._cosine)
        self._before = np.full((widest, count), -1.0, np.float32)
        if len(kept):
            self._before = (kept @ self._flat.T).reshape(-1, widest, count).max(axis=0)
        self._kept = self._packed(self._before[None])[0]
        self._add_up()

    def of(self, at: int) -> Places:
        """Return the artworks of a title that are too near to what stands before it."""
        return self._met[at]

    def meet(self, at: int, place: int) -> None:
        """Have the artwork at `place` of title `at` stand on the page."""
        if place != self._expected[at]:
            row = self._flat @ self._vectors[place, at]
            self._cosine[at] = row.reshape(self._cosine.shape[1:])
            self._near[at] = self._packed(self._cosine[at, None])[0]
            self._add_up()

    def _add_up(self) -> None:
        """Work out of each title what is too near, while all before it are as expected."""
        met = self._kept.copy()
        met[1:] |= np.bitwise_or.accumulate(self._near, axis=0).diagonal(1)
        self._met: list[Places] = met.tolist()

    def least(self, at: int, among: Places) -> Places:
        """Return which of these artworks of a title are the least near to what was met."""
        most = np.maximum(self._before[:, at], self._cosine[:at, :, at].max(axis=0, initial=-1.0))
        its = {place: float(each) for place, each in enumerate(most) if among >> place & 1}
        limit = min(its.values()) + _SAME
        return sum(1 << place for place, each in its.items() if each <= limit)

    def _packed(self, cosine: F32) -> NDArray[np.int64]:
        """Return (N, T) bits from (N, K, T) cosines."""
        near = (cosine > self._bound).transpose(0, 2, 1).astype(self._powers.dtype)
        return np.asarray((near @ self._powers).astype(np.int64))
