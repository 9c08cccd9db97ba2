"""What came of the pages of proposals that a site served, from its log."""

from collections.abc import Iterator

from keyart.models.serendipity.measure.lived import Lived, lived
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.events import Event, Proposed
from keyart.schemas.topics import EVENTS
from keyart.streams.history import History


def came_of(history: History, partitions: int, *, since_ms: int, seed: int = 0) -> dict[str, Lived]:
    """Return what came of the pages since a time, by kind of place.

    The log is read twice, and what is held is of those pages alone.
    """
    pages = [each for each in _events(history, partitions, since_ms) if isinstance(each, Proposed)]
    shown = {(page.viewer, place.title) for page in pages for place in page.titles}
    acts = (
        each
        for each in _events(history, partitions, since_ms)
        if (each.viewer, getattr(each, "title", "")) in shown
    )
    return lived([*pages, *acts], seed=seed)


def _events(history: History, partitions: int, since_ms: int) -> Iterator[Event]:
    for partition in range(partitions):
        for record in history.read(EVENTS, partition):
            try:
                event = codec.events.decode(record.value)
            except InvalidRecord:
                continue  # its lane sets it aside
            if event.occurred_at_ms >= since_ms:
                yield event
