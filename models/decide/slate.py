"""A row without two alike: titles in turn, each from what those before it left.

A title's candidates are its artworks that are not more alike than the slate allows to any picture
of the row before it: those that are kept, and those chosen, in the order of the request. What is
drawn from is, of these, the policy's distribution on them; where the policy has nothing on them
(one that knows just one best), the one of the highest index. So propensities are exact given the
choices before, which are known when it is drawn and stand on the same page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats, Indices, Mask
from keyart.schemas.slates import Slate

_NOTHING: Final = 1e-9
"""Less than this of a policy's distribution on what is left is rounding."""
_ABSENT: Final = -1
_LARGEST: Final = 2**54
"""Keys stay below it, so that they can be told apart for each of up to 2^8 sets."""
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Slating:
    """A slate as arrays, for T titles of up to K artworks.

    Parameters
    ----------
    slate
        As it was asked for.
    codes
        (T, K, A) the values of A attributes, as numbers from 1 on; 0 where it has none.
    kept
        (F, A) the same of pictures that are on the page already.
    """

    slate: Slate
    codes: Codes
    kept: Codes


class InTurn(NamedTuple):
    """(T, K) propensities given the choices before; (T,) choices, explored, and all too alike."""

    propensities: Floats
    chosen: Indices
    explored: NDArray[np.bool_]
    alike: NDArray[np.bool_]


def in_turn(
    slating: Slating,
    free: InTurn,
    own: Floats,
    index: Floats,
    mask: Mask,
    *,
    explore_share: float,
    draws: tuple[Floats, Floats],
    held: NDArray[np.bool_],
) -> InTurn:
    """Return the choices of a row, one title after the other.

    Parameters
    ----------
    free
        What was decided with the same draws without a slate: it holds where nothing is alike.
    own
        (T, K) of the policy; rows sum to one.
    index
        (T, K) by which the best of what is left is found where `own` has nothing on it.
    mask
        (T, K) candidates; at least one of each title.
    explore_share
        0 to 1, of each title; with `explore_once` of the whole row, at a place drawn evenly: after
        t places of T without exploration it is explored with e / (T - e t), after one never again.
    draws
        Two of (T,), independent, in [0, 1): of the choice, and whether it is explored.
    held
        (T,) titles that stay as decided: rules of the site say their shares.
    """
    count, width = mask.shape
    once = slating.slate.explore_once
    weights, limit = tuple(slating.slate.alike.values()), slating.slate.most + _NOTHING
    too_much = _too_much(weights, limit)
    if not (too_much.sets or once):
        return free
    keys, before = _keys(slating, mask, too_much.sets)
    size, met = len(too_much.sets), set(before)
    likeness = _Likeness(slating, weights)
    # lists from here: of ten artworks each, numpy is the slower
    rows, owns, sizes = keys.tolist(), own.tolist(), mask.sum(axis=1).tolist()
    stays, uniform, coin = held.tolist(), draws[0].tolist(), draws[1].tolist()
    chosen, explored = free.chosen.tolist(), free.explored.tolist()
    alike, told = [False] * count, False
    moved, spots, shares, unsure = list[int](), list[int](), list[float](), list[bool]()
    for at, row in enumerate(rows):
        met.discard(_ABSENT)
        if not stays[at] and (once or not met.isdisjoint(row)):
            every = range(sizes[at])
            if size == 1:
                left = [place for place in every if row[place] not in met]
            else:
                left = [
                    place
                    for place in every
                    if met.isdisjoint(row[place * size : place * size + size])
                ]
            if not left:
                alike[at] = True
                left = list(every) if too_much.levels == 1 else likeness.least(at, sizes[at])
            share = explore_share
            if once:
                share = 0.0 if told else explore_share / (count - explore_share * at)
            line = owns[at]
            part = [line[place] for place in left]
            if nothing := (whole := sum(part)) <= _NOTHING:
                best = [float(index[at, place]) for place in left]
                part = [float(each == max(best)) for each in best]
                whole = sum(part)
            explored[at] = coin[at] < share
            told = told or explored[at]
            if explored[at]:
                place = left[int(uniform[at] * len(left))]
            else:
                target, place = uniform[at] * (1.0 - _NOTHING) * whole, left[-1]
                for each, its in zip(left, part, strict=True):
                    target -= its
                    if target < 0.0:
                        place = each
                        break
            chosen[at] = place
            moved.append(at)
            spots += [at * width + each for each in left]
            shares.append(share)
            unsure.append(nothing)
        place = chosen[at]
        met.update(row[place * size : place * size + size])
        likeness.pictures.append((at, place))
    propensities = free.propensities
    if moved:
        kept = np.zeros(count * width, np.bool_)
        kept[spots] = True
        kept = kept.reshape(count, width)[moved]
        propensities = propensities.copy()
        propensities[moved] = _mixed(own[moved], index[moved], kept, shares, unsure)
    return InTurn(propensities, np.array(chosen, np.intp), np.array(explored), np.array(alike))


