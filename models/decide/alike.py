"""When two pictures are too alike by their attributes, as numbers that are found once a title.

Two are too alike when they share all attributes of one of the smallest sets that weigh more than
the slate allows. So a picture is a handful of numbers, one for each of its sets, and what stands on
a page is a set of such numbers; a title knows of each number which of its artworks have it.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.catalogue import StoredTitle

Codes = NDArray[np.int32]
Places = int
"""Some of a title's artworks: a bit for each, the first one the lowest."""

ROUNDING: Final = 1e-9
_FEW: Final = 15
"""Sets of up to four attributes; of more, how alike two are is reckoned when somebody asks."""


class TooMuch(NamedTuple):
    """Sets of attributes that are too much to share, and more of it.

    Parameters
    ----------
    levels
        (L,) of sets, the smallest that weigh more than the slate allows first, then the smallest of
        each greater weight that there is; the last is the greatest.
    whole
        Whether these are all levels, or the first alone.
    sets
        All of them, each once.
    """

    levels: tuple[tuple[tuple[int, ...], ...], ...]
    whole: bool
    sets: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=64)
def too_much(weights: tuple[float, ...], most: float) -> TooMuch:
    """Return when two pictures are too alike, by the weights of A attributes."""
    every = [
        (sum(1 << place for place in places), places, sum(weights[place] for place in places))
        for size in range(1, len(weights) + 1)
        for places in combinations(range(len(weights)), size)
    ]
    above = sorted({round(weight, 9) for _, _, weight in every if weight > most + ROUNDING})
    whole = len(every) <= _FEW
    levels = [
        _smallest([(bits, places) for bits, places, weight in every if weight >= least - ROUNDING])
        for least in (above if whole else above[:1])
    ]
    sets = tuple(dict.fromkeys(places for level in levels for places in level))
    return TooMuch(tuple(levels) or ((),), whole or len(above) < 2, sets)


def _smallest(every: list[tuple[int, tuple[int, ...]]]) -> tuple[tuple[int, ...], ...]:
    found: list[tuple[int, tuple[int, ...]]] = []
    for bits, places in every:
        if not any(each & bits == each for each, _ in found):
            found.append((bits, places))
    return tuple(places for _, places in found)


class Level(NamedTuple):
    """Of a title at one level of likeness: its numbers, and which artworks have each.

    `places` begins with the numbers that most artworks have.
    """

    keys: frozenset[int]
    places: dict[int, Places]

    def left(self, every: Places, met: set[int]) -> Places:
        """Return the artworks, of all, that have no number that was met."""
        left, places = every, self.places
        for key in self.keys & met:
            if not (left := left & ~places[key]):
                break
        return left

    def rest(self, every: Places, met: set[int]) -> Places:
        """Return the same as `left`, sooner where nearly all numbers were met."""
        left = every
        for key, its in self.places.items():
            if key in met and not (left := left & ~its):
                break
        return left


class Coded(NamedTuple):
    """A title's artworks as numbers.

    Parameters
    ----------
    stored
        What they are of.
    codes
        (K, A) the values of A attributes, as numbers from 1 on; 0 where it has none.
    every
        All of its artworks.
    keys
        (K,) what each has of the sets, as numbers.
    levels
        What they have of each level of `TooMuch`.
    """

    stored: StoredTitle | None
    codes: Codes
    every: Places
    keys: tuple[tuple[int, ...], ...]
    levels: tuple[Level, ...]


def coded(
    stored: StoredTitle | None,
    codes: Codes,
    too_much: TooMuch,
    number: Callable[[tuple[int, ...]], int],
) -> Coded:
    """Return a title's artworks as numbers; `number` gives the same one for the same values."""
    keys: list[list[int]] = [[] for _ in codes]
    masks: list[dict[int, Places]] = [{} for _ in too_much.levels]
    rows = codes.tolist()
    for places in too_much.sets:
        within = [at for at, level in enumerate(too_much.levels) if places in level]
        for at, row in enumerate(rows):
            values = tuple([row[place] for place in places])
            if not all(values):
                continue
            key = number(values)
            keys[at].append(key)
            for level in within:
                masks[level][key] = masks[level].get(key, 0) | 1 << at
    levels = tuple(
        Level(frozenset(each), dict(sorted(each.items(), key=lambda its: -its[1].bit_count())))
        for each in masks
    )
    return Coded(stored, codes, (1 << len(rows)) - 1, tuple(map(tuple, keys)), levels)
