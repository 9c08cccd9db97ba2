"""The catalogue as the steps read it: vectors of every artwork, as they were at any time."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import RLock
from time import monotonic
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed import Concepts, Space
from keyart.models.embed.protocol import unit_rows
from keyart.schemas.catalogue import Described, StoredTitle
from keyart.schemas.taste import TASTE_DIMENSIONS
from keyart.streams.catalogue.history import whole

NOW = 2**53
"""Later than any description: asks for the one in force."""
NAMED = 3
"""How many named concepts stand for an artwork."""
_CHUNK = 4096


REST_S = 10.0
"""How long a row rests that nothing refers to, before it stands for another text: whoever looked
it up is done by then."""
Recall = Callable[[str], StoredTitle | None]
"""(title id) -> the title with its whole past, from the catalogue's log; None if it has none."""


class Known(NamedTuple):
    """An artwork's rows, the times in ms since when each holds, and its image reference."""

    since: tuple[int, ...]
    rows: tuple[int, ...]
    image: str = ""

    def at(self, at_ms: int) -> int | None:
        """Return the row in force at that time; None before the first."""
        place = bisect_right(self.since, at_ms) - 1
        return self.rows[place] if place >= 0 else None


Histories = dict[str | None, Known]
"""Of one title: by artwork, and under None its names."""


