"""Attributes as numbers, kept from page to page for as long as a title stays as it is."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from keyart.models.decide.slate import Codes, Slating
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.slates import Slate

MAX_CELLS: Final = 4_000_000
"""What is kept, in numbers; beyond it all is forgotten, and found again as it is asked for."""
_ENTRY: Final = 32
"""What a title's numbers take beside themselves, in numbers."""


class Coding:
    """Numbers the values of attributes, from 1 on; a number is of one attribute and one value.

    Titles are frozen: as long as the catalogue holds the same one, its numbers stand.
    """

    def __init__(self, *, most: int = MAX_CELLS) -> None:
        self._most, self._cells = most, 0
        self._numbers: dict[tuple[str, str], int] = {}
        self._held: dict[tuple[str, ...], dict[tuple[str, tuple[str, ...]], _Coded]] = {}

    def slating(
        self,
        slate: Slate,
        known: Mapping[str, StoredTitle],
        asked: Sequence[tuple[str, tuple[str, ...]]],
        kept: Sequence[tuple[str, str]],
    ) -> Slating:
        """Return a slate as arrays.

        Parameters
        ----------
        known
            The catalogue; what is not in it has no attributes.
        asked
            (T,) titles, and the artworks of each in the order of the policy's page.
        kept
            (F,) title and artwork of the pictures that are on the page already.
        """
        if self._cells > self._most:  # never within a page: its numbers are compared
            self._cells = 0
            self._numbers.clear()
            self._held.clear()
        names = tuple(slate.alike)
        held = self._held.setdefault(names, {})
        rows = [self._coded(held, names, known, *each) for each in asked]
        before = [self._coded(held, names, known, title, (artwork,)) for title, artwork in kept]
        nothing = np.zeros((0, len(names)), np.int32)
        lengths = list(map(len, rows))
        width = max(lengths)
        codes = np.concatenate(rows)
        if min(lengths) < width:
            there = np.arange(width) < np.array(lengths)[:, None]
            padded = np.zeros((len(rows), width, len(names)), np.int32)
            padded[there] = codes
            codes = padded
        shape = len(rows), width, len(names)
        return Slating(slate, codes.reshape(shape), np.concatenate((nothing, *before)))

    def _coded(
        self,
        held: "dict[tuple[str, tuple[str, ...]], _Coded]",
        names: tuple[str, ...],
        known: Mapping[str, StoredTitle],
        title: str,
        artworks: tuple[str, ...],
    ) -> Codes:
        stored = known.get(title)
        found = held.get((title, artworks))
        if found is not None and found[0] is stored:
            return found[1]
        its = {} if stored is None else {each.id: each.attributes for each in stored.choosable}
        codes = np.array(
            [[self._number(name, its.get(each, {})) for name in names] for each in artworks],
            np.int32,
        )
        held[title, artworks] = stored, codes
        self._cells += codes.size + _ENTRY
        return codes

    def _number(self, name: str, attributes: Mapping[str, str]) -> int:
        if not (value := attributes.get(name)):
            return 0
        return self._numbers.setdefault((name, value), len(self._numbers) + 1)


_Coded = tuple[StoredTitle | None, Codes]
