"""Who engaged with what and when, and what is said of titles: columns over viewers and titles."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NOBODY = -1
MOST_CLUSTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Engagements and sayings, as columns.

    Attributes
    ----------
    viewers, titles, terms
        Names, by index; `names` are the titles' names for people.
    viewer, title, at_ms
        (N,) positive engagements, one for each pair of viewer and title, the first in time.
        `at_ms` is NaN where no time is known.
    said_by, said_of, said
        (M,) a viewer (`NOBODY`: the catalogue itself), a title, a term.
    """

    viewers: tuple[str, ...]
    titles: tuple[str, ...]
    names: tuple[str, ...]
    terms: tuple[str, ...]
    viewer: Ints
    title: Ints
    at_ms: Floats
    said_by: Ints
    said_of: Ints
    said: Ints

    @property
    def timed(self) -> bool:
        """Whether any engagement has a time."""
        return bool(np.isfinite(self.at_ms).any())


class WorldBuilder:
    """Gathers engagements and sayings by name."""

    def __init__(self) -> None:
        self._viewers: dict[str, int] = {}
        self._titles: dict[str, int] = {}
        self._terms: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._first: dict[tuple[int, int], float] = {}
        self._said: list[tuple[int, int, int]] = []

    def name(self, title: str, name: str) -> None:
        """Give a title its name."""
        self._names[_at(self._titles, title)] = name

    def engaged(self, viewer: str, title: str, at_ms: float = float("nan")) -> None:
        """Take an engagement; of several with one title the earliest known time stays."""
        pair = (_at(self._viewers, viewer), _at(self._titles, title))
        before = self._first.get(pair, float("nan"))
        if not before <= at_ms:
            self._first[pair] = before if np.isnan(at_ms) else at_ms

    def said(self, title: str, term: str, viewer: str | None = None) -> None:
        """Take a saying: a viewer's, or the catalogue's own."""
        by = NOBODY if viewer is None else _at(self._viewers, viewer)
        self._said.append((by, _at(self._titles, title), _at(self._terms, term)))

    def build(self) -> World:
        """Return the columns."""
        pairs = np.array(list(self._first), np.int64).reshape(-1, 2)
        said = np.array(self._said, np.int64).reshape(-1, 3)
        return World(
            viewers=tuple(self._viewers),
            titles=tuple(self._titles),
            names=tuple(self._names.get(at, name) for name, at in self._titles.items()),
            terms=tuple(self._terms),
            viewer=pairs[:, 0],
            title=pairs[:, 1],
            at_ms=np.array(list(self._first.values()), np.float64),
            said_by=said[:, 0],
            said_of=said[:, 1],
            said=said[:, 2],
        )


def places(names: Iterable[str], wanted: Collection[str]) -> Ints:
    """Return the indices of the names that are wanted."""
    return np.array([at for at, name in enumerate(names) if name in wanted], np.int64)


def _at(index: dict[str, int], name: str) -> int:
    return index.setdefault(name, len(index))
