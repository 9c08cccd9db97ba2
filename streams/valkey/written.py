"""When what the server has answered is in its append-only file.

With `appendfsync everysec` the server answers a write before it knows that its file took it: on a
full disk the batch is acknowledged, kept in memory, and lost if the server ends before there is
room; only the next write is refused. (`WAITAOF` would wait for the disk itself, up to a second.) So
after a write the server is asked how its file is; one question answers for all who wait.
"""

import asyncio
from typing import Any, Final

import redis

from keyart.schemas.errors import LogAway

PATIENCE_S: Final = 2.0
PAUSE_S: Final = 0.002


class WrittenOut:
    """Waits until everything that was answered before is in the file, or says that it is not.

    Parameters
    ----------
    client
        Of the event loop. A server that keeps no such file, or does not tell this user about it, is
        taken at its word.
    patience_s
        How long to wait for a disk that is slow or full.
    """

    def __init__(self, client: Any, *, patience_s: float = PATIENCE_S) -> None:
        self._client = client
        self._patience_s = patience_s
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._tells = True

    async def wait(self) -> None:
        """Return once all that was answered before this call is in the file.

        Raises
        ------
        LogAway
            It is not, or nobody knows: the disk is full, or the server is away.
        """
        if not self._tells:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            async with asyncio.timeout(self._patience_s):
                await future
        except TimeoutError:
            raise LogAway("the log's disk is full or slow") from None

    async def _run(self) -> None:
        earlier: list[asyncio.Future[None]] = []
        while self._waiting or earlier:
            asked, self._waiting = self._waiting, []
            try:
                state = await self._client.info("persistence")
            except redis.exceptions.NoPermissionError:
                self._tells = False
                state = {}
            except (redis.RedisError, OSError) as away:
                for future in (*earlier, *asked):
                    if not future.done():
                        future.set_exception(LogAway(f"the log is away: {type(away).__name__}"))
                earlier = []
                continue
            fine = state.get("aof_last_write_status", "ok") == "ok"
            if fine and not state.get("aof_buffer_length"):
                earlier = _done([*earlier, *asked])
                continue
            # whatever stood in the buffer when no fsync was under way is written before the next
            # question is answered, and that answer tells whether it went well
            if fine:
                earlier = _done(earlier)
            if state.get("aof_pending_bio_fsync"):
                self._waiting += [*earlier, *asked]
                earlier = []
            else:
                earlier += asked
            await asyncio.sleep(PAUSE_S)
            earlier = [future for future in earlier if not future.done()]
            self._waiting = [future for future in self._waiting if not future.done()]


def _done(futures: list[asyncio.Future[None]]) -> list[asyncio.Future[None]]:
    for future in futures:
        if not future.done():
            future.set_result(None)
    return []
