"""The catalogue's log: every version of every title, and what is put together from them."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.catalogue import Described, StoredArtwork, StoredTitle
from keyart.schemas.errors import InvalidRecord
from keyart.streams.ports import LogRecord


def version_of(title: StoredTitle) -> StoredTitle:
    """Return the title as it is now, without what went before: one entry of the log."""
    artworks = tuple(structs.replace(each, history=each.history[-1:]) for each in title.artworks)
    return structs.replace(title, names=title.names[-1:], artworks=artworks)


def whole(versions: Sequence[StoredTitle]) -> StoredTitle:
    """Return the latest of a title's versions, with the past of all of them.

    Artworks that only earlier ones have are removed ones. Nothing is trimmed; see `shortened`.
    Which one is latest is said by `updated_at_ms`; where that is equal, by the order.
    """
    ordered = sorted(versions, key=lambda title: title.updated_at_ms)
    latest = ordered[-1]
    artworks: dict[str, StoredArtwork] = {}
    histories: dict[str, list[Described]] = {}
    for title in ordered:
        for each in title.artworks:
            artworks[each.artwork.id] = each
            histories.setdefault(each.artwork.id, []).extend(each.history)
    current = [each.artwork.id for each in latest.artworks]
    gone = [name for name in artworks if name not in set(current)]
    kept = [artworks[name] for name in current]
    kept += [_removed(artworks[name], latest.updated_at_ms) for name in gone]
    return structs.replace(
        latest,
        names=_in_order(each for title in ordered for each in title.names),
        artworks=tuple(
            structs.replace(each, history=_in_order(histories[each.artwork.id])) for each in kept
        ),
        trimmed=all(title.trimmed for title in ordered),
    )


def titles_of(records: Iterable[LogRecord]) -> dict[str, StoredTitle]:
    """Return all titles of the catalogue's log, each with its whole past."""
    versions: dict[str, list[StoredTitle]] = {}
    for title in readable(records):
        versions.setdefault(title.id, []).append(title)
    return {name: whole(its) for name, its in versions.items()}


def readable(records: Iterable[LogRecord]) -> Iterator[StoredTitle]:
    """Yield the titles of those records that can be read."""
    for record in records:
        try:
            yield codec.stored_titles.decode(record.value)
        except InvalidRecord:
            continue


def _in_order(described: Iterable[Described]) -> tuple[Described, ...]:
    """Return them in the order of time, without those that repeat what is in force already."""
    ordered: list[Described] = []
    by_time = {each.since_ms: each for each in described}
    for _, each in sorted(by_time.items()):
        if not ordered or ordered[-1].description != each.description:
            ordered.append(each)
    return tuple(ordered)


def _removed(kept: StoredArtwork, at_ms: int) -> StoredArtwork:
    if kept.removed_at_ms is not None:
        return kept
    return structs.replace(kept, removed_at_ms=at_ms)
