"""The catalogue in Valkey or Redis: titles in a hash, and a sorted set of what changed when."""

from collections.abc import Iterable, Sequence
from typing import Any

import redis

from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.errors import NotFound, StoreAway
from keyart.streams.catalogue.upsert import upsert, withdraw
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

_CHUNK = 500
_TRIES = 20


class ValkeyCatalogue:
    """Titles by id. Writers may be many: a put is retried when another one came between."""

    def __init__(self, client: Any, keys: Keys) -> None:
        self._client = client
        self._titles = keys.shared("{catalogue}titles")
        self._changed = keys.shared("{catalogue}changed")
        self._version = keys.shared("{catalogue}version")

    def put(self, titles: Sequence[Title], *, now_ms: int) -> list[StoredTitle]:
        """Upsert the titles, in chunks that are atomic each, and return them as stored.

        Raises
        ------
        InvalidRecord
            A title repeats an artwork's id; nothing of its chunk is stored.
        """
        stored: list[StoredTitle] = []
        for first in range(0, len(titles), _CHUNK):
            chunk = titles[first : first + _CHUNK]
            stored += self._change(
                [title.id for title in chunk],
                lambda held, chunk=chunk: [
                    upsert(before, title, now_ms=now_ms)
                    for before, title in zip(held, chunk, strict=True)
                ],
            )
        return stored

    def withdraw(self, title: str, *, now_ms: int) -> StoredTitle:
        """Remove a title from choice; its history stays.

        Raises
        ------
        NotFound
            There is no such title.
        """

        def change(held: list[StoredTitle | None]) -> list[StoredTitle]:
            if held[0] is None:
                raise NotFound(f"no title {title!r}")
            return [withdraw(held[0], now_ms=now_ms)]

        return self._change([title], change)[0]

    def _change(self, names: list[str], change: Any) -> list[StoredTitle]:
        with translated(), self._client.pipeline(transaction=True) as pipeline:
            for _ in range(_TRIES):
                try:
                    pipeline.watch(self._titles)
                    held = pipeline.hmget(self._titles, names)
                    after: list[StoredTitle] = change([_decoded(each) for each in held])
                    version = int(pipeline.get(self._version) or 0) + 1
                    pipeline.multi()
                    pipeline.set(self._version, version)
                    for title in after:
                        pipeline.hset(self._titles, title.id, codec.encode(title))
                        pipeline.zadd(self._changed, {title.id: version})
                    pipeline.execute()
                    return after
                except redis.WatchError:
                    continue
        raise StoreAway("the catalogue is changed by too many writers at once")

    def apply(self, titles: Iterable[StoredTitle]) -> None:
        """Write titles as they are, e.g. from the catalogue's topic, unless a newer one is held."""
        for title in titles:
            self._change(
                [title.id],
                lambda held, title=title: [
                    held[0] if held[0] and held[0].updated_at_ms > title.updated_at_ms else title
                ],
            )

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
            titles: list[StoredTitle] = []
            for first in range(0, len(names), _CHUNK):
                held = self._client.hmget(self._titles, names[first : first + _CHUNK])
                titles += [title for each in held if (title := _decoded(each)) is not None]
        return max((int(score) for _, score in found), default=since), titles

    def get(self, title: str) -> StoredTitle:
        """Return one title.

        Raises
        ------
        NotFound
            There is no such title.
        """
        with translated():
            held = _decoded(self._client.hget(self._titles, title))
        if held is None:
            raise NotFound(f"no title {title!r}")
        return held


def _decoded(data: bytes | None) -> StoredTitle | None:
    return None if data is None else codec.stored_titles.decode(data)
