"""What the join keeps of a viewer, of an open window, and of who was erased of late."""

import hashlib
from typing import Final, TypeVar

from msgspec import Struct

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rewards import Reward
from keyart.streams.steps.join.clocks import Stamp
from keyart.streams.steps.join.logged import Early, Logged, first_of
from keyart.streams.steps.join.rules import HOUR_MS, JoinRules

MAX_EVENTS: Final = 32
"""Of one decision."""
BUCKETS: Final = 4096
DAY_MS: Final = 86_400_000
LATEST_MS: Final = 4_200_000_000_000
_DUE: Final = 8
S = TypeVar("S", "Visit", "Window")


class PageState(Struct, array_like=True):
    """One page: until when its decisions may be met, and the marks of those that were seen."""

    number: int
    due_ms: int
    seen: bytes = b""

    def has_seen(self, mark: bytes) -> bool:
        """Return whether the decision of this `Assigned.mark_at` was seen."""
        at = -1
        while (at := self.seen.find(mark, at + 1)) >= 0:
            if at % len(mark) == 0:
                return True
        return False


class Visit(Struct, array_like=True):
    """What the join keeps of a viewer beside what was assigned.

    `due_ms` is when something of it is over; `hour` and `rewards` are what the viewer taught in the
    hour in which the last of it was received, `taught` the same by a mark of the title. `since_ms`
    is when the viewer was first decided for, as far as anything is kept; 0: before that was kept.
    """

    due_ms: int = 0
    next_page: int = 0
    pages: list[PageState] = []
    early: list[Early] = []
    hour: int = 0
    rewards: int = 0
    since_ms: int = 0
    taught: dict[int, int] = {}

    def until(self, rules: JoinRules) -> int | None:
        """Return when the next of it is over, None when there is nothing."""
        times = [page.due_ms for page in self.pages]
        if self.early:
            times.append(first_of(self.early) + rules.patience_ms)
        if self.rewards:
            times.append((self.hour + 1) * HOUR_MS + rules.patience_ms)
        return min(times, default=None)


class Window(Struct, array_like=True):
    """A decision that was seen, or engaged with: its reward so far, and what may count for it."""

    due_ms: int
    reward: Reward
    shown: Stamp | None = None
    events: list[Logged] = []


class Trace(Struct, array_like=True):
    """Of viewers who were erased: when the last was, and what they had taught in which hour."""

    erased_at_ms: int
    hour: int = 0
    rewards: int = 0


Traces = dict[int, Trace]
"""By bucket of viewers: of an erased viewer nothing is kept that could be tied back to them. One
bucket stands for a 4096th of all, so whoever shares it is limited a little earlier for an hour."""


def bucket_of(viewer: str) -> int:
    """Return the viewer's bucket, 0 to `BUCKETS` - 1."""
    digest = hashlib.blake2b(viewer.encode(), digest_size=2, person=b"erased").digest()
    return int.from_bytes(digest, "little") % BUCKETS


def lasting(traces: Traces, now_ms: int) -> Traces:
    """Return the traces that are younger than a day."""
    return {at: trace for at, trace in traces.items() if now_ms - trace.erased_at_ms < DAY_MS}


def window_key(viewer: str, decision: str) -> str:
    """Return the key of a decision's window: no viewer's can be met by another's events."""
    return f"{viewer}/{decision}"


def page_key(viewer: str, number: int) -> str:
    """Return the key of a viewer's page."""
    return f"{viewer}/{number}"


def pack_due(record: Visit | Window) -> bytes:
    """Return the record, with the moment at which it is due in front."""
    return record.due_ms.to_bytes(_DUE, "little", signed=True) + codec.pack(record)


def due_of(value: bytes) -> int:
    """Return when a packed record is due, without reading it.

    Raises
    ------
    InvalidRecord
        It is something else.
    """
    due_ms = int.from_bytes(value[:_DUE], "little", signed=True)
    if len(value) <= _DUE or not 0 <= due_ms <= LATEST_MS:
        raise InvalidRecord(f"{len(value)} bytes that say when they are due: {due_ms}")
    return due_ms


def unpack_due(value: bytes, kind: type[S]) -> S:
    """Return the record.

    Raises
    ------
    InvalidRecord
        It is something else.
    """
    if len(value) <= _DUE:
        raise InvalidRecord(f"stored {kind.__name__}: {len(value)} bytes")
    return codec.unpack(value[_DUE:], kind)
