"""Runs one lane: opens it, feeds it batches, relays what it produces, gives it up."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from keyart.schemas.errors import Fenced, LogError, OffsetMismatch, StoreError
from keyart.streams.kafka.relay import Relay
from keyart.streams.lanes.progress import Progress
from keyart.streams.ports import Lane, LogRecord

log = logging.getLogger(__name__)
TICK_S = 0.2
AWAY_S = 0.5
FENCED_S = 5.0
MAX_BEHIND = 20_000


class LaneAtWork(Protocol):
    """What a runner needs of a lane."""

    lane: Lane
    produced: int
    counts: Counter[str]

    def open(self) -> dict[str, str]:
        """Become the owner and return the offsets to resume after."""

    def process(self, records: Sequence[LogRecord], *, now_ms: int) -> int:
        """Take a batch."""

    @property
    def offsets(self) -> dict[str, str]:
        """The committed offsets."""

    @property
    def epoch(self) -> int:
        """The epoch it writes with."""


class Horizon(NamedTuple):
    """The end of a partition as last seen: the offset behind its last record, and when."""

    end: int
    seen_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerRules:
    """How a runner works.

    `batch` is the most records at once, `room` the most held ready; `batch_bytes` and `room_bytes`
    bound the same in bytes, of which one record more than fits may be taken.
    """

    batch: int = 2000
    room: int = 8000
    batch_bytes: int = 8_000_000
    room_bytes: int = 16_000_000


class LaneRunner:
    """One lane of this worker.

    Records come by `feed` only while `ready`; a lane that is being opened says by `seeks` from
    where it wants its topics.

    Parameters
    ----------
    make
        Makes the lane, in a thread: it may read the store and the log.
    topics
        Its topics.
    relay
        Carries its outputs from the store to Kafka.
    horizon
        (topic) -> the partition's end as last seen; None before it was.
    refresh
        Brings the catalogue view up to date; called before each batch, in the lane's thread.
    """

    def __init__(
        self,
        lane: Lane,
        make: Callable[[], LaneAtWork],
        topics: tuple[str, ...],
        *,
        relay: Relay,
        horizon: Callable[[str], Horizon | None],
        refresh: Callable[[], object],
        rules: RunnerRules,
    ) -> None:
        self.lane = lane
        self.topics = topics
        self.at_work: LaneAtWork | None = None
        self.seeks: dict[str, int] = {}
        self.held = 0
        self.held_bytes = 0
        self._make = make
        self._relay = relay
        self._horizon = horizon
        self._refresh = refresh
        self._rules = rules
        self._next: dict[str, int] = {}
        self._waiting: dict[str, deque[Any]] = {topic: deque() for topic in topics}
        self._progress = Progress(topics)
        self._fed = asyncio.Event()
        self._produced = asyncio.Event()
        self._relayed = 0
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=f"lane {self.lane}")

    async def stop(self) -> None:
        """Finish the batch at hand and give the lane up; what waits is left to the next owner."""
        self._stopping = True
        self._fed.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def failure(self) -> BaseException | None:
        """What ended the runner, if it ended by itself."""
        task = self._task
        return task.exception() if task and task.done() and not task.cancelled() else None

    @property
    def ready(self) -> bool:
        """Whether it takes records now."""
        opened = self.at_work is not None and not self.seeks
        room = self.held < self._rules.room and self.held_bytes < self._rules.room_bytes
        return opened and not self._stopping and room

    def feed(self, topic: str, records: Sequence[Any]) -> None:
        """Take records of Kafka's client, in order; a lane that is not open drops them."""
        if self.at_work is None or self.seeks or self._stopping:
            return
        self._waiting[topic].extend(records)
        self.held += len(records)
        self.held_bytes += sum(map(_size, records))
        self._fed.set()

    def committed(self) -> dict[str, int]:
        """Return the offset behind the last record committed, by topic."""
        if self.at_work is None:
            return {}
        return {topic: int(offset) + 1 for topic, offset in self.at_work.offsets.items()}

    def lag(self) -> int | None:
        """Return how many records are not committed, None before the ends were seen."""
        committed, waiting = self.committed(), 0
        for topic in self.topics:
            horizon = self._horizon(topic)
            if self.at_work is None or horizon is None:
                return None
            waiting += max(0, horizon.end - committed.get(topic, 0))
        return waiting

    def unsent(self) -> int:
        """Return how many outputs are committed and were not seen in Kafka yet."""
        return 0 if self.at_work is None else self.at_work.produced - self._relayed

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._open()
                await self._work()
            except (Fenced, OffsetMismatch) as fenced:
                log.warning("%s; dropping it", fenced)
                self._drop()
                # the group, not the store, says who the owner is: give it time to tell
                await self._pause(FENCED_S)
            except (StoreError, LogError) as away:
                log.warning("lane %s %s waits: %s", *self.lane, away)
                self._drop()
                await self._pause(AWAY_S)
            except MemoryError:
                raise
            except Exception:
                # a lane that ends would end its worker, and then the next worker that has it
                log.exception("lane %s %s failed and is opened again", *self.lane)
                self._drop()
                await self._pause(FENCED_S)
        self._drop()

    async def _open(self) -> None:
        at_work, offsets = await asyncio.to_thread(self._opened)
        self._next = {
            topic: int(offsets[topic]) + 1 if topic in offsets else 0 for topic in self.topics
        }
        self._progress = Progress(self.topics)
        self.seeks = dict(self._next)
        self.at_work = at_work
        self._relayed = at_work.produced
        log.info("lane %s %s is open at %s", *self.lane, self._next)

    def _opened(self) -> tuple[LaneAtWork, dict[str, str]]:
        at_work = self._make()
        return at_work, at_work.open()

    def _drop(self) -> None:
        self.at_work = None
        self.seeks = {}
        self.held = self.held_bytes = 0
        for waiting in self._waiting.values():
            waiting.clear()

    async def _work(self) -> None:
        at_work = self.at_work
        assert at_work is not None
        relaying = asyncio.create_task(self._carry(at_work))
        try:
            while not self._stopping:
                if at_work.produced - self._relayed > MAX_BEHIND:
                    await self._pause(TICK_S)
                elif self.held == 0 and not await self._wait_for_records():
                    self._look_at_ends()
                    await asyncio.to_thread(self._process, at_work, [])
                else:
                    await asyncio.to_thread(self._process, at_work, self._take())
                if at_work.produced != self._relayed:
                    self._produced.set()
                if relaying.done():
                    await relaying
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)

    async def _wait_for_records(self) -> bool:
        """Wait a moment for records; return whether there are any."""
        self._fed.clear()
        try:
            await asyncio.wait_for(self._fed.wait(), TICK_S)
        except TimeoutError:
            return False
        return self.held > 0

    def _take(self) -> list[Any]:
        """Take a batch out of what waits, of every topic in its order, and note how far it goes."""
        batch: list[Any] = []
        for topic in self.topics:
            waiting = self._waiting[topic]
            taken: list[Any] = []
            size = 0
            while waiting and len(taken) < self._rules.batch and size < self._rules.batch_bytes:
                taken.append(waiting.popleft())
                size += _size(taken[-1])
            self.held_bytes -= size
            if taken:
                batch += taken
                self._next[topic] = taken[-1].offset + 1
                self._progress.read(topic, taken[-1].timestamp)
        self.held -= len(batch)
        self._look_at_ends()
        return batch

    def _look_at_ends(self) -> None:
        for topic in self.topics:
            horizon = self._horizon(topic)
            if horizon is not None and self._next[topic] >= horizon.end:
                self._progress.ended(topic, horizon.seen_at_ms)

    def _process(self, at_work: LaneAtWork, batch: list[Any]) -> None:
        self._refresh()
        names = {self._relay.access.topic(topic): topic for topic in self.topics}
        partition = self.lane.partition
        records = [
            LogRecord(
                names[record.topic],
                partition,
                f"{record.offset:020d}",
                "" if record.key is None else record.key.decode(errors="replace"),
                record.value or b"",
                record.timestamp,
            )
            for record in batch
        ]
        at_work.process(records, now_ms=self._progress.now_ms)

    async def _carry(self, at_work: LaneAtWork) -> None:
        """Relay outputs whenever there are new ones, and those that were left from before."""
        while True:
            target = at_work.produced
            await self._relay.drain(self.lane, at_work.epoch)
            self._relayed = target
            await self._produced.wait()
            self._produced.clear()

    async def _pause(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds / TICK_S))):
            if self._stopping:
                return
            await asyncio.sleep(TICK_S)


def _size(record: Any) -> int:
    return len(record.value or b"")