class CatalogueView:
    """All titles, with a row of vectors for each artwork's every description.

    A text stands in one row however often it is used. A row whose text is no longer used is given
    to another text after a while, so memory follows what the catalogue holds, not what it held.

    Parameters
    ----------
    space, concepts
        What makes vectors of texts, and names of vectors.
    recall
        Asked for the past of a title that is kept without it, once until the title changes.
    clock
        Monotonic, in seconds.

    Attributes
    ----------
    ruled
        Titles of which an artwork has rules; a title that is among `titles` and has some is here.
    vectors
        Shape (rows, D) in the whole space, unit.
    taste_vectors
        Shape (rows, TASTE_DIMENSIONS): the leading dimensions, unit.
    concepts, closeness
        Shape (rows, NAMED): the nearest named concepts and their cosines, to 3 decimals, so that
        they do not depend on how many texts were encoded together.
    """

    def __init__(
        self,
        space: Space,
        concepts: Concepts,
        *,
        recall: Recall | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.space = space
        self.names = concepts
        self.titles: dict[str, StoredTitle] = {}
        self.ruled: set[str] = set()
        self.vectors = np.zeros((0, space.dimensions), np.float32)
        self.taste_vectors = np.zeros((0, TASTE_DIMENSIONS), np.float32)
        self.concepts = np.zeros((0, NAMED), np.uint16)
        self.closeness = np.zeros((0, NAMED), np.float32)
        self._recall = recall
        self._clock = clock
        self._rows: dict[str, int] = {}
        self._texts: list[str] = []
        self._used: Counter[int] = Counter()
        self._resting: deque[tuple[float, int]] = deque()
        self._known: dict[str, Histories] = {}
        self._recalled: set[str] = set()
        self._changing = RLock()

    def put(self, titles: Iterable[StoredTitle]) -> None:
        """Add or replace titles; texts that are new get their vectors."""
        titles = list({title.id: title for title in titles}.values())
        with self._changing:
            self._embed({text for title in titles for text in _texts(title)})
            before = [known for title in titles if (known := self._known.get(title.id))]
            for title in titles:
                self._known[title.id] = self._refer(title)
                rules = any(kept.artwork.rules for kept in title.artworks)
                if rules:  # before the title: requests read both meanwhile
                    self.ruled.add(title.id)
                self.titles[title.id] = title
                if not rules:
                    self.ruled.discard(title.id)
                self._recalled.discard(title.id)
            self._let_go(before)

    def forget(self) -> None:
        """Forget all titles."""
        with self._changing:
            self._let_go(list(self._known.values()))
            self._known.clear()
            self.titles.clear()
            self.ruled.clear()
            self._recalled.clear()

    def _refer(self, title: StoredTitle) -> Histories:
        names = title.names or (Described(since_ms=0, description=title.name),)
        return {
            None: self._one(names),
            **{
                kept.artwork.id: self._one(kept.history, kept.artwork.image)
                for kept in title.artworks
            },
        }

    def _one(self, history: Sequence[Described], image: str = "") -> Known:
        rows = tuple([self._rows[each.description] for each in history])
        self._used.update(rows)
        return Known(tuple([each.since_ms for each in history]), rows, image)

    def _let_go(self, histories: Iterable[Histories]) -> None:
        now = self._clock()
        for row in (row for known in histories for each in known.values() for row in each.rows):
            self._used[row] -= 1
            if not self._used[row]:
                del self._used[row], self._rows[self._texts[row]]
                self._resting.append((now, row))

    def _embed(self, wanted: set[str]) -> None:
        """Give rows to texts that have none: those that have rested, then new ones."""
        texts = sorted(wanted - self._rows.keys())
        rows = self._free(len(texts))
        for first in range(0, len(texts), _CHUNK):
            its, places = texts[first : first + _CHUNK], rows[first : first + _CHUNK]
            vectors = self.space.encode(its)
            leading = unit_rows(vectors[:, :TASTE_DIMENSIONS])
            concepts, closeness = self.names.nearest_many(leading, NAMED)
            self.vectors[places] = vectors
            self.taste_vectors[places] = leading
            self.concepts[places] = concepts
            self.closeness[places] = np.round(closeness, 3)
        for text, row in zip(texts, rows, strict=True):
            self._rows[text] = row
            self._texts[row] = text

    def _free(self, count: int) -> list[int]:
        rows: list[int] = []
        rested = self._clock() - REST_S
        while len(rows) < count and self._resting and self._resting[0][0] <= rested:
            rows.append(self._resting.popleft()[1])
        first = len(self._texts)
        new = count - len(rows)
        self._texts += [""] * new
        if len(self._texts) > len(self.vectors):
            room = max(len(self._texts), len(self.vectors) * 5 // 4)
            for name in ("vectors", "taste_vectors", "concepts", "closeness"):
                before = getattr(self, name)
                grown = np.zeros((room, before.shape[1]), before.dtype)
                grown[: len(before)] = before
                setattr(self, name, grown)
        return [*rows, *range(first, first + new)]

    def row(self, title: str, artwork: str | None, at_ms: int) -> int | None:
        """Return the row in force at that time; the title's name for no artwork; None if unknown.

        `at_ms` is when the log took the event in. A description holds from the moment it was put,
        and nothing is known before the first, so a replay reads an event as live did.
        """
        if (known := self._known.get(title)) is None:
            return None
        found = known[artwork].at(at_ms) if artwork in known else None
        if found is None and self.titles[title].trimmed and self._recall_once(title):
            return self.row(title, artwork, at_ms)
        return found

    def _recall_once(self, title: str) -> bool:
        """Take in the whole past of a title; whether it was there and had not been asked for."""
        if self._recall is None or title in self._recalled:
            return False
        self._recalled.add(title)
        past = self._recall(title)
        if past is None:
            return False
        with self._changing:
            longer = whole([past, self.titles[title]])
            self._embed(set(_texts(longer)))
            before, self._known[title] = self._known[title], self._refer(longer)
            self._let_go([before])
        return True

    def text(self, row: int) -> str:
        """Return the text whose vectors stand in this row."""
        return self._texts[row]

    def known(self, title: str, artwork: str) -> Known | None:
        """Return what is known of an artwork, None for one that the title never had."""
        return self._known.get(title, {}).get(artwork)

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


def _texts(title: StoredTitle) -> Iterator[str]:
    yield title.name
    for history in (title.names, *(each.history for each in title.artworks)):
        for each in history:
            yield each.description
