"""Anybody's own tables: `events` (viewer, title, time, value) and `titles`."""

import re
from pathlib import Path
from typing import Final

from keyart.models.intake.cells import WrongCell
from keyart.models.serendipity.reading.cells import NEVER, number_of, time_of
from keyart.models.serendipity.reading.rows import Rows, need
from keyart.models.serendipity.world import WorldBuilder

EVENTS: Final = "events"
TITLES: Final = "titles"
LISTS: Final = ("terms", "tags", "genres")
"""Columns of terms, separated by a bar, a comma or a semicolon."""
TEXTS: Final = ("description",)
MOST_TERMS: Final = 200
_SIGNS: Final = re.compile(r"[|,;]")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")


def terms_of(lists: str, text: str) -> list[str]:
    """Return what is said of a title: the terms of lists, and the words of texts, each once."""
    listed = [term.strip().lower() for term in _SIGNS.split(lists)]
    words = _WORD.findall(text.lower())
    return list(dict.fromkeys(term for term in [*listed, *words] if term))[:MOST_TERMS]


def take_titles(folder: Path, into: WorldBuilder) -> None:
    """Take the titles: `title`, and `name`, `terms`, `tags`, `genres`, `description` if there.

    Raises
    ------
    NotFound, WrongFile
        There is no such file, or rows of it are wrong.
    """
    for row in Rows(need(folder, TITLES), ("title",), ("name", *LISTS, *TEXTS)):
        try:
            title = row.name("title")
            into.name(title, row.text("name") or title)
            lists = "|".join(row.text(name) for name in LISTS)
            for term in terms_of(lists, " ".join(row.text(name) for name in TEXTS)):
                into.said(title, term)
        except WrongCell as wrong:
            row.wrong("title", wrong)


def take_events(folder: Path, into: WorldBuilder, *, positive: float | None = None) -> set[str]:
    """Take the positive engagements, and return their viewers.

    Parameters
    ----------
    positive
        Least value that is a positive engagement; None: any above 0. An event without a value
        is one.

    Raises
    ------
    NotFound, WrongFile
        There is no such file, or rows of it are wrong.
    """
    viewers = set()
    rows = Rows(need(folder, EVENTS), ("viewer", "title"), ("time", "value"))
    for row in rows:
        column = "viewer"
        try:
            viewer, title = row.name("viewer"), row.name("title")
            column = "time"
            at_ms = time_of(row.raw("time")) if "time" in rows.columns else NEVER
            column = "value"
            value = number_of(row.raw("value")) if "value" in rows.columns else 1.0
        except WrongCell as wrong:
            row.wrong(column, wrong)
            continue
        if value > 0.0 if positive is None else value >= positive:
            into.engaged(viewer, title, at_ms)
            viewers.add(viewer)
    return viewers
