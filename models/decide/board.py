"""Sums and opinions of all titles in padded arrays, and what is believed from them.

What one title teaches holds for the others, so beliefs are worked out for all titles together. With
many titles that is done now and then; in between only the titles that changed are worked out,
against what all of them had taught by then.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.decide.callers import Callers
from keyart.models.decide.index import ServingIndex
from keyart.models.decide.positions import Places
from keyart.models.decide.responses import Responses
from keyart.models.decide.rows import take_over
from keyart.models.decide.surfaces import Surfaces
from keyart.models.sums.adding import OTHER_SURFACE
from keyart.models.sums.arrays import Sums
from keyart.models.sums.days import share_since
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.priors import Opinion

Scalar = TypeVar("Scalar", bound=np.generic)
ALL_AT_ONCE: Final = 500
"""So many titles, or fewer, are always worked out together."""
REST: Final = 10.0
"""Between two times for all titles lie so many times what the last one took."""
FIRST_SURFACE: Final = "home"


class Board:
    """What is known of every title that can be decided, by row.

    Parameters
    ----------
    hyper
        Settings of the belief.
    respond_from
        Of titles shown so often in their latest days (`models/sums/days`) the artworks' own
        responses are learned, and move choices; -1: of none.
    position
        Whether exposures count by where on the page they were.

    Attributes
    ----------
    callers
        What each caller's key has told, and which of them are bounded.
    places
        What positions do.
    since_ms
        How far the prior is trusted follows from what was shown since then; 0: from all.
    """

    def __init__(self, hyper: Hyper, *, respond_from: int = -1, position: bool = True) -> None:
        self._position = position
        self._hyper = hyper
        self._names: list[str] = []
        self._artworks: list[tuple[str, ...]] = []
        self._row: dict[str, int] = {}
        self._surfaces = Surfaces()
        self.callers = Callers()
        self.places = Places()
        self._responses = Responses(respond_from)
        self._groups: dict[str, int] = {}
        self._changed: set[str] = set()
        self._learned: Learned | None = None
        self.since_ms = 0
        self._all_at = self._all_took = 0.0
        self._takes = np.zeros((64, 8, 1))  # (T, K, S), as are the others without S or K
        self._expected = np.zeros((64, 8, 1))
        self._opinion = np.zeros((64, 8))
        self._mask = np.zeros((64, 8), np.bool_)
        self._group = np.zeros(64, np.intp)
        self._strength = np.zeros(64)
        self._voice = np.ones(64)

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self._names)

    @property
    def surfaces(self) -> tuple[tuple[str, ...], int]:
        """The surfaces with a level of their own, and how many others are counted together."""
        own = tuple(name for name in self._surfaces.columns if name != OTHER_SURFACE)
        return own, self._surfaces.pooled

    def trust_since(self, at_ms: int) -> None:
        """Let how far the prior is trusted follow from what was shown since then (ms; 0: all).

        For a board that has no sums yet.
        """
        self.since_ms = at_ms

    def put(self, title: str, artworks: tuple[str, ...], group: str) -> None:
        """Add a title, or replace its artworks; its sums and its opinion have to follow."""
        row = self._row.setdefault(title, len(self._names))
        if row == len(self._names):
            self._names.append(title)
            self._artworks.append(artworks)
        self._artworks[row] = artworks
        rows, widest, surfaces = self._takes.shape
        if row >= rows or len(artworks) > widest:
            wide = max(widest, len(artworks))
            self._shape(max(rows, 2 * row), wide, surfaces)
        self._clear(row)
        self._surfaces.hold(title, {})
        self.callers.forget(title)
        self.places.forget(title)
        self._responses.forget(title)
        self._mask[row, : len(artworks)] = True
        self._group[row] = self._groups.setdefault(group, len(self._groups))
        self._changed.add(title)

    def remove(self, title: str) -> None:
        """Forget a title; one that is not there is no error."""
        if (row := self._row.pop(title, None)) is None:
            return
        last, name, artworks = len(self._names) - 1, self._names.pop(), self._artworks.pop()
        if row != last:
            self._names[row], self._artworks[row], self._row[name] = name, artworks, row
            for array in self._by_row:
                array[row] = array[last]
        self._clear(last)
        self._changed.discard(title)
        self._surfaces.hold(title, {})
        self.callers.forget(title)
        self.places.forget(title)
        self._responses.forget(title)

    def take_sums(self, sums: TitleSums) -> None:
        """Take the sums of a title; one that is not there is ignored."""
        if (row := self._row.get(sums.title)) is None:
            return
        cells = self.callers.hold(sums, self._artworks[row])
        self._surfaces.hold(sums.title, cells)
        self._responses.hold(sums, self._artworks[row])
        if self._position:
            self.places.hold(sums, self._artworks[row])
        self._voice[row] = share_since(sums.days, self.since_ms)
        self._changed.add(sums.title)

    def take_situations(self, sums: Sequence[SharedSums]) -> None:
        """Take over how situations vary, of all lanes."""
        self._responses.take_situations(sums)

    def take_opinion(self, opinion: Opinion) -> None:
        """Take a prior's opinion of a title; one that is not there is ignored."""
        if (row := self._row.get(opinion.title)) is None:
            return
        said = dict(zip(opinion.artworks, opinion.relative, strict=True))
        its = self._artworks[row]
        self._opinion[row, : len(its)] = [said.get(artwork, 0.0) for artwork in its]
        self._strength[row] = opinion.strength
        self._changed.add(opinion.title)

    def opinion(self, title: str) -> tuple[list[float], float] | None:
        """Return (K,) log relative takes by the prior, and their worth; None: it says nothing."""
        if (row := self._row.get(title)) is None:
            return None
        its = self._opinion[row, : len(self._artworks[row])].tolist()
        return (its, float(self._strength[row])) if any(its) else None

    def forget_opinions(self) -> None:
        """Forget what the prior said, and what was learned about how far it can be trusted."""
        self._opinion[:] = 0.0
        self._strength[:] = 0.0
        self._learned = None
        self._changed.update(self._names)

    def work_out(self, index: ServingIndex) -> int:
        """Put into the index what is believed now; return of how many titles that is."""
        if not self._changed:
            return 0
        started = time.monotonic()
        rest_over = started - self._all_at >= REST * self._all_took
        together = len(self._names) <= ALL_AT_ONCE or rest_over
        self._bound(together)
        self._lay_out(index, together)
        if all_again := self._learned is None or together:
            rows: Sequence[int] = range(len(self._names))
            start = Learned.start(self._hyper, surfaces=max(1, len(self._surfaces.columns)))
            self._learned = self._believe(index, rows, start, self._learned)
        else:
            rows = sorted(self._row[title] for title in self._changed)
            assert self._learned is not None
            self._believe(index, rows, replace(self._learned, log_level=None), None)
        self._responses.work_out(index, self._changed, together=together)
        index.often = frozenset(self._responses.often)
        if all_again:
            self._all_at = time.monotonic()
            self._all_took = self._all_at - started
        self._changed.clear()
        return len(rows)

    def _bound(self, together: bool) -> None:
        """Bound what each key has told of the titles that changed, or of all together."""
        several = set(self.callers.several)
        for title in several if together else several & self._changed:
            self._surfaces.hold(title, self.callers.bounded(title))
            self._changed.add(title)

    def _believe(
        self,
        index: ServingIndex,
        rows: Sequence[int],
        carried: Learned,
        now: Learned | None,
    ) -> Learned:
        at = np.array(rows, np.intp)
        surfaces = self._surfaces.columns or (FIRST_SURFACE,)
        sums = Sums.of(
            takes=self._takes[at, :, : len(surfaces)],
            expected=self._expected[at, :, : len(surfaces)],
            opinion=self._opinion[at],
            mask=self._mask[at],
            group=self._group[at],
            strength=self._strength[at],
            voice=self._voice[at] if self.since_ms else None,
        )
        beliefs, learned = refresh(sums, self._hyper, carried, now=now)
        take_over(
            index,
            beliefs,
            titles=[self._names[row] for row in rows],
            artworks=[self._artworks[row] for row in rows],
            surfaces=surfaces,
        )
        return learned

    def _lay_out(self, index: ServingIndex, together: bool) -> None:
        """Write what has changed into the tables.

        All of it when other surfaces stand alone now, or positions are found to do something else.
        """
        rows, widest, columns = self._takes.shape
        titles: Iterable[str] = self._changed
        if self._surfaces.choose():
            # what was learned has one level for each surface
            self._learned = None
            titles = self._names
            self._shape(rows, widest, max(columns, len(self._surfaces.columns)))
            index.keep_surfaces(self._surfaces.columns)
        own = self._surfaces.columns
        if together and self.places.learn(own):
            titles = self._names
        for title in titles:
            row = self._row[title]
            worth = self.places.worth(title, own)
            self._surfaces.fill(title, self._takes[row], self._expected[row], worth)

    def _clear(self, row: int) -> None:
        self._takes[row] = self._expected[row] = 0.0
        self._opinion[row] = 0.0
        self._strength[row] = 0.0
        self._voice[row] = 1.0
        self._mask[row] = False

    @property
    def _by_row(self) -> tuple[NDArray[Any], ...]:
        """All that is held, a row a title."""
        return (
            *(self._takes, self._expected, self._opinion),
            *(self._mask, self._group, self._strength, self._voice),
        )

    def _shape(self, rows: int, artworks: int, surfaces: int) -> None:
        """Make room, keeping what is held."""
        self._takes = _grown(self._takes, (rows, artworks, surfaces))
        self._expected = _grown(self._expected, (rows, artworks, surfaces))
        self._opinion = _grown(self._opinion, (rows, artworks))
        self._mask = _grown(self._mask, (rows, artworks))
        self._group = _grown(self._group, (rows,))
        self._strength = _grown(self._strength, (rows,))
        self._voice = _grown(self._voice, (rows,))


def _grown(held: NDArray[Scalar], shape: tuple[int, ...]) -> NDArray[Scalar]:
    new = np.zeros(shape, held.dtype)
    new[tuple(slice(0, size) for size in held.shape)] = held
    return new
