"""A batch's events by what they concern, sorted out in one look at each."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import structs

from keyart.schemas.events import AboutTitle, Erasure, Event, Impression, Proposed
from keyart.streams.ports import LogRecord
from keyart.streams.steps import join, taste
from keyart.streams.steps.join import Logged
from keyart.streams.steps.reasons import counter

MAX_FAST_MS = 600_000
"""What a device's clock may be ahead before its times are replaced by those of receipt."""


class Came(NamedTuple):
    """What a batch brings, each list in the log's order.

    moving: what may move what is known of a viewer, which impressions do not, at times that it may
    be taken at. joining: by viewer, what the join takes.
    """

    moving: list[taste.Logged]
    joining: dict[str, list[Logged | Erasure]]


def sort_out(read: Sequence[tuple[LogRecord, Event]], counts: Counter[str]) -> Came:
    """Return it. Counts `events`, `proposed`, and what names a decision of somebody else."""
    came = Came([], {})
    joining = came.joining
    counts["events"] += len(read)
    for record, event in read:
        at_ms = record.logged_at_ms
        if isinstance(event, AboutTitle):
            seen = isinstance(event, Impression)
            if join.is_foreign(event):
                counts[counter("foreign", impression=seen)] += 1
                continue
            its = joining.get(event.viewer)
            if its is None:
                its = joining[event.viewer] = []
            its.append(Logged(at_ms, event))
            if seen:
                continue
        elif isinstance(event, Proposed):
            # what was proposed teaches by what viewers do of it; it is logged to be judged
            counts["proposed"] += 1
            continue
        elif isinstance(event, Erasure):
            joining.setdefault(event.viewer, []).append(event)
        came.moving.append((at_ms, _bounded(event, at_ms)))
    return came


def _bounded(event: Event, at_ms: int) -> Event:
    """Return the event as taste may take it: it did not happen long after the log had it.

    Taste fades by the time of its events: a clock hours ahead would wipe out what was there.
    """
    if 0 < at_ms < event.occurred_at_ms - MAX_FAST_MS:
        return structs.replace(event, occurred_at_ms=at_ms)
    return event
