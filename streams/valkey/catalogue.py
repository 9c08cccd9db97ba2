"""The catalogue in Valkey or Redis: titles in a hash, and a sorted set of what changed when."""

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from keyart.schemas import codec
from keyart.schemas.catalogue import TITLE_VERSION, StoredTitle, Title
from keyart.schemas.errors import Contended, InvalidRecord, NotFound, UnknownVersion
from keyart.schemas.topics import CATALOGUE, partition_of
from keyart.streams.catalogue.history import version_of
from keyart.streams.catalogue.upsert import begun, same, shortened, upsert, withdraw
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

log = logging.getLogger(__name__)
PATIENCE_S = 20.0
"""How long a writer tries while others change the same title each time."""
_CHUNK = 500
_BYTES = 8_000_000
_UNSET_MS = 4_102_444_799_999
"""Stands for the time from when on a change is in force, which the store's server sets."""
_MOST_WAIT_MS = 50
_SLACK_MS = 60_000
"""A time so far ahead is not a clock that was set back a little."""

Change = Callable[[StoredTitle | None], StoredTitle]


class SetAside(Struct, frozen=True, kw_only=True):
    """A title that could not be read: why, when it was found, and all its bytes."""

    reason: str
    at_ms: int
    data: bytes


class _Held(NamedTuple):
    """A title as it was read, with the version at which it stood; b"" and None for a new one.

    `cut`: it was stored larger than a title may be and is read without its past, or as if it began
    later than now and is read as if it began now. `newer`: it was
    written by a newer keyart, and is nothing to this one.
    """

    version: bytes
    title: StoredTitle | None
    cut: bool = False
    newer: bool = False


