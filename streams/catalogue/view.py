"""The catalogue as the steps read it: vectors of every artwork, as they were at any time."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.space import Concepts, Space
from keyart.models.space.protocol import unit_rows
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.taste import TASTE_DIMENSIONS

NOW = 2**53
"""Later than any description: asks for the one in force."""
NAMED = 3
"""How many named concepts stand for an artwork."""
_CHUNK = 4096


class Known(NamedTuple):
    """An artwork's rows, the times in ms since when each holds, and its image reference."""

    since: tuple[int, ...]
    rows: tuple[int, ...]
    image: str


class CatalogueView:
    """All titles, with a row of vectors for each artwork's every description.

    Attributes
    ----------
    vectors
        Shape (rows, D) in the whole space, unit.
    taste_vectors
        Shape (rows, TASTE_DIMENSIONS): the leading dimensions, unit.
    concepts, closeness
        Shape (rows, NAMED): the nearest named concepts and their cosines, to 3 decimals, so that
        they do not depend on how many texts were encoded together.
    """

    def __init__(self, space: Space, concepts: Concepts) -> None:
        self.space = space
        self.names = concepts
        self.titles: dict[str, StoredTitle] = {}
        self.vectors = np.zeros((0, space.dimensions), np.float32)
        self.taste_vectors = np.zeros((0, TASTE_DIMENSIONS), np.float32)
        self.concepts = np.zeros((0, NAMED), np.uint16)
        self.closeness = np.zeros((0, NAMED), np.float32)
        self._rows: dict[str, int] = {}
        self._texts: list[str] = []
        self._artworks: dict[tuple[str, str], Known] = {}
        self._titles: dict[str, int] = {}

    def put(self, titles: Iterable[StoredTitle]) -> None:
        """Add or replace titles; texts that are new get their vectors."""
        titles = list(titles)
        wanted = {
            text
            for title in titles
            for text in (title.name, *(d.description for a in title.artworks for d in a.history))
        }
        self._embed(sorted(wanted - self._rows.keys()))
        for title in titles:
            self.titles[title.id] = title
            self._titles[title.id] = self._rows[title.name]
            for kept in title.artworks:
                self._artworks[title.id, kept.artwork.id] = Known(
                    since=tuple([described.since_ms for described in kept.history]),
                    rows=tuple([self._rows[described.description] for described in kept.history]),
                    image=kept.artwork.image,
                )

    def _embed(self, texts: list[str]) -> None:
        if not texts:
            return
        first = len(self.vectors)
        vectors = [self.vectors]
        leading = [self.taste_vectors]
        for at in range(0, len(texts), _CHUNK):
            vectors.append(self.space.encode(texts[at : at + _CHUNK]))
            leading.append(unit_rows(vectors[-1][:, :TASTE_DIMENSIONS]))
        self.vectors = np.concatenate(vectors)
        self.taste_vectors = np.concatenate(leading)
        concepts, closeness = self.names.nearest_many(self.taste_vectors[first:], NAMED)
        self.concepts = np.concatenate([self.concepts, concepts.astype(np.uint16)])
        self.closeness = np.concatenate([self.closeness, np.round(closeness, 3)])
        self._rows.update({text: first + at for at, text in enumerate(texts)})
        self._texts += texts

    def row(self, title: str, artwork: str | None, at_ms: int) -> int | None:
        """Return the row in force at that time; the title's name for no artwork; None if unknown.

        `at_ms` is when the log took the event in. A description holds from the moment it was put,
        and nothing is known before the first, so a replay reads an event as live did.
        """
        if artwork is None:
            return self._titles.get(title)
        if (known := self._artworks.get((title, artwork))) is None:
            return None
        at = bisect_right(known.since, at_ms) - 1
        return known.rows[at] if at >= 0 else None

    def text(self, row: int) -> str:
        """Return the text whose vectors stand in this row."""
        return self._texts[row]

    def known(self, title: str, artwork: str) -> Known | None:
        """Return what is known of an artwork, None for one that the title never had."""
        return self._artworks.get((title, artwork))

    def concept(self, name: str) -> int | None:
        """Return the index of a named concept, None if there is none."""
        try:
            return self.names.names.index(name)
        except ValueError:
            return None

    @property
    def concept_vectors(self) -> NDArray[np.float32]:
        """All named concepts in the leading dimensions, shape (C, TASTE_DIMENSIONS), unit."""
        return self.names.leading(TASTE_DIMENSIONS)
