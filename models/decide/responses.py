"""What is known of artworks' own responses, for all titles; and what decisions take from it."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.belief.responses import (
    BLOCKS,
    SPREADS,
    ResponseSums,
    coordinates,
    first_odds,
    learned_odds,
    respond,
    tell,
)
from keyart.models.decide.index import ServingIndex
from keyart.models.sums.responses import (
    CONTEXT_SHOWN,
    CONTEXT_TOLD,
    EXPECTED,
    SQUARES,
    TAKEN,
    TASTE_SHOWN,
    TASTE_TOLD,
    WIDTH,
    response_row,
    spread_of,
)
from keyart.models.taste.features import F32
from keyart.schemas.context import SIZE
from keyart.schemas.posterior import SharedSums, TitleSums

Array = NDArray[np.float64]

CHUNK: Final = 256
"""Titles that are worked out at once: each is padded to the widest of them."""
NOTICEABLE: Final = 0.01
"""A title whose artworks all respond by less, where a situation varies by 1, does not respond."""


class Responses:
    """The sums of every title that has any, and what was learned from all of them.

    Parameters
    ----------
    since
        Titles shown so often in their latest days (`models/sums/days`) are learned from; -1: none,
        and none is held.

    Attributes
    ----------
    often
        Those titles.
    """

    def __init__(self, since: int = 0) -> None:
        self._since = since
        self.often: set[str] = set()
        self._held: dict[str, F32] = {}
        self._artworks: dict[str, tuple[str, ...]] = {}
        self._odds: Array | None = None
        self._at = coordinates(np.zeros((SIZE, SIZE)))

    def hold(self, sums: TitleSums, artworks: Sequence[str]) -> None:
        """Take the sums of a title; `forget` what was held of it."""
        self.forget(sums.title)
        if self._since < 0:
            return
        if sum(sums.days.values()) >= self._since:
            self.often.add(sums.title)
        if not sums.responses:
            return
        rows = np.zeros((len(artworks), WIDTH), np.float32)
        for row, artwork in zip(rows, artworks, strict=True):
            if (its := sums.responses.get(artwork)) is not None:
                held = response_row(its)
                row[: len(held)] = held
        self._held[sums.title], self._artworks[sums.title] = rows, tuple(artworks)

    def forget(self, title: str) -> None:
        """Forget a title; one that is not there is no error."""
        self._held.pop(title, None)
        self._artworks.pop(title, None)
        self.often.discard(title)

    def take_situations(self, sums: Sequence[SharedSums]) -> None:
        """Take over how situations vary, of all lanes."""
        if self._since >= 0:
            self._at = coordinates(*spread_of(sums))

    def work_out(self, index: ServingIndex, changed: Iterable[str], *, together: bool) -> None:
        """Put into the index how the artworks of these titles respond; of all, when together."""
        if together:
            self._learn()
        titles = [title for title in (self._held if together else changed) if title in self._held]
        odds = self._odds if self._odds is not None else first_odds()
        for some in _chunks(titles):
            found = respond(tell(self._padded(some), self._at), odds, self._at)
            for title, rows in zip(some, found, strict=True):
                artworks = self._artworks[title]
                its = rows[: len(artworks)]
                size = np.sqrt(((its * self._at.scale) ** 2).sum(axis=1)).max()
                put_responses(index, title, artworks, its if size >= NOTICEABLE else None)

    def _learn(self) -> None:
        """Learn from all titles how often they have which spread."""
        told = [tell(self._padded(some), self._at).evidence for some in _chunks(list(self._held))]
        nothing = np.zeros((len(BLOCKS), 0, len(SPREADS)))
        self._odds = learned_odds(np.concatenate([nothing, *told], axis=1), self._odds)

    def _padded(self, titles: Sequence[str]) -> ResponseSums:
        widest = max(len(self._held[title]) for title in titles)
        table = np.zeros((len(titles), widest, WIDTH))
        for at, title in enumerate(titles):
            rows = self._held[title]
            table[at, : len(rows)] = rows
        return ResponseSums(
            taken=table[:, :, TAKEN],
            expected=table[:, :, EXPECTED],
            squares=table[:, :, SQUARES],
            shown=np.concatenate((table[:, :, TASTE_SHOWN], table[:, :, CONTEXT_SHOWN]), axis=2),
            told=np.concatenate((table[:, :, TASTE_TOLD], table[:, :, CONTEXT_TOLD]), axis=2),
        )


def _chunks(titles: Sequence[str]) -> list[Sequence[str]]:
    return [titles[at : at + CHUNK] for at in range(0, len(titles), CHUNK)]


def put_responses(
    index: ServingIndex,
    title: str,
    artworks: Sequence[str],
    rows: NDArray[np.floating] | None,
) -> None:
    """Let a title's artworks respond so from now on, (len(artworks), SIZE); None for not at all.

    A title that is not in the index is ignored, and so are artworks that it no longer has.
    """
    arrays = index.arrays
    place = arrays.places.get(title)
    if place is None or (rows is None and arrays.responses is None):
        return
    if arrays.responses is None:
        arrays.responses = np.zeros((len(arrays.vectors), SIZE), np.float32)
    its = np.zeros((place.size, SIZE), np.float32)
    for artwork, row in zip(artworks, () if rows is None else rows, strict=rows is not None):
        if artwork in place.artworks:
            its[place.artworks.index(artwork)] = row
    arrays.responses[place.offset : place.offset + place.size] = its
