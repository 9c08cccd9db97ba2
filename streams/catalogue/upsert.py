"""What putting a title changes: new artworks join, changed ones keep their past, removed ones stay.

Pure, and indifferent to repetition: the same title put twice is the same catalogue.
"""

from keyart.schemas.catalogue import Artwork, Described, StoredArtwork, StoredTitle, Title
from keyart.schemas.errors import InvalidRecord

MAX_DESCRIPTIONS = 8
MAX_KEPT = 200


def upsert(held: StoredTitle | None, title: Title, *, now_ms: int) -> StoredTitle:
    """Return the stored title after this one is put.

    A changed description is added to the artwork's history, of which the last 8 stay. An artwork
    that the title no longer has is marked as removed; of the removed ones the last 200 stay.

    Raises
    ------
    InvalidRecord
        Two artworks have the same id.
    """
    given: dict[str, Artwork] = {}
    for at, artwork in enumerate(title.artworks):
        if artwork.id in given:
            raise InvalidRecord(f"artwork id {artwork.id!r} stands twice", f"$.artworks[{at}].id")
        given[artwork.id] = artwork
    before = {kept.artwork.id: kept for kept in held.artworks} if held else {}
    artworks = [_put(before.get(artwork.id), artwork, now_ms) for artwork in given.values()]
    gone = [_remove(kept, now_ms) for name, kept in before.items() if name not in given]
    return StoredTitle(
        id=title.id,
        name=title.name,
        group=title.group,
        artworks=(*artworks, *gone[-MAX_KEPT:]),
        updated_at_ms=now_ms,
    )


def withdraw(held: StoredTitle, *, now_ms: int) -> StoredTitle:
    """Return the title with all its artworks removed: nothing of it is chosen any more."""
    artworks = tuple(_remove(kept, now_ms) for kept in held.artworks)
    return StoredTitle(
        id=held.id, name=held.name, group=held.group, artworks=artworks, updated_at_ms=now_ms
    )


def _put(before: StoredArtwork | None, artwork: Artwork, now_ms: int) -> StoredArtwork:
    if before is None:
        first = Described(since_ms=now_ms, description=artwork.description)
        return StoredArtwork(artwork=artwork, history=(first,))
    history = before.history
    if history[-1].description != artwork.description:
        history = (*history, Described(since_ms=now_ms, description=artwork.description))
    return StoredArtwork(artwork=artwork, history=history[-MAX_DESCRIPTIONS:])


def _remove(kept: StoredArtwork, now_ms: int) -> StoredArtwork:
    if kept.removed_at_ms is not None:
        return kept
    return StoredArtwork(artwork=kept.artwork, history=kept.history, removed_at_ms=now_ms)
