"""What came of the pages of proposals that a site served, from its log, and kept for the page."""

from collections.abc import Iterator

from keyart.models.serendipity.measure.watched import Came, engaged_elsewhere, watched
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.events import Event, Proposed
from keyart.schemas.topics import EVENTS
from keyart.streams.history import History
from keyart.streams.site import Note, Register


def came_of(
    history: History, partitions: int, *, since_ms: int, at_ms: int = 0, seed: int = 0
) -> Came:
    """Return what came of the pages since a time.

    The log is read up to three times, and what is held is of those pages and their viewers alone.
    """
    pages = [each for each in _events(history, partitions, since_ms) if isinstance(each, Proposed)]
    if not pages:
        return watched([], since_ms=since_ms, at_ms=at_ms)
    shown = {(page.viewer, place.title) for page in pages for place in page.titles}
    acts = (
        each
        for each in _events(history, partitions, since_ms)
        if (each.viewer, getattr(each, "title", "")) in shown
    )
    beside = engaged_elsewhere(
        _events(history, partitions, since_ms), {page.viewer for page in pages}, shown
    )
    return watched([*pages, *acts], beside, since_ms=since_ms, at_ms=at_ms, seed=seed)


def keep(register: Register, came: Came) -> None:
    """Keep what came of pages where every process of the api reads it."""
    register.write(Note.PROPOSED, codec.pack(came))


def kept(register: Register) -> Came | None:
    """Return what was kept last; None if nothing was, or it cannot be read."""
    if (data := register.read(Note.PROPOSED)) is None:
        return None
    try:
        return codec.unpack(data, Came)
    except InvalidRecord:
        return None


def _events(history: History, partitions: int, since_ms: int) -> Iterator[Event]:
    for partition in range(partitions):
        for record in history.read(EVENTS, partition):
            try:
                event = codec.events.decode(record.value)
            except InvalidRecord:
                continue  # its lane sets it aside
            if event.occurred_at_ms >= since_ms:
                yield event
