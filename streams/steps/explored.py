"""The step of what viewers explore: a title that was taken or hidden, a cluster that was declined.

A viewer's record is a set of marks with times, joined by the later time: events may come in any
order, and twice. Only an erasure, or a correction that resets, begins anew. A title counts as taken
after a play of two minutes, a finish or a like; a click is a look. What cluster a title is of is
not kept: it is asked of the table that serves, so that a new table needs no replay.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from keyart.models.taste.strength import QUALITY_MINUTES
from keyart.schemas.events import Adoption, Correction, Erasure, Event, Finish, Hide, Like, Play
from keyart.schemas.explored import (
    ALLOWED,
    DECLINED,
    HID,
    LAST_S,
    TOOK,
    Marks,
    joined,
    mark_of,
    pack_explored,
    unpack_explored,
)
from keyart.streams.families import EXPLORED
from keyart.streams.steps.effects import Effects, Held, Wanted
from keyart.streams.steps.taste import Logged

MARKING: Final = frozenset((Play, Finish, Like, Hide, Correction, Adoption, Erasure))


def marks_of(event: Event) -> Marks:
    """Return the marks that an event makes, none for most."""
    at_s = min(event.occurred_at_ms // 1000, LAST_S)
    match event:
        case Play(minutes=minutes) if minutes < QUALITY_MINUTES:
            return {}
        case Play() | Finish() | Like():
            return {mark_of(event.title, TOOK): at_s}
        case Hide():
            return {mark_of(event.title, HID): at_s}
        case Correction():
            return {mark_of(each, DECLINED): at_s for each in event.declined} | {
                mark_of(each, ALLOWED): at_s for each in event.allowed
            }
        case Adoption():
            return unpack_explored(event.explored or None)
        case _:
            return {}


def begins_anew(event: Event) -> bool:
    """Return whether nothing of before counts any more."""
    return isinstance(event, Erasure) or (isinstance(event, Correction) and event.reset)


def wanted(events: Iterable[Event]) -> Wanted:
    """Return the records that these events may change."""
    return {(EXPLORED, event.viewer) for event in events if _may_change(event)}


def explored_step(held: Held, events: Sequence[Logged]) -> Effects:
    """Return the records after these events.

    Counts `explored`: marks made, also those that were there already.
    """
    effects = Effects()
    now: dict[str, Marks] = {}
    for _, event in events:
        if not _may_change(event):
            continue
        viewer = event.viewer
        before = now[viewer] if viewer in now else unpack_explored(held[EXPLORED, viewer])
        made = marks_of(event)
        now[viewer] = joined({} if begins_anew(event) else before, made)
        effects.counts["explored"] += len(made)
    for viewer, marks in now.items():
        kept = pack_explored(marks) if marks else None
        if kept != held[EXPLORED, viewer]:
            effects.puts[EXPLORED, viewer] = kept
    return effects


def _may_change(event: Event) -> bool:
    # most are impressions, and this is asked of every event
    if type(event) not in MARKING:
        return False
    return not isinstance(event, Play) or event.minutes >= QUALITY_MINUTES
