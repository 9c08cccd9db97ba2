"""What the api does with Valkey or Redis on its event loop: read a taste, append to the log."""

import asyncio
from collections.abc import Sequence
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from keyart.schemas.errors import LogAway, StoreAway
from keyart.schemas.topics import partition_of
from keyart.streams.families import ASSIGNED, EXPLORED, TASTE
from keyart.streams.ports import VIEWERS, Lane, Output, ViewerState
from keyart.streams.valkey.connect import TIMEOUT_S
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.log import entry
from keyart.streams.valkey.written import WrittenOut

AWAY = (redis.RedisError, OSError, asyncio.TimeoutError)


def connect_async(url: str, *, cluster: bool = False) -> Any:
    """Return a client for the event loop that answers in bytes."""
    if cluster:
        return RedisCluster.from_url(url, socket_timeout=TIMEOUT_S)
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        health_check_interval=0,
        # once, because a pooled connection may have died; by default it would try for seconds
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 1),
    )


class ValkeyTastes:
    """Reads tastes; what is asked for within one turn of the event loop is one round trip.

    Parameters
    ----------
    client
        From `connect_async`.
    keys, partitions
        Where a viewer's taste is.
    timeout_s
        How long a request may wait for a taste before it goes without.
    """

    def __init__(
        self, client: Any, keys: Keys, *, partitions: int, timeout_s: float, cluster: bool = False
    ) -> None:
        self._client = client
        self._keys = keys
        self._partitions = partitions
        self._timeout_s = timeout_s
        self._cluster = cluster
        self._waiting: dict[str, asyncio.Future[bytes | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, viewer: str) -> bytes | None:
        """Return the stored taste, None when there is none.

        Raises
        ------
        StoreAway
            It did not come in time.
        """
        (taste,) = await self._read(viewer, (TASTE,))
        return taste

    async def read_all(self, viewer: str) -> ViewerState:
        """Return taste and assignments, in one round trip.

        Raises
        ------
        StoreAway
            They did not come in time.
        """
        taste, assigned = await self._read(viewer, (TASTE, ASSIGNED))
        return ViewerState(taste, assigned)

    async def read_explored(self, viewer: str) -> bytes | None:
        """Return what the viewer has explored, None when there is nothing.

        Raises
        ------
        StoreAway
            It did not come in time.
        """
        (explored,) = await self._read(viewer, (EXPLORED,))
        return explored

    async def _read(self, viewer: str, families: Sequence[str]) -> list[bytes | None]:
        lane = Lane(VIEWERS, partition_of(viewer, self._partitions))
        names = [self._keys.item(lane, family, viewer) for family in families]
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._cluster:
                    # both are of one lane, and so in one slot
                    return await self._client.mget(names)  # type: ignore[no-any-return]
                waiting = [self._join(name) for name in names]
                return [await asyncio.shield(each) for each in waiting]
        except AWAY as away:
            raise StoreAway(f"taste cannot be read: {type(away).__name__}") from None

    def _join(self, key: str) -> asyncio.Future[bytes | None]:
        if key in self._waiting:
            return self._waiting[key]
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._go)
        future: asyncio.Future[bytes | None] = loop.create_future()
        self._waiting[key] = future
        return future

    def _go(self) -> None:
        waiting, self._waiting = self._waiting, {}
        task = asyncio.get_running_loop().create_task(self._fetch(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, waiting: dict[str, asyncio.Future[bytes | None]]) -> None:
        try:
            found = await self._client.mget(list(waiting))
        except AWAY as away:
            for future in waiting.values():
                if not future.done():
                    future.set_exception(StoreAway(str(away)))
                    # who asked may have given up: the exception is then nobody's
                    future.exception()
            return
        for future, value in zip(waiting.values(), found, strict=True):
            if not future.done():
                future.set_result(value)


class ValkeyAsyncLog:
    """Appends to the embedded log from the event loop."""

    def __init__(self, client: Any, keys: Keys, *, partitions: int) -> None:
        self._client = client
        self._keys = keys
        self._partitions = partitions
        self._written = WrittenOut(client)

    async def append(self, outputs: Sequence[Output]) -> list[str]:
        """Append all or none, and return the offsets once the records are in the server's file.

        Raises
        ------
        LogAway
            The log could not be reached; whether the records are in it is not known.
        """
        pipeline = self._client.pipeline(transaction=True)
        for topic, key, value in outputs:
            stream = self._keys.stream(topic, partition_of(key, self._partitions))
            pipeline.xadd(stream, entry(key, value))
        pipeline.lastsave()
        try:
            *offsets, since = await pipeline.execute()
        except AWAY as away:
            raise LogAway(f"the log cannot be reached: {type(away).__name__}") from None
        await self._written.wait(since)
        return [offset.decode() for offset in offsets]
