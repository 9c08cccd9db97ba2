"""The state store on Valkey or Redis: one script writes a batch's effects and its offset."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.resources import files
from itertools import islice
from typing import Any

import redis

from keyart.schemas import codec
from keyart.schemas.errors import Fenced, OffsetMismatch
from keyart.schemas.explored import explored_until
from keyart.schemas.taste import idle_since
from keyart.schemas.topics import partition_of
from keyart.streams.families import ANNOUNCED, BY_KEY, EXPLORED, HASHES, OF_VIEWERS, TASTE
from keyart.streams.letters import reason_of, state_letter
from keyart.streams.ports import TOPICS_OF, Commit, Lane, Output, Ownership
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.mend import mend

log = logging.getLogger(__name__)
_SCAN = 1000
_OUTBOX = 100
_NUMBER = b"#"
_OFFSET = re.compile(rb"\d+(-\d+)?")
_FIXED = ("epoch", "offsets", "counts", "changed", "version", "outbox")
_DELETE_UNMOVED = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
_PARTS = (
    *("set", "drop", "announce", "hset", "hdel"),
    *("offsets", "counts", "append", "groups", "outbox"),
)


class ValkeyStore:
    """Lane state in Valkey or Redis, single or cluster.

    Families read by key are one string each; the others are one hash a family. Titles that change
    are announced in a sorted set by version, so that a reader fetches only what is new.

    Parameters
    ----------
    client
        From `connect`.
    keys
        Key names.
    streams
        True when the log is on the same server: outputs are then appended, and consumer groups
        moved, inside the commit. False: outputs go to the lane's outbox, for a producer to send.
    partitions
        Of each topic.
    """

    def __init__(
        self,
        client: Any,
        keys: Keys,
        *,
        streams: bool,
        partitions: int = 1,
    ) -> None:
        self._client = client
        self._keys = keys
        self._streams = streams
        self._partitions = partitions
        scripts = files("keyart.streams.valkey")
        self._script = client.register_script(scripts.joinpath("commit.lua").read_text())
        self._values = client.register_script(scripts.joinpath("read.lua").read_text())
        self._unmoved = client.register_script(_DELETE_UNMOVED)
        self._sent = client.register_script(scripts.joinpath("sent.lua").read_text())

    def acquire(self, lane: Lane) -> Ownership:
        """Become the lane's only owner; see `StateStore`.

        Epochs start at the time, so that an owner from before the store was emptied is fenced too.
        """
        name = self._keys.lane(lane, "epoch")
        with translated():
            self._mend(lane)
            self._client.set(name, time.time_ns() // 1_000_000, nx=True)
            epoch = int(self._client.incr(name))
            number = self._client.hget(self._keys.lane(lane, "offsets"), _NUMBER)
        return Ownership(epoch, int(number or 0))

    def _mend(self, lane: Lane) -> None:
        """Set aside what would make every commit of the lane fail; see `mend`."""
        names = {name: self._keys.lane(lane, name) for name in (*_FIXED, *HASHES)}
        for what in mend(self._client, names):
            log.warning("lane %s %s set aside %s", *lane, what)

    def offsets(self, lane: Lane) -> dict[str, str]:
        """Return the committed offset of each topic.

        One that is missing or cannot be read is where the lane's group stands in the log, which
        every commit moves too.
        """
        with translated():
            held = self._client.hgetall(self._keys.lane(lane, "offsets"))
        found = {
            topic.decode(): offset.decode()
            for topic, offset in held.items()
            if topic != _NUMBER and _OFFSET.fullmatch(offset)
        }
        if self._streams:
            for topic in TOPICS_OF[lane.kind]:
                if topic not in found and (offset := self._group(lane, topic)):
                    found[topic] = offset
        return found

    def _group(self, lane: Lane, topic: str) -> str:
        try:
            groups = self._client.xinfo_groups(self._keys.stream(topic, lane.partition))
        except redis.ResponseError:
            return ""
        at = {each["name"]: each["last-delivered-id"] for each in groups}
        offset: str = at.get(lane.kind.encode(), b"0-0").decode()
        return "" if offset == "0-0" else offset

    def size(self, lane: Lane, family: str) -> int:
        """Return how many keys a family has that is held in one hash."""
        with translated():
            return int(self._client.hlen(self._keys.lane(lane, family)))

    def counts(self, lane: Lane) -> dict[str, int]:
        """Return the lane's counters."""
        with translated():
            held = self._client.hgetall(self._keys.lane(lane, "counts"))
        return {
            name.decode(errors="replace"): int(count)
            for name, count in held.items()
            if count.lstrip(b"-").isdigit()
        }

    def read(self, lane: Lane, family: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values in the order of the keys."""
        if not keys:
            return []
        with translated():
            if family in BY_KEY:
                start, how = self._keys.item(lane, family, ""), "MGET"
            else:
                start, how = self._keys.lane(lane, family), "HMGET"
            return list(self._values(keys=[start], args=[how, codec.pack(list(keys))]))

    def scan(self, lane: Lane, family: str) -> Iterator[tuple[str, bytes]]:
        """Yield every (key, value) of the family; a key may come twice if the family changes."""
        with translated():
            if family not in BY_KEY:
                whole = self._keys.lane(lane, family)
                for key, value in self._client.hscan_iter(whole, count=_SCAN):
                    if (text := _text(key)) is not None:
                        yield text, value
                return
            start = self._keys.item(lane, family, "")
            names: list[bytes] = []
            for name in self._client.scan_iter(match=_literal(start) + "*", count=_SCAN):
                names.append(name)
                if len(names) >= _SCAN:
                    yield from self._items(start, names)
                    names = []
            yield from self._items(start, names)

    def _items(self, start: str, names: list[bytes]) -> Iterator[tuple[str, bytes]]:
        if names:
            for name, value in zip(names, self._client.mget(names), strict=True):
                if value is not None and (text := _text(name)) is not None:
                    yield text[len(start) :], value

    def commit(self, commit: Commit) -> None:
        """Write the commit in one script; see `StateStore`."""
        keys = [self._keys.lane(commit.lane, name) for name in _FIXED]
        arguments = [commit.epoch, commit.number, *self._step(commit)]
        with translated():
            written = self._script(keys=keys, args=arguments)
        where = f"lane {commit.lane.kind} {commit.lane.partition}"
        if written == 0:
            raise Fenced(f"{where} has another owner now")
        if written < 0:
            raise OffsetMismatch(f"{where} is not at commit {commit.number - 1}")

    def _step(self, commit: Commit) -> tuple[bytes, bytes]:
        """Return what `commit.lua` does as two arguments: thousands of them would cost more."""
        lane, keys = commit.lane, self._keys
        step: dict[str, list[Any]] = {name: [] for name in _PARTS}
        starts = {family: keys.item(lane, family, "") for family in BY_KEY}
        items: list[bytes] = []
        hashes: dict[str, tuple[list[str | int], list[str], list[bytes]]] = {}
        for (family, key), value in commit.puts.items():
            if family in BY_KEY:
                if value is None:
                    step["drop"].append(starts[family] + key)
                else:
                    step["set"] += (starts[family] + key, len(value))
                    items.append(value)
                if family in ANNOUNCED:
                    step["announce"].append(key)
                continue
            put, dropped, values = hashes.setdefault(family, ([], [], []))
            if value is None:
                dropped.append(key)
            else:
                put += (key, len(value))
                values.append(value)
        for family, (put, dropped, values) in hashes.items():
            step["hset"] += (keys.lane(lane, family), put)
            step["hdel"] += (keys.lane(lane, family), dropped)
            items += values
        for output in commit.outputs:
            if self._streams:
                stream = keys.stream(output.topic, partition_of(output.key, self._partitions))
                step["append"] += (stream, output.key, len(output.value))
                items.append(output.value)
            else:
                items.append(pack_output(output.topic, output.key, output.value))
                step["outbox"].append(len(items[-1]))
        for topic, offset in commit.offsets.items():
            step["offsets"] += (topic, offset)
            if self._streams:
                step["groups"] += (keys.stream(topic, lane.partition), lane.kind, offset)
        for name, count in commit.counts.items():
            step["counts"] += (name, count)
        return codec.pack(step), b"".join(items)

    def outbox(self, lane: Lane, count: int, most_bytes: int) -> list[Output]:
        """Return the first outputs that are committed and not yet in the log.

        They are up to `count`, and about `most_bytes`. An entry that cannot be read is a letter.
        """
        name, found, size = self._keys.lane(lane, "outbox"), list[Output](), 0
        while len(found) < count and size < most_bytes:
            step = min(_OUTBOX, count - len(found))
            with translated():
                entries = self._client.lrange(name, len(found), len(found) + step - 1)
            found += [_sent(lane, entry) for entry in entries]
            size += sum(map(len, entries))
            if len(entries) < step:
                break
        return found

    def sent(self, lane: Lane, epoch: int, count: int) -> None:
        """Remove the first `count` outputs from the outbox.

        Raises
        ------
        Fenced
            Another owner acquired the lane; nothing was removed.
        """
        keys = [self._keys.lane(lane, name) for name in ("epoch", "outbox")]
        with translated():
            done = self._sent(keys=keys, args=[epoch, count])
        if not done:
            raise Fenced(f"lane {lane.kind} {lane.partition} has another owner now")

    def changed(self, lane: Lane, since: int) -> tuple[int, list[str]]:
        """Return the lane's newest version and the titles that changed after version `since`.

        A lane that was cleared counts anew: a version below `since` returns all its titles.
        """
        with translated():
            if since and int(self._client.get(self._keys.lane(lane, "version")) or 0) < since:
                since = 0
            found = self._client.zrangebyscore(
                self._keys.lane(lane, "changed"), f"({since}", "+inf", withscores=True
            )
        newest = max((int(score) for _, score in found), default=since)
        return newest, [title.decode() for title, _ in found]

    def forget_idle_tastes(self, lane: Lane, since_ms: int) -> int:
        """Delete tastes that nothing has moved since; return how many.

        What else was kept of the viewer's ways goes by its own latest time, and is not counted.

        By the times in them and not by an expiry of the server's: that reads the machine's clock,
        and one that leaps ahead for a moment would end them all.
        """
        self._forget_idle(lane, EXPLORED, lambda blob: 0 < explored_until(blob) < since_ms)
        return self._forget_idle(lane, TASTE, lambda blob: idle_since(blob, since_ms))

    def _forget_idle(self, lane: Lane, family: str, idle: Callable[[bytes], bool]) -> int:
        start, found = self._keys.item(lane, family, ""), 0
        with translated():
            every = self._client.scan_iter(match=_literal(start) + "*", count=_SCAN)
            while names := list(islice(every, _SCAN)):
                for name, blob in zip(names, self._client.mget(names), strict=True):
                    if blob is not None and idle(blob):
                        found += int(self._unmoved(keys=[name], args=[blob]))
        return found

    def forget(self, lane: Lane, viewer: str) -> None:
        """Delete at once what is kept of a viewer by key; see `StateStore`."""
        with translated():
            self._client.delete(*(self._keys.item(lane, each, viewer) for each in OF_VIEWERS))

    def clear(self, lane: Lane) -> None:
        """Forget the lane's state, offsets and counters, but not its epoch."""
        with translated():
            for family in BY_KEY:
                pattern = _literal(self._keys.item(lane, family, "")) + "*"
                names = list(self._client.scan_iter(match=pattern, count=_SCAN))
                for first in range(0, len(names), _SCAN):
                    self._client.delete(*names[first : first + _SCAN])
            kept = ("offsets", "counts", "changed", "version", "outbox", *HASHES)
            self._client.delete(*(self._keys.lane(lane, name) for name in kept))
            for topic in TOPICS_OF[lane.kind] if self._streams else ():
                with suppress(redis.ResponseError):
                    stream = self._keys.stream(topic, lane.partition)
                    self._client.xgroup_setid(stream, lane.kind, "0")


def pack_output(topic: str, key: str, value: bytes) -> bytes:
    """Return an outbox entry: topic and key, each ended by a zero byte, then the record."""
    return topic.encode() + b"\0" + key.encode() + b"\0" + value


def unpack_output(entry: bytes) -> tuple[str, str, bytes]:
    """Return (topic, key, record) of an outbox entry."""
    topic, key, value = entry.split(b"\0", 2)
    return topic.decode(), key.decode(), value


def _sent(lane: Lane, entry: bytes) -> Output:
    try:
        return Output(*unpack_output(entry))
    except ValueError as wrong:
        return state_letter(lane, "outbox", "", entry, reason_of(wrong))


def _text(key: bytes) -> str | None:
    """Return a key of the store as text; None for one that no step can have written."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        log.warning("a key of the store is not text, and stays: %r", key[:200])
        return None


def _literal(text: str) -> str:
    return "".join(f"\\{mark}" if mark in "*?[]\\" else mark for mark in text)
