"""Attributes as numbers, kept from page to page for as long as a title stays as it is."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from keyart.models.decide.alike import Coded, TooMuch, coded, too_much
from keyart.models.decide.slate import NO_VECTORS, Slating
from keyart.models.taste.features import F32
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.slates import Slate

MAX_CELLS: Final = 500_000
"""What is kept, in numbers of some hundred bytes at most; beyond it all is forgotten, and found
again as it is asked for."""
_ENTRY: Final = 16
"""What a title's numbers take beside themselves, in numbers."""


class _Held(NamedTuple):
    """Titles as numbers: all, by title and candidates; and of each title those asked for last."""

    every: dict[tuple[str, tuple[str, ...]], Coded]
    last: dict[str, tuple[tuple[str, ...], Coded]]


_NOBODY: Final[tuple[tuple[str, ...], None]] = (), None


class Coding:
    """Numbers the values of attributes, and of sets of them, from 1 on.

    Titles are frozen: as long as the catalogue holds the same one, its numbers stand.
    """

    def __init__(self, *, most: int = MAX_CELLS) -> None:
        self._most, self._cells = most, 0
        self._numbers: dict[tuple[str | int, ...], int] = {}
        self._held: dict[tuple[tuple[str, ...], TooMuch], _Held] = {}

    def slating(
        self,
        slate: Slate,
        known: Mapping[str, StoredTitle],
        asked: Sequence[tuple[str, tuple[str, ...]]],
        kept: Sequence[tuple[str, str]],
        vectors: F32 = NO_VECTORS,
    ) -> Slating:
        """Return a slate as numbers.

        Parameters
        ----------
        known
            The catalogue; what is not in it has no attributes.
        asked
            (T,) titles, and the artworks of each in the order of the policy's page.
        kept
            (F,) title and artwork of the pictures that are on the page already.
        vectors
            (F, D) theirs, where the slate bounds their cosine.
        """
        if self._cells > self._most:  # never within a page: its numbers are compared
            self._cells = 0
            self._numbers.clear()
            self._held.clear()
        names = tuple(slate.alike)
        kind = names, too_much(tuple(slate.alike.values()), slate.most)
        if (held := self._held.get(kind)) is None:
            held = self._held[kind] = _Held({}, {})
        titles, last = [], held.last.get
        for title, artworks in asked:
            # mostly the very same tuple: nothing of it is compared or hashed
            its, found = last(title, _NOBODY)
            if its is not artworks or found is None or found.stored is not known.get(title):
                found = self._coded(held, kind, known, (title, artworks))
                held.last[title] = artworks, found
            titles.append(found)
        if not kept:
            return Slating(slate, titles, np.zeros((0, len(names)), np.int32), frozenset(), vectors)
        before = [self._coded(held, kind, known, (title, (artwork,))) for title, artwork in kept]
        return Slating(
            slate,
            titles,
            np.concatenate([its.codes for its in before]),
            frozenset(key for its in before for key in its.keys[0]),
            vectors,
        )

    def _coded(
        self,
        held: _Held,
        kind: tuple[tuple[str, ...], TooMuch],
        known: Mapping[str, StoredTitle],
        key: tuple[str, tuple[str, ...]],
    ) -> Coded:
        (title, artworks), (names, sets) = key, kind
        stored = known.get(title)
        if (found := held.every.get(key)) is not None and found.stored is stored:
            return found
        its = {} if stored is None else {each.id: each.attributes for each in stored.choosable}
        codes = np.array(
            [[self._value(name, its.get(each, {})) for name in names] for each in artworks],
            np.int32,
        ).reshape(len(artworks), len(names))
        held.every[key] = found = coded(stored, codes, sets, self._number)
        self._cells += codes.size + _ENTRY + len(artworks)
        self._cells += sum(map(len, found.keys)) + sum(len(its.keys) for its in found.levels)
        return found

    def _value(self, name: str, attributes: Mapping[str, str]) -> int:
        return self._number((name, value)) if (value := attributes.get(name)) else 0

    def _number(self, of: tuple[str | int, ...]) -> int:
        return self._numbers.setdefault(of, len(self._numbers) + 1)
