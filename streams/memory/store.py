"""The state store and the log in memory: the reference implementation, for tests and replay."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

from keyart.schemas.errors import Fenced, OffsetMismatch
from keyart.schemas.topics import partition_of
from keyart.streams.families import ANNOUNCED, OF_VIEWERS
from keyart.streams.ports import Commit, Lane, LogRecord, Output, Ownership


class MemoryLog:
    """An append-only log in memory; offsets are running numbers."""

    def __init__(self, *, partitions: int = 1) -> None:
        self._partitions = partitions
        self._records: dict[tuple[str, int], list[LogRecord]] = defaultdict(list)

    def partitions(self, topic: str) -> int:
        """Return the number of partitions of the topic."""
        return self._partitions

    def append(self, outputs: Sequence[Output], *, at_ms: int = 0) -> None:
        """Append all records; `at_ms` is the time the log gives them."""
        for topic, key, value in outputs:
            partition = partition_of(key, self._partitions)
            held = self._records[topic, partition]
            held.append(LogRecord(topic, partition, f"{len(held):012d}", key, value, at_ms))

    def read(
        self, topic: str, partition: int, *, after: str | None, count: int
    ) -> Sequence[LogRecord]:
        """Return up to `count` records after the offset."""
        start = 0 if after is None else int(after) + 1
        return self._records[topic, partition][start : start + count]


class Appends(Protocol):
    """Takes the outputs of commits."""

    def append(self, outputs: Sequence[Output]) -> None:
        """Append all records."""


class MemoryStore:
    """Lane state in dictionaries, with the same atomicity and fencing as the servers.

    With a log, the outputs of a commit are appended to it inside the commit.
    """

    def __init__(self, log: Appends | None = None) -> None:
        self._log = log
        self._epochs: dict[Lane, int] = defaultdict(int)
        self._numbers: dict[Lane, int] = defaultdict(int)
        self._offsets: dict[Lane, dict[str, str]] = defaultdict(dict)
        self._counts: dict[Lane, dict[str, int]] = defaultdict(dict)
        self._families: dict[tuple[Lane, str], dict[str, bytes]] = defaultdict(dict)
        self._changed: dict[Lane, dict[str, int]] = defaultdict(dict)

    def acquire(self, lane: Lane) -> Ownership:
        """Become the lane's only owner."""
        self._epochs[lane] += 1
        return Ownership(self._epochs[lane], self._numbers[lane])

    def offsets(self, lane: Lane) -> dict[str, str]:
        """Return the committed offset of each topic."""
        return dict(self._offsets[lane])

    def size(self, lane: Lane, family: str) -> int:
        """Return how many keys the family has."""
        return len(self._families[lane, family])

    def counts(self, lane: Lane) -> dict[str, int]:
        """Return the lane's counters."""
        return dict(self._counts[lane])

    def read(self, lane: Lane, family: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values in the order of the keys."""
        held = self._families[lane, family]
        return [held.get(key) for key in keys]

    def scan(self, lane: Lane, family: str) -> Iterator[tuple[str, bytes]]:
        """Yield every (key, value) of the family."""
        yield from list(self._families[lane, family].items())

    def commit(self, commit: Commit) -> None:
        """Write the commit, or nothing of it."""
        lane = commit.lane
        if commit.epoch != self._epochs[lane]:
            raise Fenced(f"lane {lane.kind} {lane.partition} has another owner now")
        if commit.number == self._numbers[lane]:
            return
        if commit.number != self._numbers[lane] + 1:
            raise OffsetMismatch(f"lane {lane.kind} is not at commit {commit.number - 1}")
        self._numbers[lane] = commit.number
        for (family, key), value in commit.puts.items():
            held = self._families[lane, family]
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value
        announced = [key for family, key in commit.puts if family in ANNOUNCED]
        version = max(self._changed[lane].values(), default=0) + 1
        self._changed[lane].update(dict.fromkeys(announced, version))
        self._offsets[lane].update(commit.offsets)
        for name, count in commit.counts.items():
            self._counts[lane][name] = self._counts[lane].get(name, 0) + count
        if self._log is not None and commit.outputs:
            self._log.append(commit.outputs)

    def changed(self, lane: Lane, since: int) -> tuple[int, list[str]]:
        """Return the lane's newest version and the titles that changed after version `since`."""
        held = self._changed[lane]
        newest = max(held.values(), default=0)
        if since > newest:
            since = 0
        return newest, [title for title, version in held.items() if version > since]

    def forget(self, lane: Lane, viewer: str) -> None:
        """Delete at once what is kept of a viewer by key."""
        for family in OF_VIEWERS:
            self._families[lane, family].pop(viewer, None)

    def clear(self, lane: Lane) -> None:
        """Forget the lane's state, offsets, number and counters, but not its epoch."""
        self._offsets.pop(lane, None)
        self._counts.pop(lane, None)
        self._numbers.pop(lane, None)
        self._changed.pop(lane, None)
        for held in [key for key in self._families if key[0] == lane]:
            del self._families[held]
