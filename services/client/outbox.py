"""Events that wait to be sent: bounded, in batches, and what is lost is counted."""

import logging
import re
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from keyart.schemas.errors import KeyartError, SettingsError
from keyart.services.client.answers import Choice
from keyart.services.client.calls import MAX_EVENTS, Event
from keyart.services.client.errors import ErrorAnswer

log = logging.getLogger("keyart.client")

Kind = Literal["impression", "click", "play", "finish", "like", "hide"]
PLACE: Final = re.compile(r"\$\.events\[(\d+)\]")


@dataclass(slots=True)
class Counts:
    """What came of events: sent, dropped because the queue was full, refused by the server."""

    sent: int = 0
    dropped: int = 0
    refused: int = 0


@dataclass(slots=True)
class Outbox:
    """A queue of events; not for several threads at once.

    Parameters
    ----------
    most
        Events that may wait; when one more comes, the oldest goes.
    batch
        Events of one call, up to 1,000.
    """

    most: int
    batch: int
    counts: Counts = field(default_factory=Counts)
    _waiting: deque[Event] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 1 <= self.batch <= MAX_EVENTS:
            raise SettingsError(f"batch must be 1 to {MAX_EVENTS}, not {self.batch}")
        if not self.batch <= self.most <= 10_000_000:
            raise SettingsError(f"queue must be {self.batch} to 10,000,000, not {self.most}")

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    @property
    def full_batch(self) -> bool:
        """Whether a whole batch waits."""
        return len(self._waiting) >= self.batch

    def add(self, event: Event) -> None:
        """Take one in; the oldest goes when there is no room."""
        self._waiting.append(event)
        self._bound()

    def take(self) -> list[Event]:
        """Return the next batch, and hold it no longer."""
        count = min(self.batch, len(self._waiting))
        return [self._waiting.popleft() for _ in range(count)]

    def again(self, events: Sequence[Event]) -> None:
        """Put back, in front, what could not be sent."""
        self._waiting.extendleft(reversed(events))
        self._bound()

    def drop_all(self) -> None:
        """Let go of everything, counted."""
        self._drop(len(self._waiting), "the client was closed before they could be sent")
        self._waiting.clear()

    def came_back(self, events: Sequence[Event], error: KeyartError) -> bool:
        """Take in that a batch was not accepted; return whether to wait before the next.

        Parameters
        ----------
        events
            The batch.
        error
            Why: of one that may be tried again the batch goes back in front; of one that names the
            events that are wrong the others do; of any other nothing does.
        """
        if error.retriable:
            self.again(events)
            return True
        wrong: set[int] = set()
        if isinstance(error, ErrorAnswer):
            places = (PLACE.match(fault.where) for fault in error.problem.faults)
            wrong = {int(place[1]) for place in places if place}
        right = [event for at, event in enumerate(events) if at not in wrong] if wrong else []
        self.counts.refused += len(events) - len(right)
        log.warning("%d events were refused: %s", len(events) - len(right), error)
        self.again(right)
        # of a key without the scope, or an address that is wrong, the next batch fares no better
        return not wrong

    def _bound(self) -> None:
        if (over := len(self._waiting) - self.most) > 0:
            for _ in range(over):
                self._waiting.popleft()
            self._drop(over, f"more than {self.most} wait")

    def _drop(self, count: int, why: str) -> None:
        before, self.counts.dropped = self.counts.dropped, self.counts.dropped + count
        # the first, and then one line for each thousand: a queue that is full stays full
        if count and (not before or before // 1000 < self.counts.dropped // 1000):
            log.warning("%d events dropped so far: %s", self.counts.dropped, why)


def event_of(
    kind: Kind,
    viewer: str,
    choice: Choice,
    *,
    surface: str = "home",
    minutes: float | None = None,
    at_ms: int | None = None,
) -> Event:
    """Return the event of what a viewer did with a choice, with an id of its own.

    The id is made here, once: however often the event is sent, it counts once.
    """
    made: Event = {
        "type": kind,
        "id": uuid.uuid4().hex,
        "viewer": viewer,
        "title": choice.title,
        "artwork": choice.artwork,
        "surface": surface,
        "occurred_at_ms": time.time_ns() // 1_000_000 if at_ms is None else at_ms,
    }
    if choice.id:
        made["decision"] = choice.id
    if minutes is not None:
        made["minutes"] = minutes
    return made
