"""How many bytes of events of a lane wait for their decisions, and who has waited longest."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from keyart.streams.steps.join import Early
from keyart.streams.steps.join.logged import first_of

MAX_EARLY_BYTES: Final = 64_000_000
"""Of a lane: some 200,000 events. What one viewer may have waiting is bounded by the join."""
LIST_BYTES, OWN_BYTES = 3, 10
"""Of a viewer's list, and of an event in it beside the event: at most."""
AT_ONCE: Final = 500
"""Viewers whose waiting events go with one commit, at most."""


class Wait(NamedTuple):
    """What waits of a viewer: since when, and how many bytes."""

    since_ms: int
    size: int


class EarlyIndex:
    """What waits, by viewer; the events themselves are in the store.

    Attributes
    ----------
    size
        Bytes of all.
    """

    def __init__(self) -> None:
        self.size = 0
        self._held: dict[str, Wait] = {}

    def put(self, viewer: str, early: Sequence[Early]) -> None:
        """Take what waits of a viewer now, in place of what did."""
        if (before := self._held.pop(viewer, None)) is not None:
            self.size -= before.size
        if early:
            size = LIST_BYTES + OWN_BYTES * len(early) + sum([len(each.event) for each in early])
            self._held[viewer] = Wait(first_of(early), size)
            self.size += size

    def beyond(self, most: int) -> list[str]:
        """Return the viewers who have waited longest, whose events are more than is over `most`.

        As many as are over, but `AT_ONCE` at most; of those who came at once the first by name.
        """
        over, found = self.size - most, list[str]()
        if over <= 0:
            return found
        for viewer in sorted(self._held, key=lambda name: (self._held[name].since_ms, name)):
            if over <= 0 or len(found) >= AT_ONCE:
                break
            over -= self._held[viewer].size
            found.append(viewer)
        return found
