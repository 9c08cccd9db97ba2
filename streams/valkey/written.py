"""When what the server has answered is in its append-only file.

With `appendfsync everysec` the server answers a write before it knows that its file took it: on a
full disk the batch is acknowledged, kept in memory, and lost if the server ends before there is
room; only the next write is refused. (`WAITAOF` would wait for the disk itself, up to a second.) So
after a write the server is asked how its file is; one question answers for all who wait.

Who answers must be who took the write: a server that was killed and is back within a moment says
that all is well, and may have lost it. It is known by when it was started: `LASTSAVE`, asked for
within the write's transaction, is that moment until somebody saves; then the write is taken for
lost, and written again.
"""

import asyncio
from datetime import datetime
from typing import Any, Final, NamedTuple

import redis

from keyart.schemas.errors import LogAway

PATIENCE_S: Final = 2.0
PAUSE_S: Final = 0.002


class Asked(NamedTuple):
    """One who waits, and the server that took the write, by its `LASTSAVE`."""

    future: asyncio.Future[None]
    since: datetime


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
        self._waiting: list[Asked] = []
        self._task: asyncio.Task[None] | None = None
        self._tells = True

    async def wait(self, since: datetime) -> None:
        """Return once all that was answered before this call is in the file.

        Parameters
        ----------
        since
            What the server that took it says to `LASTSAVE`.

        Raises
        ------
        LogAway
            It is not, or nobody knows: the disk is full, or the server is away, or another one now.
        """
        if not self._tells:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Asked(future, since))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            async with asyncio.timeout(self._patience_s):
                await future
        except TimeoutError:
            raise LogAway("the log's disk is full or slow") from None

    async def _run(self) -> None:
        earlier: list[Asked] = []
        while self._waiting or earlier:
            asked, self._waiting = self._waiting, []
            try:
                state = await self._client.info("persistence")
            except redis.exceptions.NoPermissionError:
                self._tells = False
                state = {}
            except (redis.RedisError, OSError) as away:
                why = LogAway(f"the log is away: {type(away).__name__}")
                earlier = _failed([*earlier, *asked], why)
                continue
            if "rdb_last_save_time" in state:
                now = datetime.fromtimestamp(state["rdb_last_save_time"])
                why = LogAway("the log's server is another one than before")
                _failed([each for each in (*earlier, *asked) if each.since != now], why)
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
            earlier = [each for each in earlier if not each.future.done()]
            self._waiting = [each for each in self._waiting if not each.future.done()]


def _done(asked: list[Asked]) -> list[Asked]:
    for each in asked:
        if not each.future.done():
            each.future.set_result(None)
    return []


def _failed(asked: list[Asked], why: LogAway) -> list[Asked]:
    for each in asked:
        if not each.future.done():
            each.future.set_exception(why)
    return []
