"""What putting a title changes: new artworks join, changed ones keep their past, removed ones stay.

Pure, and indifferent to repetition: the same title put twice is the same catalogue. What is kept
has a bound in bytes: its past is let go first, because the catalogue's log has it.
"""

from collections.abc import Sequence

from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.catalogue import (
    MAX_STORED_BYTES,
    Artwork,
    Described,
    StoredArtwork,
    StoredTitle,
    Title,
)
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rules import fault_of

MAX_DESCRIPTIONS = 8
MAX_KEPT = 200
BOUNDS = (
    f"a title is kept in at most {MAX_STORED_BYTES:,} bytes, in which each description that may be "
    "chosen stands twice; it has up to 40 artworks, with descriptions of up to 4,000 characters"
)


def upsert(
    held: StoredTitle | None, title: Title, *, now_ms: int, since_ms: int | None = None
) -> StoredTitle:
    """Return the stored title after this one is put.

    A changed name or description is added to the history, of which the last 8 stay. An artwork
    that the title no longer has is marked as removed; of the removed ones the last 200 stay.

    Parameters
    ----------
    now_ms
        When it is put.
    since_ms
        From when on, by the log's time, what is new is in force; by default `now_ms`.

    Raises
    ------
    InvalidRecord
        Two artworks have the same id, the default is none of them, or the title does not fit into
        `MAX_STORED_BYTES`.
    """
    since_ms = now_ms if since_ms is None else since_ms
    given: dict[str, Artwork] = {}
    for at, artwork in enumerate(title.artworks):
        if artwork.id in given:
            raise InvalidRecord(f"artwork id {artwork.id!r} stands twice", f"$.artworks[{at}].id")
        if artwork.rules is not None and (wrong := fault_of(artwork.rules)):
            raise InvalidRecord(wrong, f"$.artworks[{at}].rules")
        given[artwork.id] = artwork
    if title.default and title.default not in given:
        raise InvalidRecord(f"the title has no artwork {title.default!r}", "$.default")
    before = {kept.artwork.id: kept for kept in held.artworks} if held else {}
    artworks = [_put(before.get(artwork.id), artwork, since_ms) for artwork in given.values()]
    gone = [_remove(kept, now_ms) for name, kept in before.items() if name not in given]
    return shortened(
        StoredTitle(
            id=title.id,
            name=title.name,
            group=title.group,
            names=_named(held, title.name, since_ms),
            trimmed=held is not None and held.trimmed,
            default=title.default,
            artworks=(*artworks, *gone),
            updated_at_ms=now_ms,
        )
    )


def withdraw(held: StoredTitle, *, now_ms: int) -> StoredTitle:
    """Return the title with all its artworks removed: nothing of it is chosen any more."""
    artworks = tuple(_remove(kept, now_ms) for kept in held.artworks)
    return fit(structs.replace(held, artworks=artworks, updated_at_ms=now_ms))


def same(held: StoredTitle | None, title: StoredTitle) -> bool:
    """Whether they differ in nothing but when they were put."""
    if held is None:
        return False
    return structs.replace(held, updated_at_ms=title.updated_at_ms) == title


def begun(title: StoredTitle, now_ms: int, *, slack_ms: int) -> StoredTitle:
    """Return the title with nothing that begins later than now, but for some slack.

    What does was put while a clock was ahead: it would not be in force until time has come there.
    """

    def from_now(history: tuple[Described, ...]) -> tuple[Described, ...]:
        ahead = [each for each in history if each.since_ms > now_ms + slack_ms]
        if not ahead:
            return history
        before = history[: len(history) - len(ahead)]
        return (*before, structs.replace(history[-1], since_ms=now_ms))

    histories = _histories(title)
    if all(from_now(history) is history for history in histories):
        return title
    artworks = tuple(
        structs.replace(each, history=from_now(each.history)) for each in title.artworks
    )
    return structs.replace(title, names=from_now(title.names), artworks=artworks)


def shortened(title: StoredTitle) -> StoredTitle:
    """Return the title with the last 8 of each history and the last 200 removed artworks; `fit`."""
    gone = [each for each in title.artworks if each.removed_at_ms is not None]
    dropped = {each.artwork.id for each in gone[:-MAX_KEPT]}
    long = any(len(history) > MAX_DESCRIPTIONS for history in _histories(title))
    if not dropped and not long:
        return fit(title)
    artworks = tuple(
        structs.replace(each, history=each.history[-MAX_DESCRIPTIONS:])
        for each in title.artworks
        if each.artwork.id not in dropped
    )
    names = title.names[-MAX_DESCRIPTIONS:]
    return fit(structs.replace(title, names=names, artworks=artworks, trimmed=True))


def fit(title: StoredTitle, most: int = MAX_STORED_BYTES) -> StoredTitle:
    """Return the title with as much of its past as fits into so many bytes of JSON.

    First the oldest names and descriptions go, then the artworks that were removed first.

    Raises
    ------
    InvalidRecord
        What may be chosen now does not fit by itself.
    """
    over = len(codec.encode(title)) - most
    if over <= 0:
        return title
    # the flag's own bytes, and commas, are counted by cutting a little more than is needed
    over += len(',"trimmed":true')
    past = sorted(
        (each for history in _histories(title) for each in history[:-1]),
        key=lambda each: each.since_ms,
    )
    for each in past:
        over -= len(codec.encode(each))
        if over <= 0:
            return _without_past(title, each.since_ms)
    title = _without_past(title, past[-1].since_ms if past else 0)
    removed = sorted(
        (each for each in title.artworks if each.removed_at_ms is not None),
        key=lambda each: each.removed_at_ms or 0,
    )
    for count in range(len(removed) + 1):
        gone_ids = {each.artwork.id for each in removed[:count]}
        kept = tuple(each for each in title.artworks if each.artwork.id not in gone_ids)
        shorter = structs.replace(title, artworks=kept)
        if (size := len(codec.encode(shorter))) <= most:
            return shorter
    raise InvalidRecord(f"the title would be kept in {size:,} bytes: {BOUNDS}", "$.artworks")


def _histories(title: StoredTitle) -> list[tuple[Described, ...]]:
    return [title.names, *(each.history for each in title.artworks)]


def _without_past(title: StoredTitle, upto_ms: int) -> StoredTitle:
    """Return the title without what was superseded and began at or before this time."""

    def since(history: Sequence[Described]) -> tuple[Described, ...]:
        return (*(each for each in history[:-1] if each.since_ms > upto_ms), *history[-1:])

    artworks = tuple(structs.replace(each, history=since(each.history)) for each in title.artworks)
    return structs.replace(title, names=since(title.names), artworks=artworks, trimmed=True)


def _named(held: StoredTitle | None, name: str, since_ms: int) -> tuple[Described, ...]:
    first = Described(since_ms=since_ms, description=name)
    if held is None:
        return (first,)
    # a title that was kept before names were had this one from the beginning
    names = held.names or (Described(since_ms=0, description=held.name),)
    return names if names[-1].description == name else (*names, first)


def _put(before: StoredArtwork | None, artwork: Artwork, since_ms: int) -> StoredArtwork:
    first = Described(since_ms=since_ms, description=artwork.description)
    if before is None:
        return StoredArtwork(artwork=artwork, history=(first,))
    history = before.history
    if history[-1].description != artwork.description:
        history = (*history, first)
    return StoredArtwork(artwork=artwork, history=history)


def _remove(kept: StoredArtwork, now_ms: int) -> StoredArtwork:
    if kept.removed_at_ms is not None:
        return kept
    return structs.replace(kept, removed_at_ms=now_ms)
