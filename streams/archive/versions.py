"""Compaction of the catalogue's archive: what no replay can ask for goes.

A version of a title is needed while events may be read with it: when it changed a name or a
description, and was in force at or after the day of the first event that is kept. The latest
version of each title is always needed.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.topics import CATALOGUE, EVENTS
from keyart.streams.archive import files
from keyart.streams.archive.order import start_of

MARK = "compacted"
"""A file that names the newest day at the time of the last compaction."""


class _Version(NamedTuple):
    offset: str
    logged_at_ms: int
    said: bytes


def compact_versions(folder: Path) -> list[Path]:
    """Drop versions that nothing needs, once a day; return the files that are no more."""
    days = sorted({path.parent.name for path in files.paths(folder, CATALOGUE)})
    mark = folder / CATALOGUE / MARK
    if not days or (mark.is_file() and mark.read_text() == days[-1]):
        return []
    gone: list[Path] = []
    held = sorted(files.paths(folder, CATALOGUE), key=start_of)
    for partition in sorted({path.name.partition("-")[0] for path in held}):
        its = [path for path in held if path.name.startswith(f"{partition}-")]
        needless = set(_needless(_versions(its), _first_event_ms(folder)))
        for path in its if needless else ():
            with files.setting_aside():
                gone += _without(path, needless)
    mark.write_text(days[-1])
    return gone


def _versions(paths: Iterable[Path]) -> dict[str, list[_Version]]:
    """Return all versions by title, in the log's order; what cannot be read is nobody's."""
    found: dict[str, list[_Version]] = {}
    for path in paths:
        with files.setting_aside():
            for batch in files.batches(path, files.PLAIN.names):
                for row in batch.to_pylist():
                    try:
                        title = codec.stored_titles.decode(row["record"])
                    except InvalidRecord:
                        continue
                    version = _Version(row["offset"], row["logged_at_ms"], _said(title))
                    found.setdefault(title.id, []).append(version)
    return found


def _said(title: StoredTitle) -> bytes:
    """Return a digest of what a replay reads of a version."""
    artworks = {each.artwork.id: each.artwork.description for each in title.artworks}
    whole = codec.encode([title.name, sorted(artworks.items())])
    return blake2b(whole, digest_size=16).digest()


def _needless(versions: dict[str, list[_Version]], first_event_ms: int | None) -> Iterator[str]:
    for its in versions.values():
        changed = [each for at, each in enumerate(its) if at == 0 or each.said != its[at - 1].said]
        needed = {its[-1].offset}
        for at, each in enumerate(changed):
            superseded = changed[at + 1].logged_at_ms if at + 1 < len(changed) else None
            if superseded is None or first_event_ms is None or superseded >= first_event_ms:
                needed.add(each.offset)
        yield from (each.offset for each in its if each.offset not in needed)


def _first_event_ms(folder: Path) -> int | None:
    """Return when the day of the first archived event begins; None when there is no event."""
    days = sorted(path.parent.name for path in files.paths(folder, EVENTS))
    if not days:
        return None
    day = datetime.strptime(days[0].partition("=")[2], "%Y-%m-%d").replace(tzinfo=UTC)
    return round(day.timestamp() * 1000)


def _without(path: Path, needless: set[str]) -> list[Path]:
    """Write a file anew without these offsets; return it if nothing of it is left."""
    table = files.table_in(path, files.PLAIN.names)
    theirs = pc.is_in(table["offset"], value_set=pa.array(sorted(needless), pa.string()))
    if not pc.any(theirs).as_py():
        return []
    left = table.filter(pc.invert(theirs))
    if len(left):
        files.replace(path, left)
        return []
    path.unlink()
    return [path]