class ValkeyCatalogue:
    """Titles by id. Writers may be many: only those of one and the same title wait for each other.

    A title that cannot be read is set aside with its reason, and all others are served.

    Parameters
    ----------
    client
        From `connect`.
    keys
        Key names.
    streams
        True when the log is on the same server: each version of a title is then logged with it.
    partitions
        Of each topic.
    patience_s
        How long to try while others change the same title.
    """

    def __init__(
        self,
        client: Any,
        keys: Keys,
        *,
        streams: bool = False,
        partitions: int = 1,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._client = client
        self._streams = streams
        self._partitions = partitions
        self._patience_s = patience_s
        self._titles = keys.shared("{catalogue}titles")
        self._changed = keys.shared("{catalogue}changed")
        self._version = keys.shared("{catalogue}version")
        self._aside = keys.shared("{catalogue}aside")
        self._logs = [keys.stream(CATALOGUE, at) for at in range(partitions if streams else 0)]
        scripts = files("keyart.streams.valkey")
        self._read_script, self._write_script, self._aside_script = (
            client.register_script(scripts.joinpath(f"catalogue_{name}.lua").read_text())
            for name in ("read", "write", "aside")
        )

    def put(self, titles: Sequence[Title], *, now_ms: int) -> list[StoredTitle]:
        """Upsert the titles and return them as stored; each is written whole or not at all.

        What is new in them is in force, for events that the log takes in, once this returns. A
        title that is put as it is already is left as it is.

        Raises
        ------
        InvalidRecord
            A title repeats an artwork's id, or does not fit; nothing of it is stored.
        Contended
            Others changed a title each time; the message says which, and how many were stored.
        """

        def change_of(title: Title) -> Change:
            return lambda held: upsert(held, title, now_ms=now_ms, since_ms=_UNSET_MS)

        return self._change([(title.id, change_of(title)) for title in titles])

    def withdraw(self, title: str, *, now_ms: int) -> StoredTitle:
        """Remove a title from choice; its history stays.

        Raises
        ------
        NotFound
            There is no such title.
        Contended
            Others changed it each time.
        """

        def change(held: StoredTitle | None) -> StoredTitle:
            if held is None:
                raise NotFound(f"no title {title!r}")
            return withdraw(held, now_ms=now_ms)

        return self._change([(title, change)])[0]

    def apply(self, titles: Iterable[StoredTitle]) -> None:
        """Write titles of the catalogue's log as they are, unless a newer one is held.

        Of their past they keep what a stored title may. They are not logged again.
        """

        def change_of(title: StoredTitle) -> Change:
            return lambda held: held if held and held.updated_at_ms > title.updated_at_ms else title

        kept = (shortened(title) for title in titles)
        self._change([(title.id, change_of(title)) for title in kept], logged=False)

    def _change(
        self, wanted: Sequence[tuple[str, Change]], *, logged: bool = True
    ) -> list[StoredTitle]:
        """Change titles by compare-and-set, each for itself; those that others change again.

        Waits between tries are random within bounds that double, so that writers of one title do
        not meet for ever.
        """
        after: dict[int, StoredTitle] = {}
        waiting = list(range(len(wanted)))
        deadline, pause_s = time.monotonic() + self._patience_s, 0.002
        with translated():
            while waiting:
                lost = self._round(wanted, waiting, after, logged=logged)
                if len(lost) == len(waiting):
                    if time.monotonic() > deadline:
                        names = ", ".join(sorted({repr(wanted[at][0]) for at in lost})[:5])
                        raise Contended(
                            f"others change {names} all the time: {len(after)} of {len(wanted)} "
                            "titles were stored; put the rest again"
                        )
                    time.sleep(random.uniform(0, pause_s))
                    pause_s = min(0.25, 2 * pause_s)
                waiting = lost
        return [after[at] for at in range(len(wanted))]

    def _round(
        self,
        wanted: Sequence[tuple[str, Change]],
        places: Sequence[int],
        after: dict[int, StoredTitle],
        *,
        logged: bool,
    ) -> list[int]:
        """Try each title once; return the places of those that others have changed."""
        lost: list[int] = []
        batch: list[tuple[int, _Held, bytes]] = []
        size = 0
        read = self._read([wanted[at][0] for at in places])
        for at, held in zip(places, read, strict=True):
            if held.newer:
                raise UnknownVersion(f"title {wanted[at][0]!r} was put by a newer keyart")
            title = wanted[at][1](held.title)
            if held.title is not None and not held.cut and same(held.title, title):
                after[at] = held.title
                continue
            batch.append((at, held, data := codec.encode(title)))
            size += len(data)
            if size > _BYTES or len(batch) == _CHUNK:
                lost += self._write(wanted, batch, after, logged=logged)
                batch, size = [], 0
        if batch:
            lost += self._write(wanted, batch, after, logged=logged)
        return lost

    def _write(
        self,
        wanted: Sequence[tuple[str, Change]],
        batch: Sequence[tuple[int, _Held, bytes]],
        after: dict[int, StoredTitle],
        *,
        logged: bool,
    ) -> list[int]:
        least = 0
        arguments: list[Any] = []
        for at, held, data in batch:
            name, entry = wanted[at][0], b""
            if held.title is not None:
                least = max(least, *_since(held.title))
            if logged and self._streams:
                entry = codec.encode(version_of(codec.stored_titles.decode(data)))
            stream = partition_of(name, self._partitions)
            arguments += [name, held.version, data, entry, stream]
        since, now, changed = self._write_script(
            keys=[self._titles, self._changed, self._version, self._aside, *self._logs],
            args=[_UNSET_MS, least + 1, *arguments],
        )
        unset, stamp = b'"since_ms":%d' % _UNSET_MS, b'"since_ms":' + since
        lost = {int(each) for each in changed}
        for number, (at, _, data) in enumerate(batch):
            if number not in lost:
                after[at] = codec.stored_titles.decode(data.replace(unset, stamp))
        if len(lost) < len(batch):
            # whoever acts on the answer must find the change in force
            time.sleep(max(0, min(int(since) - int(now), _MOST_WAIT_MS)) / 1000)
        return [at for number, (at, *_) in enumerate(batch) if number in lost]

    def _read(self, names: Sequence[str]) -> Iterator[_Held]:
        """Yield the titles in the order of the names; what cannot be read is set aside first."""
        done = 0
        while done < len(names):
            chunk = names[done : done + _CHUNK]
            now, found = self._read_script(
                keys=[self._titles, self._changed], args=[codec.pack(list(chunk)), _BYTES]
            )
            pairs = zip(chunk, found[::2], found[1::2], strict=False)
            for name, version, data in pairs:
                yield self._readable(name, version, data, int(now))
                done += 1

    def _readable(self, name: str, version: bytes, data: bytes, now_ms: int) -> _Held:
        """Return what was read, or nothing in place of what cannot be.

        A title that was stored when there was no bound on its past loses its past. One that was put
        while the clock was ahead is in force from now on.
        """
        if not data:
            return _Held(version, None)
        try:
            title = _decoded(data)
            if title.version > TITLE_VERSION:
                return _Held(version, None, newer=True)
            if title.id != name:
                raise InvalidRecord(f"it says that it is {title.id!r}")
            if not all(each.history for each in title.artworks):
                raise InvalidRecord("an artwork has no description in force")
            fitting = shortened(begun(title, now_ms, slack_ms=_SLACK_MS))
            return _Held(version, fitting, cut=fitting is not title)
        except InvalidRecord as wrong:
            kept = SetAside(reason=str(wrong), at_ms=time.time_ns() // 1_000_000, data=data)
            done = self._aside_script(
                keys=[self._titles, self._changed, self._aside],
                args=[name, version, codec.pack(kept)],
            )
            if done:
                log.error("title %s is set aside: %s", name, wrong)
            return _Held(b"", None)

    def set_aside(self) -> dict[str, str]:
        """Return why each title that was set aside cannot be read."""
        with translated():
            held = self._client.hgetall(self._aside)
        return {name.decode(): codec.unpack(data, SetAside).reason for name, data in held.items()}

    def count_aside(self) -> int:
        """Return how many titles are set aside."""
        with translated():
            return int(self._client.hlen(self._aside))

    def version(self) -> int:
        """Return the version: it grows with each change."""
        with translated():
            return int(self._client.get(self._version) or 0)

    def changed(self, since: int) -> tuple[int, list[StoredTitle]]:
        """Return the newest version and the titles that changed after version `since`.

        A catalogue that was lost counts anew: a version below `since` returns all its titles.
        """
        with translated():
            if since and int(self._client.get(self._version) or 0) < since:
                since = 0
            found = self._client.zrangebyscore(self._changed, f"({since}", "+inf", withscores=True)
            names = [name.decode() for name, _ in found]
            read = [held for held in self._read(names) if held.title is not None]
        titles = [self._mended(held) for held in read if held.title is not None]
        return max((int(score) for _, score in found), default=since), titles

    def _mended(self, held: _Held) -> StoredTitle:
        """Return the title; one that is not read as it is stored is stored as it is read."""
        assert held.title is not None
        if not held.cut:
            return held.title
        log.warning("title %s had too much of a past, or began in the future", held.title.id)
        return self._change([(held.title.id, _as_it_is)])[0]

    def get(self, title: str) -> StoredTitle:
        """Return one title.

        Raises
        ------
        NotFound
            There is no such title, or it was set aside.
        """
        with translated():
            (held,) = self._read([title])
            if held.title is not None:
                return held.title
            aside = self._client.hget(self._aside, title)
        if aside is None:
            raise NotFound(f"no title {title!r}")
        reason = codec.unpack(aside, SetAside).reason
        raise NotFound(
            f"title {title!r} could not be read and was set aside: {reason}; put it again"
        )


def _as_it_is(held: StoredTitle | None) -> StoredTitle:
    if held is None:
        raise NotFound("the title is gone")
    return held


def _since(title: StoredTitle) -> Iterator[int]:
    for history in (title.names, *(each.history for each in title.artworks)):
        if history:
            yield history[-1].since_ms


def _decoded(data: bytes) -> StoredTitle:
    """Return a stored title whatever its size."""
    try:
        return msgspec.json.decode(data, type=StoredTitle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise InvalidRecord(str(wrong)) from None
