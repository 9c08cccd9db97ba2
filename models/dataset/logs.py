"""The training log as examples: one row a reward, read day by day in bounded memory."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from keyart.models.dataset.catalogue import choices
from keyart.models.dataset.examples import Choice, Entry, Example
from keyart.models.dataset.history import Histories
from keyart.models.dataset.training_log import batches, log_files
from keyart.schemas.catalogue import Title
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.training import columns

# in the order of `Logged`
COLUMNS: Final = columns(
    "id",
    "viewer",
    "title",
    "artwork",
    "surface",
    "value",
    "shown_at_ms",
    "closed_at_ms",
    "candidates",
    "propensities",
)
LATER: Final = columns("position")


@dataclass(frozen=True, slots=True)
class Logged:
    """One row of the training log, as far as post-training needs it."""

    id: str
    viewer: str
    title: str
    artwork: str
    surface: str
    value: float
    shown_at_ms: int
    closed_at_ms: int
    candidates: tuple[str, ...]
    propensities: tuple[float, ...]
    position: int = 0

    @property
    def pair(self) -> str:
        """The viewer-title pair."""
        return f"{self.viewer}\x1f{self.title}"


def _days(files: list[Path]) -> Iterator[list[Path]]:
    day: list[Path] = []
    for file in files:
        if day and file.parent != day[-1].parent:
            yield day
            day = []
        day.append(file)
    yield day


def read_log(root: Path) -> Iterator[Logged]:
    """Yield the rows in the order in which they were shown, one day in memory at a time.

    A row shown before midnight may stand in the next day's folder (a day is when its window
    closed); rows are therefore held back by one day before they are put in order.

    Raises
    ------
    InvalidRecord
        A file lacks a column, or a row's candidates and propensities do not fit its artwork.
    """
    held: list[Logged] = []
    for day in _days(log_files(root)):
        rows = [row for file in day for row in _read(file)]
        if not rows:
            continue
        first = min(row.shown_at_ms for row in rows)
        held.sort(key=lambda row: (row.shown_at_ms, row.id))
        ready = [row for row in held if row.shown_at_ms < first]
        yield from ready
        held = held[len(ready) :] + rows
    held.sort(key=lambda row: (row.shown_at_ms, row.id))
    yield from held


def _read(file: Path) -> Iterator[Logged]:
    for its in batches(file, COLUMNS, perhaps=LATER):
        positions = its.get("position") or repeat(None)
        for row in zip(*(its[name] for name in COLUMNS), positions, strict=False):
            yield _logged(row, file.name)


def _logged(row: tuple[Any, ...], file: str) -> Logged:
    """Return a row of `COLUMNS` and the position; what is null there is nothing, or unknown."""
    candidates, propensities, position = row[-3:]
    made: Any = (*row[:-3], candidates or (), propensities or (), int(position or 0))
    found = Logged(*made)
    if len(found.candidates) != len(found.propensities) or found.artwork not in found.candidates:
        raise InvalidRecord(f"row {found.id} of {file}: candidates do not fit the artwork")
    return found


class Reader:
    """Turns rows into examples, keeping the viewers' histories as it goes.

    Rows are given in the order of time. `left_out` counts what became no example, by reason:
    `unknown title`, `one candidate`, `unknown artwork`.
    """

    def __init__(self, catalogue: dict[str, Title], *, entries: int = 12) -> None:
        self._texts: dict[str, dict[str, Choice]] = {
            id: {choice.artwork: choice for choice in choices(title)}
            for id, title in catalogue.items()
        }
        self._names = {id: title.name or id for id, title in catalogue.items()}
        self._groups = {id: title.group for id, title in catalogue.items()}
        self.histories = Histories(entries=entries)
        self.left_out: Counter[str] = Counter()

    def example(self, row: Logged) -> Example | None:
        """Return the row's example, None when it makes none; its engagement enters the history."""
        texts = self._texts.get(row.title)
        if texts is None:
            self.left_out["unknown title"] += 1
            return None
        history = self.histories.before(row.viewer, row.shown_at_ms)
        if row.value > 0 and row.artwork in texts:
            self.histories.add(
                viewer=row.viewer,
                title=row.title,
                entry=Entry(
                    title=self._names[row.title], description=texts[row.artwork].description
                ),
                shown_at_ms=row.shown_at_ms,
                closed_at_ms=row.closed_at_ms,
            )
        if len(row.candidates) < 2:
            self.left_out["one candidate"] += 1
            return None
        if any(candidate not in texts for candidate in row.candidates):
            self.left_out["unknown artwork"] += 1
            return None
        shown = row.candidates.index(row.artwork)
        return Example(
            id=row.id,
            pair=row.pair,
            viewer=row.viewer,
            title=row.title,
            name=self._names[row.title],
            group=self._groups[row.title],
            surface=row.surface,
            shown_at_ms=row.shown_at_ms,
            history=history,
            options=tuple(texts[candidate] for candidate in row.candidates),
            propensities=row.propensities,
            impressions=tuple(float(at == shown) for at in range(len(row.candidates))),
            rewards=tuple(row.value * (at == shown) for at in range(len(row.candidates))),
            answer=shown if row.value > 0 else -1,
        )


def last_histories(
    log: Path, catalogue: dict[str, Title], *, entries: int = 12
) -> list[tuple[Entry, ...]]:
    """Return every viewer's history as it stands at the end of the log."""
    reader = Reader(catalogue, entries=entries)
    viewers: dict[str, int] = {}
    for row in read_log(log):
        reader.example(row)
        viewers[row.viewer] = max(viewers.get(row.viewer, 0), row.closed_at_ms)
    return [reader.histories.before(viewer, at + 1) for viewer, at in sorted(viewers.items())]
