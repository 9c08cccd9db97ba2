"""The event log on Valkey Streams: one stream a partition, with a consumer group for each reader.

A group's position is moved by the reader's own atomic commit, so `XINFO GROUPS` shows how far it is
(`last-delivered-id`; its `lag` is unknown to the server whenever a group stands amid a stream).
"""

import time
from collections.abc import Sequence
from typing import Any

import redis

from keyart.schemas.errors import LogAway, StoreAway
from keyart.schemas.topics import TOPICS, partition_of
from keyart.streams.ports import ARCHIVE_GROUP, LogRecord, Output
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

MOST_BYTES = 8_000_000
"""What is read at once: a record may be of 1 MB, and becomes ten times that in a step's memory."""
_FIRST = 20
_AT_ONCE = 100
READERS = {
    topic.name: (*filter(None, (topic.lane,)), *((ARCHIVE_GROUP,) if topic.archived else ()))
    for topic in TOPICS
}
"""Topic -> the groups that read it: its lanes', and the archive's."""


class ValkeyLog:
    """An append-only log in Valkey Streams."""

    def __init__(self, client: Any, keys: Keys, *, partitions: int = 1) -> None:
        self._client = client
        self._keys = keys
        self._partitions = partitions

    def create(self) -> None:
        """Create the streams and their consumer groups where they are missing."""
        with translated():
            for topic, groups in READERS.items():
                for partition in range(self._partitions):
                    for group in groups:
                        self._create_group(self._keys.stream(topic, partition), group)

    def _create_group(self, stream: str, group: str) -> None:
        try:
            self._client.xgroup_create(stream, group, id="0", mkstream=True)
        except redis.ResponseError as refused:
            if "BUSYGROUP" not in str(refused):
                raise

    def partitions(self, topic: str) -> int:
        """Return the number of partitions of the topic."""
        return self._partitions

    def made_with(self) -> int | None:
        """Return how many partitions there are streams for; None for none, and nothing is made."""
        count = 0
        with translated():
            while self._client.exists(self._keys.stream(TOPICS[0].name, count)):
                count += 1
        return count or None

    def append(self, outputs: Sequence[Output]) -> None:
        """Append all records in one transaction, or none.

        Raises
        ------
        LogAway
            The server could not be reached.
        """
        try:
            with translated():
                pipeline = self._client.pipeline(transaction=True)
                for topic, key, value in outputs:
                    stream = self._keys.stream(topic, partition_of(key, self._partitions))
                    pipeline.xadd(stream, entry(key, value))
                pipeline.execute()
        except StoreAway as away:
            raise LogAway(str(away)) from None

    def read(self, topic: str, partition: int, *, after: str | None, count: int) -> list[LogRecord]:
        """Return up to `count` records after the offset, without waiting.

        They are fewer, but at least one, where so many would be more than `MOST_BYTES`.
        """
        return self.batch(topic, partition, after=after, count=count)[0]

    def batch(
        self, topic: str, partition: int, *, after: str | None, count: int, most: int = MOST_BYTES
    ) -> tuple[list[LogRecord], bool]:
        """Return up to `count` records and whether they end the stream.

        They are of no more than `most` bytes, but for the last of them.
        """
        stream, found, size = self._keys.stream(topic, partition), list[LogRecord](), 0
        step = _FIRST
        while True:
            step = min(step, count - len(found))
            low = "-" if after is None else f"({after}"
            with translated():
                entries = self._client.xrange(stream, min=low, count=step)
            for entry in entries:
                found.append(_record(topic, partition, *entry))
                size += len(found[-1].value)
                if size >= most:
                    return found, False
            if len(entries) < step:
                return found, True
            if len(found) >= count:
                return found, False
            after, step = found[-1].offset, _AT_ONCE

    def tail(self, topic: str, partition: int, count: int) -> list[LogRecord]:
        """Return the last `count` records, the newest first."""
        with translated():
            found = self._client.xrevrange(self._keys.stream(topic, partition), count=count)
        return [_record(topic, partition, *entry) for entry in found]

    def wait(self, after: dict[tuple[str, int], str | None], timeout_ms: int) -> None:
        """Return as soon as any of the partitions has a record after its offset, or on time-out."""
        streams = {
            self._keys.stream(topic, partition): offset or "0"
            for (topic, partition), offset in after.items()
        }
        with translated():
            self._client.xread(streams, count=1, block=max(1, timeout_ms))

    def move_group(self, topic: str, partition: int, group: str, offset: str) -> None:
        """Set a group's position."""
        with translated():
            self._client.xgroup_setid(self._keys.stream(topic, partition), group, offset)

    def group_offset(self, topic: str, partition: int, group: str) -> str | None:
        """Return the group's position, None at the start."""
        with translated():
            for found in self._client.xinfo_groups(self._keys.stream(topic, partition)):
                if found["name"].decode() == group:
                    offset: str = found["last-delivered-id"].decode()
                    return None if offset == "0-0" else offset
        return None

    def trim(self, topic: str, partition: int, upto: str) -> int:
        """Drop the records up to and including this offset; return how many went."""
        millis, _, running = upto.partition("-")
        with translated():
            return int(
                self._client.xtrim(
                    self._keys.stream(topic, partition),
                    minid=f"{millis}-{int(running) + 1}",
                    approximate=False,
                )
            )

    def bound(self, topic: str, partition: int, *, most: int, most_bytes: int) -> int:
        """Drop the oldest records of a stream until it holds no more; return how many went.

        Parameters
        ----------
        most, most_bytes
            Records, and the server's memory for them, as it says.
        """
        stream, gone = self._keys.stream(topic, partition), 0
        with translated():
            while length := int(self._client.xlen(stream)):
                size = int(self._client.memory_usage(stream, samples=0) or 0)
                kept = min(most, length, int(length * most_bytes / max(size, most_bytes)))
                if kept >= length:
                    break
                gone += int(self._client.xtrim(stream, maxlen=kept, approximate=False))
        return gone

    def delete(self, topic: str, partition: int, offsets: Sequence[str]) -> int:
        """Delete single records (a viewer's erasure); return how many there were."""
        with translated():
            return int(self._client.xdel(self._keys.stream(topic, partition), *offsets))

    def appended(self, topic: str, partition: int) -> int:
        """Return the number of records ever appended, trimmed ones too."""
        with translated():
            return int(
                self._client.xinfo_stream(self._keys.stream(topic, partition))["entries-added"]
            )

    def length(self, topic: str, partition: int) -> int:
        """Return the number of records held."""
        with translated():
            return int(self._client.xlen(self._keys.stream(topic, partition)))


def entry(key: str, value: bytes) -> dict[str, str | bytes | int]:
    """Return the fields of an entry.

    They hold the time, because the entry's id may not: ids only ever grow, so that after a clock
    that was ahead for a moment they stay ahead until time has caught up.
    """
    return {"k": key, "v": value, "t": time.time_ns() // 1_000_000}


def _logged_at_ms(text: str, fields: dict[bytes, bytes]) -> int:
    """Return when an entry was taken in: by its own word, else (before it had one) by its id."""
    said = fields.get(b"t", b"")
    return (
        int(said) if said.isdigit() and len(said) <= _MOST_DIGITS else int(text.partition("-")[0])
    )


_MOST_DIGITS = 15


def _record(topic: str, partition: int, offset: bytes, fields: dict[bytes, bytes]) -> LogRecord:
    """Return an entry as a record; what it lacks is empty, and whoever reads that sets it aside."""
    text = offset.decode()
    at_ms = _logged_at_ms(text, fields)
    key = fields.get(b"k", b"").decode(errors="replace")
    return LogRecord(topic, partition, text, key, fields.get(b"v", b""), at_ms)
