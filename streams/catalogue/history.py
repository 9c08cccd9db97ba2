"""The catalogue's log: every version of every title, and what is put together from them."""

from collections.abc import Iterable, Iterator

from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.catalogue import Described, StoredArtwork, StoredTitle
from keyart.schemas.errors import InvalidRecord
from keyart.streams.ports import LogRecord


def version_of(title: StoredTitle) -> StoredTitle:
    """Return the title as it is now, without what went before: one entry of the log."""
    artworks = tuple(structs.replace(each, history=each.history[-1:]) for each in title.artworks)
    return structs.replace(title, names=title.names[-1:], artworks=artworks)


def joined(earlier: StoredTitle, later: StoredTitle) -> StoredTitle:
    """Return the later title with the whole past of both.

    Artworks that only the earlier has are removed ones. Nothing is trimmed; see `shortened`. Which
    one is later is said by `updated_at_ms`; where that is equal, by the order of the arguments.
    """
    if earlier.updated_at_ms > later.updated_at_ms:
        earlier, later = later, earlier
    before = {each.artwork.id: each for each in earlier.artworks}
    artworks = [
        structs.replace(each, history=_merged(before.pop(each.artwork.id).history, each.history))
        if each.artwork.id in before
        else each
        for each in later.artworks
    ]
    artworks += [_removed(each, later.updated_at_ms) for each in before.values()]
    return structs.replace(
        later,
        names=_merged(earlier.names, later.names),
        artworks=tuple(artworks),
        trimmed=earlier.trimmed and later.trimmed,
    )


def titles_of(records: Iterable[LogRecord]) -> dict[str, StoredTitle]:
    """Return all titles of the catalogue's log, each with its whole past."""
    titles: dict[str, StoredTitle] = {}
    for title in readable(records):
        held = titles.get(title.id)
        titles[title.id] = title if held is None else joined(held, title)
    return titles


def readable(records: Iterable[LogRecord]) -> Iterator[StoredTitle]:
    """Yield the titles of those records that can be read."""
    for record in records:
        try:
            yield codec.stored_titles.decode(record.value)
        except InvalidRecord:
            continue


def _merged(earlier: tuple[Described, ...], later: tuple[Described, ...]) -> tuple[Described, ...]:
    """Return both in the order of time, without those that repeat what is in force already."""
    merged: list[Described] = []
    by_time = {each.since_ms: each for each in (*earlier, *later)}
    for _, each in sorted(by_time.items()):
        if not merged or merged[-1].description != each.description:
            merged.append(each)
    return tuple(merged)


def _removed(kept: StoredArtwork, at_ms: int) -> StoredArtwork:
    if kept.removed_at_ms is not None:
        return kept
    return structs.replace(kept, removed_at_ms=at_ms)
