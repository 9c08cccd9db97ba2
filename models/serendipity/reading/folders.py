"""A folder to learn from and, maybe, one to be judged on, read into one world."""

from pathlib import Path
from typing import NamedTuple

from keyart.models.serendipity.reading.lastfm import is_lastfm, take_lastfm
from keyart.models.serendipity.reading.own import take_events, take_titles
from keyart.models.serendipity.world import World, WorldBuilder, places
from keyart.schemas.errors import InvalidRecord, NotFound


class Brought(NamedTuple):
    """A world, and which of its viewers teach and which are judged (none: no folder was named)."""

    world: World
    teaching: frozenset[int]
    judged: frozenset[int]


def read_folders(
    train: Path, test: Path | None = None, *, positive: float | None = None
) -> Brought:
    """Return what stands in the folders.

    A folder holds Last.fm-2K, or `events` and `titles`; the names and titles are those of `train`.
    Viewers of both folders are those of the training folder.

    Raises
    ------
    NotFound, InvalidRecord, WrongFile
        A folder or file is not there or wrong; or nobody is left.
    """
    into = WorldBuilder()
    for folder in (train, test):
        if folder is not None and not folder.is_dir():
            raise NotFound(f"{folder}: there is no such folder")
    if lastfm := is_lastfm(train):
        teaching = take_lastfm(train, train, into)
    else:
        take_titles(train, into)
        teaching = take_events(train, into, positive=positive)
    judged: set[str] = set()
    if test is not None:
        apart = WorldBuilder()
        if lastfm:
            take_lastfm(test, train, apart)
        else:
            take_events(test, apart, positive=positive)
        other = apart.build()
        judged = set(other.viewers) - teaching
        _add(other, judged, into)
    world = into.build()
    if not len(world.viewer):
        raise InvalidRecord(f"{train}: there is no positive engagement in it")
    if test is not None and not judged:
        raise InvalidRecord(f"{test}: there is no viewer in it who is not in {train} too")
    return Brought(
        world,
        frozenset(places(world.viewers, teaching).tolist()),
        frozenset(places(world.viewers, judged).tolist()),
    )


def _add(other: World, viewers: set[str], into: WorldBuilder) -> None:
    for viewer, title, at_ms in zip(other.viewer, other.title, other.at_ms, strict=True):
        if (name := other.viewers[viewer]) in viewers:
            into.engaged(name, other.titles[title], float(at_ms))
