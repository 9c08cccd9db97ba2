"""What the steps' drivers need from the outside: a state store, a log, and a clock.

A *lane* is the smallest thing with one owner: one partition of the viewers' topics (events and
decisions: tastes and open decisions) or of the titles' topic (rewards: posteriors). All keys of a
lane share a hash slot, so one commit is atomic on a cluster too.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from keyart.schemas.topics import TITLES as TITLES
from keyart.schemas.topics import TOPICS_OF as TOPICS_OF
from keyart.schemas.topics import VIEWERS as VIEWERS


class Lane(NamedTuple):
    """`kind` is "viewers" or "titles"; `partition` counts from 0."""

    kind: str
    partition: int


class LogRecord(NamedTuple):
    """One record as the log holds it. Offsets of one partition sort in the log's own order."""

    topic: str
    partition: int
    offset: str
    key: str
    value: bytes
    logged_at_ms: int


def sortable(offset: str) -> str:
    """Return the offset such that texts sort as offsets do: numbers filled up with zeros."""
    return "-".join(part.zfill(20) for part in offset.split("-"))


class Output(NamedTuple):
    """A record that a step produces."""

    topic: str
    key: str
    value: bytes


class Ownership(NamedTuple):
    """The epoch to write with, and the number of the lane's last commit."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Everything one batch changes in a lane, written in one atomic step or not at all.

    puts: (family, key) -> bytes, or None to delete. offsets: topic -> offset of the last record
    that this commit covers. outputs: records that are in the log if, and only if, the commit is.
    counts: counter name -> increment, kept with the lane. number: one more than the lane's last
    commit, so that a commit sent again after a lost answer is recognised.
    """

    lane: Lane
    epoch: int
    number: int
    puts: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    offsets: dict[str, str] = field(default_factory=dict)
    outputs: Sequence[Output] = ()
    counts: dict[str, int] = field(default_factory=dict)


class StateStore(Protocol):
    """Lane state, in families of keys.

    `taste`, `assigned` and `title` have many keys that others read too; `visits`, `pages`,
    `windows`, `meta` and `timeline` are the lane's own.
    """

    def acquire(self, lane: Lane) -> Ownership:
        """Become the lane's only owner; earlier owners are fenced from here on."""

    def offsets(self, lane: Lane) -> dict[str, str]:
        """Return the committed offset of each topic; a topic never read is absent."""

    def read(self, lane: Lane, family: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values in the order of the keys."""

    def scan(self, lane: Lane, family: str) -> Iterator[tuple[str, bytes]]:
        """Yield every (key, value) of the family."""

    def commit(self, commit: Commit) -> None:
        """Write the commit atomically.

        Raises
        ------
        Fenced
            Another owner acquired the lane; nothing was written.
        OffsetMismatch
            The commit's number is not the next; nothing was written.
        StoreAway
            The store could not be reached. Whether the commit was written is not known; sending
            the same commit again is safe.
        """

    def size(self, lane: Lane, family: str) -> int:
        """Return how many keys a family of the lane's own has; not `taste` or `title`."""

    def counts(self, lane: Lane) -> dict[str, int]:
        """Return the lane's counters."""

    def forget(self, lane: Lane, viewer: str) -> None:
        """Delete at once what is kept of a viewer by key, beside the lane's owner.

        The owner does it again, with all else that the lane has, when it reads of the erasure.
        """

    def clear(self, lane: Lane) -> None:
        """Forget the lane's state, offsets and counters, but not its epoch; replay starts here."""


class Announced(Protocol):
    """Lane state whose changes are announced, so that a reader fetches only what is new."""

    def read(self, lane: Lane, family: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values in the order of the keys."""

    def changed(self, lane: Lane, since: int) -> tuple[int, list[str]]:
        """Return the lane's newest version and the titles that changed after version `since`.

        A lane that was cleared counts anew: a version below `since` returns all its titles.
        """


ARCHIVE_GROUP = "archive"
"""The group of an embedded log that stands where the archive does."""


class Log(Protocol):
    """The event log: append-only, in partitions, read from any offset."""

    def append(self, outputs: Sequence[Output]) -> None:
        """Append all or none. Returns once they are as durable as the log is set to make them."""

    def read(
        self, topic: str, partition: int, *, after: str | None, count: int
    ) -> Sequence[LogRecord]:
        """Return up to `count` records after the offset (None: from the first), without waiting."""

    def partitions(self, topic: str) -> int:
        """Return the number of partitions of the topic."""


class AsyncLog(Protocol):
    """The log as the api appends to it, on its event loop."""

    async def append(self, outputs: Sequence[Output]) -> Sequence[str]:
        """Append all or none; return the offsets once the log has the records.

        Raises
        ------
        LogAway
            The log could not be reached.
        """


class ViewerState(NamedTuple):
    """What is stored of a viewer: the taste, and what was assigned; None where there is nothing."""

    taste: bytes | None
    assigned: bytes | None


class TasteReader(Protocol):
    """Where the api reads what is stored of a viewer, on its event loop."""

    async def read_all(self, viewer: str) -> ViewerState:
        """Return taste and assignments, in one round trip.

        Raises
        ------
        StoreAway
            They did not come in time.
        """

    async def read(self, viewer: str) -> bytes | None:
        """Return the stored taste, None when there is none.

        Raises
        ------
        StoreAway
            It did not come in time.
        """


class ExploredReader(TasteReader, Protocol):
    """Where the api reads, besides, what a viewer has explored."""

    async def read_explored(self, viewer: str) -> bytes | None:
        """Return the record of what the viewer has explored, None when there is none.

        Raises
        ------
        StoreAway
            It did not come in time.
        """


class OnLoop(NamedTuple):
    """Tastes and log on an event loop, and what to await at the end, in that order."""

    tastes: ExploredReader
    log: AsyncLog
    close: tuple[Callable[[], Awaitable[Any]], ...]


class Clock(Protocol):
    """Now, in milliseconds since 1970-01-01 UTC."""

    def __call__(self) -> int:
        """Return the time."""
