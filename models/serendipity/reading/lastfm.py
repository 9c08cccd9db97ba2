"""The four files of HetRec 2011 Last.fm-2K, as tables: who tagged which artist with what, when."""

from pathlib import Path
from typing import Final

from keyart.models.intake.cells import WrongCell, count_of
from keyart.models.serendipity.reading.cells import NEVER, time_of
from keyart.models.serendipity.reading.rows import Rows, find, need
from keyart.models.serendipity.world import WorldBuilder

TAGGED: Final = "lastfm_tagged"
PLAYS: Final = "lastfm_plays"
ARTISTS: Final = "lastfm_artists"
TAGS: Final = "lastfm_tags"
FIRST_MS: Final = 1_104_537_600_000.0
"""2005-01-01: dates before are no dates, the tags had not begun."""


def is_lastfm(folder: Path) -> bool:
    """Whether a folder holds Last.fm-2K."""
    return find(folder, TAGGED) is not None


def take_lastfm(folder: Path, names: Path, into: WorldBuilder) -> set[str]:
    """Take what viewers tagged and played, and return the viewers.

    A tag is an engagement with a time and a saying; a play is an engagement without a time.

    Parameters
    ----------
    folder
        Of `lastfm_tagged` and `lastfm_plays`.
    names
        Folder of `lastfm_artists` and `lastfm_tags`.

    Raises
    ------
    NotFound, WrongFile
        A file is missing, or rows of it are wrong.
    """
    tags = {}
    for row in Rows(need(names, TAGS), ("tag", "name")):
        try:
            tags[row.name("tag")] = row.name("name")
        except WrongCell as wrong:
            row.wrong("name", wrong)
    for row in Rows(need(names, ARTISTS), ("artist", "name")):
        try:
            into.name(row.name("artist"), row.name("name"))
        except WrongCell as wrong:
            row.wrong("name", wrong)
    viewers = set()
    for row in Rows(need(folder, TAGGED), ("viewer", "artist", "tag", "date")):
        column = "viewer"
        try:
            viewer, artist, tag = row.name("viewer"), row.name("artist"), row.name("tag")
            column = "date"
            at_ms = time_of(row.raw("date"))
        except WrongCell as wrong:
            row.wrong(column, wrong)
            continue
        into.engaged(viewer, artist, at_ms if at_ms >= FIRST_MS else NEVER)
        into.said(artist, tags.get(tag, tag), viewer)
        viewers.add(viewer)
    for row in Rows(need(folder, PLAYS), ("viewer", "artist", "listens")):
        try:
            if count_of(row.raw("listens")):
                into.engaged(row.name("viewer"), row.name("artist"))
                viewers.add(row.name("viewer"))
        except WrongCell as wrong:
            row.wrong("listens", wrong)
    return viewers
