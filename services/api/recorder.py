"""Decisions on their way to the log: a bounded buffer, so that no request waits for it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from keyart.schemas.codec import MAX_RECORD_BYTES
from keyart.schemas.errors import LogAway, LogError
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.ports import AsyncLog, Output

log = logging.getLogger(__name__)
MOST_AT_ONCE = 200
LINGER_S = 0.005
"""Between two appends: what comes in the meantime goes together, at a third of the work."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
STOP_S = 5.0


class Recorder:
    """Appends records in the background, in order; while the log is away the oldest are dropped.

    Parameters
    ----------
    log
        Where they go.
    most
        How many records may wait.
    metrics
        Counts what waits and what is dropped.
    lost
        Told of each record that is dropped: what it says will never be known to anybody.
    """

    def __init__(
        self,
        log: AsyncLog,
        *,
        most: int,
        metrics: ApiMetrics,
        lost: Callable[[Output], object] = lambda _: None,
    ) -> None:
        self._log = log
        self._waiting: deque[Output] = deque()
        self._most = most
        self._metrics = metrics
        self._lost = lost
        self._come = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self.away = False

    def record(self, output: Output) -> None:
        """Take a record; the oldest goes when there is no more room.

        One that no reader would take is dropped here: it would hold up all behind it.
        """
        if len(output.value) > MAX_RECORD_BYTES:
            self._drop([output], f"one of {len(output.value)} bytes is too large")
            return
        if len(self._waiting) >= self._most:
            self._lost(self._waiting.popleft())
            self._metrics.dropped.inc()
        self._waiting.append(output)
        self._come.set()

    def start(self) -> None:
        """Begin to append."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Append what waits, for 5 s at most, and end."""
        self._ending = True
        self._come.set()
        if self._task is None:
            return
        _, late = await asyncio.wait([self._task], timeout=STOP_S)
        if late:
            # not awaited without end: a client's call may swallow the cancellation
            self._task.cancel()
            await asyncio.wait(late, timeout=1.0)
        if self._waiting:
            log.warning("%s pages of decisions are lost: the log was away", len(self._waiting))

    async def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while self._waiting or not self._ending:
            await self._come.wait()
            self._come.clear()
            while self._waiting:
                batch = [
                    self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))
                ]
                try:
                    await self._log.append(batch)
                    self.away, pause = False, FIRST_PAUSE_S
                except asyncio.CancelledError:
                    self._waiting.extendleft(reversed(batch))
                    raise
                except LogAway as away:
                    if not self.away:
                        log.warning("decisions are held back: %s", away)
                    self.away = True
                    self._put_back(batch)
                    await asyncio.sleep(pause)
                    pause = min(LONGEST_PAUSE_S, pause * 2)
                except LogError as refused:
                    self._drop(batch, str(refused))
                self._metrics.buffered.set(len(self._waiting))
                await asyncio.sleep(LINGER_S)

    def forget(self, viewer: str) -> None:
        """Drop what waits of a viewer who was erased."""
        kept = [output for output in self._waiting if output.key != viewer]
        if len(kept) < len(self._waiting):
            self._waiting = deque(kept)

    def _drop(self, outputs: Sequence[Output], why: str) -> None:
        for output in outputs:
            self._lost(output)
        self._metrics.dropped.inc(len(outputs))
        log.error("%s pages of decisions are dropped: %s", len(outputs), why)

    def _put_back(self, batch: Sequence[Output]) -> None:
        room = self._most - len(self._waiting)
        kept = batch[len(batch) - min(room, len(batch)) :] if room > 0 else []
        for output in batch[: len(batch) - len(kept)]:
            self._lost(output)
        self._metrics.dropped.inc(len(batch) - len(kept))
        self._waiting.extendleft(reversed(kept))