def _mixed(
    own: Floats, index: Floats, kept: Mask, shares: Sequence[float], unsure: Sequence[bool]
) -> Floats:
    """Return (N, K) what is drawn from where `kept` (N, K) are left, with (N,) shares explored.

    `unsure` (N,) says where the policy has nothing on them, so that the best by index count.
    """
    part: Floats = np.where(kept, own, 0.0).astype(np.float64)
    if any(unsure):
        ranked = np.where(kept, index, -np.inf)[unsure]
        part[unsure] = ranked == ranked.max(axis=1, keepdims=True)
    share = np.array(shares)[:, None]
    part *= (1.0 - share) / part.sum(axis=1, keepdims=True)
    part += kept * (share / kept.sum(axis=1, keepdims=True))
    return part


class _TooMuch(NamedTuple):
    """When two pictures are too alike: when they share all attributes of one of `sets`.

    The sets are the smallest that weigh more than the slate allows. `levels` counts how different
    likenesses above that can be.
    """

    sets: tuple[tuple[int, ...], ...]
    levels: int


@lru_cache(maxsize=64)
def _too_much(weights: tuple[float, ...], limit: float) -> _TooMuch:
    found, levels = list[tuple[int, ...]](), set[float]()
    for size in range(1, len(weights) + 1):
        for places in combinations(range(len(weights)), size):
            if (weight := sum(weights[place] for place in places)) <= limit:
                continue
            levels.add(round(weight, 9))
            if not any(set(each) <= set(places) for each in found):
                found.append(places)
    return _TooMuch(tuple(found), len(levels))


def _keys(
    slating: Slating, mask: Mask, sets: Sequence[tuple[int, ...]]
) -> tuple[NDArray[np.int64], list[int]]:
    """Return (T, K x S) numbers, equal where two share all attributes of a set, and those kept.

    `_ABSENT` where one of the attributes is missing, and where there is no candidate.
    """
    (count, width), size = mask.shape, len(sets)
    every = slating.codes.reshape(count * width, -1)
    if len(slating.kept):
        every = np.concatenate((every, slating.kept))
    columns = every.T.astype(np.int64)
    found = np.empty((len(every), size), np.int64)
    for at, places in enumerate(sets):
        key, there = columns[places[0]], columns[places[0]] > 0
        for place in places[1:]:
            there = there & (columns[place] > 0)
            most = int(columns[place].max()) + 1
            if int(key.max()) * most > _LARGEST:
                key = np.unique(key, return_inverse=True)[1].reshape(-1)
            key = key * most + columns[place]
        found[:, at] = np.where(there, key * size + at, _ABSENT)
    own = found[: count * width].reshape(count, width, size)
    own[~mask] = _ABSENT
    return own.reshape(count, width * size), found[count * width :].ravel().tolist()


class _Likeness:
    """How alike each artwork is to the pictures before, reckoned when somebody asks."""

    def __init__(self, slating: Slating, weights: Sequence[float]) -> None:
        self.pictures: list[tuple[int, int]] = []
        self._codes, self._weights = slating.codes, weights
        self._kept = slating.kept.tolist()
        self._most: Floats | None = None
        self._met = set[tuple[int, ...]]()
        self._shared: dict[tuple[int, int], Floats] = {}

    def least(self, at: int, size: int) -> list[int]:
        """Return which of a title's first `size` artworks are the least alike."""
        count, width, kinds = self._codes.shape
        if self._most is None:
            self._most = np.zeros(count * width)
            self._columns = np.ascontiguousarray(self._codes.reshape(-1, kinds).T)
        for picture in (*self._kept, *(self._codes[each].tolist() for each in self.pictures)):
            if (its := tuple(picture)) not in self._met:
                self._met.add(its)
                self._meet(its, self._most)
        self._kept, self.pictures = [], []
        its = self._most[at * width : at * width + size].tolist()
        limit = min(its) + _NOTHING
        return [place for place in range(size) if its[place] <= limit]

    def _meet(self, picture: Sequence[int], most: Floats) -> None:
        shared = [self._of(kind, code) for kind, code in enumerate(picture) if code]
        if shared:
            np.maximum(most, sum(shared[1:], start=shared[0]), out=most)

    def _of(self, kind: int, code: int) -> Floats:
        if (found := self._shared.get((kind, code))) is None:
            found = (self._columns[kind] == code) * self._weights[kind]
            self._shared[kind, code] = found
        return found
