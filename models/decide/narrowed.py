"""What is drawn from where a row has left some of a title's artworks, and the draw itself."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats
from keyart.models.decide.alike import Places

_NOTHING: Final = 1e-9
"""Less than this of a policy's distribution on what is left is rounding."""
_ONE: Final = 1.0 - 1e-12
_FEW: Final = 12
"""Of so many artworks all that may be left is kept in a table: of 12, 4,096 rows."""


class Narrowed(NamedTuple):
    """A page's policy, where artworks were left out.

    Parameters
    ----------
    own
        (T, K) of the policy; rows sum to one.
    best
        Returns (T, K) by which the best of what is left is found where `own` has nothing on it.
    """

    own: Floats
    best: Callable[[], Floats]

    def draw(self, at: int, left: Places, explored: bool, share: float, coin: float) -> int:
        """Return one of what a title has left, where the first draw was taken away.

        How far the coin fell within its side is independent of that.
        """
        places = _places(left)
        fell = coin / share if explored else (coin - share) / (1.0 - share)
        fell = min(fell, _ONE)
        if explored:
            return places[int(fell * len(places))]
        part = self.own[at].tolist()
        part = [part[place] for place in places]
        if (whole := sum(part)) <= _NOTHING:
            best = self.best()[at].tolist()
            best = [best[place] for place in places]
            part = [float(each == max(best)) for each in best]
            whole = sum(part)
        target = fell * (1.0 - _NOTHING) * whole
        for place, its in zip(places, part, strict=True):
            target -= its
            if target < 0.0:
                return place
        return places[-1]

    def shares(
        self, rows: NDArray[np.intp], lefts: Sequence[Places], share: float | Floats
    ) -> Floats:
        """Return (N, K) what is drawn from in these rows: the policy's on what is left.

        Where it has nothing on them, the best by index count.

        Parameters
        ----------
        rows, lefts
            (N,) titles, and what each has left.
        share
            Of exploration; one number, or (N, 1).
        """
        kept, ones = _kept(lefts, self.own.shape[1]), _ones(self.own.shape[1])
        part: Floats = self.own[rows] * kept
        whole = part.dot(ones)
        if min(whole.tolist()) <= _NOTHING:
            unsure = whole <= _NOTHING
            ranked = np.where(kept[unsure] > 0.0, self.best()[rows[unsure]], -np.inf)
            part[unsure] = ranked == ranked.max(axis=1, keepdims=True)
            whole = part.dot(ones)
        part *= (1.0 - share) / whole[:, None]
        kept *= share / kept.dot(ones)[:, None]
        part += kept
        return part


@lru_cache(maxsize=4096)
def _places(left: Places) -> tuple[int, ...]:
    return tuple([place for place in range(left.bit_length()) if left >> place & 1])


def _kept(lefts: Sequence[Places], count: int) -> NDArray[np.float64]:
    """Return (N, count) 1 for what is left, 0 for what is not."""
    if count <= _FEW:
        return _table(count).take(lefts, axis=0)
    return (np.array(lefts)[:, None] >> np.arange(count) & 1).astype(np.float64)


@lru_cache(maxsize=_FEW)
def _table(count: int) -> NDArray[np.float64]:
    every = np.arange(1 << count)[:, None]
    return np.asarray((every >> np.arange(count) & 1).astype(np.float64))


@lru_cache(maxsize=64)
def _ones(count: int) -> NDArray[np.float64]:
    return np.ones(count)
