"""Lanes of one worker, without a broker: what they ask for, take, hold back and take again."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from keyart.schemas.errors import StoreAway
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.driver import LaneDriver, Place
from keyart.streams.kafka.relay import Relay
from keyart.streams.kafka.runner import Horizon, RunnerRules
from keyart.streams.ports import TITLES, Lane, LogRecord, Output
from tests.unit.streams.memory_kafka import MemoryKafka

P_EVENTS, P_DECISIONS, P_REWARDS = (f"p.{name}" for name in (EVENTS, DECISIONS, REWARDS))


class Fetched(NamedTuple):
    """A record as Kafka's client hands it out."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


def fetched(topic: str, first: int, count: int) -> list[Fetched]:
    return [
        Fetched(topic, 0, at, b"k", b"%d" % at, 1000 + at) for at in range(first, first + count)
    ]


@dataclass
class Books:
    """What outlives a lane: its offsets, and what was processed into them; and its faults."""

    offsets: dict[str, str] = field(default_factory=dict)
    values: list[tuple[str, bytes]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    opened: int = 0
    faults: int = 0

    def outbox(self, lane: Lane, count: int, most_bytes: int) -> list[Output]:
        return []

    def sent(self, lane: Lane, epoch: int, count: int) -> None:
        raise AssertionError("nothing was in the outbox")


@dataclass
class BookLane:
    """A lane at work on the books."""

    lane: Lane
    books: Books
    produced: int = 0
    epoch: int = 1
    counts: Counter[str] = field(default_factory=Counter)

    def open(self) -> dict[str, str]:
        self.books.opened += 1
        return dict(self.books.offsets)

    def process(self, records: Sequence[LogRecord], *, now_ms: int) -> int:
        if records and self.books.faults:
            self.books.faults -= 1
            raise StoreAway("not now")
        self.books.values += [(each.topic, each.value) for each in records]
        self.books.offsets |= {each.topic: each.offset for each in records}
        self.books.times.append(now_ms)
        if records:
            self.books.batches.append(len(records))
        return len(records)

    @property
    def offsets(self) -> dict[str, str]:
        return dict(self.books.offsets)


@dataclass
class Worker:
    """A driver, the books of its lanes, and the ends of the partitions."""

    driver: LaneDriver
    books: Books
    ends: dict[tuple[str, int], Horizon] = field(default_factory=dict)

    def assign(self, *places: tuple[str, int]) -> None:
        self.driver.assign(places, lambda topic, partition: self.ends.get((topic, partition)))

    async def open(self) -> dict[Place, int]:
        """Wait until the lanes say where they begin, and let them."""
        await until(lambda: bool(self.driver.seeks()))
        wanted = self.driver.seeks()
        self.driver.sought(wanted)
        return wanted


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


def with_worker(body: Callable[[Worker], Awaitable[None]], *, batch: int = 50) -> None:
    async def run() -> None:
        access, books = KafkaAccess(bootstrap="nowhere:1", prefix="p."), Books()
        driver = LaneDriver(
            access,
            make=lambda lane: BookLane(lane, books),
            relay=Relay(access, books, partitions=1, start=MemoryKafka().start),
            refresh=lambda: None,
            rules=RunnerRules(batch=batch, room=4 * batch),
        )
        try:
            await body(Worker(driver, books))
        finally:
            await driver.stop()

    asyncio.run(run())


VIEWERS_0 = ((P_EVENTS, 0), (P_DECISIONS, 0))


def test_a_lane_begins_behind_its_own_offsets_not_the_groups() -> None:
    async def body(worker: Worker) -> None:
        books = worker.books
        books.offsets = {EVENTS: f"{41:020d}"}
        worker.assign(*VIEWERS_0)
        assert worker.driver.wanted() == set()
        assert await worker.open() == {Place(P_EVENTS, 0): 42, Place(P_DECISIONS, 0): 0}
        assert worker.driver.wanted() == {Place(*place) for place in VIEWERS_0}
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 42, 120)})
        await until(lambda: len(books.values) == 120)
        assert books.values == [(EVENTS, b"%d" % at) for at in range(42, 162)]
        assert max(books.batches) <= 50
        assert worker.driver.committed()[Place(P_EVENTS, 0)] == 162

    with_worker(body)


def test_records_before_the_place_was_sought_are_dropped() -> None:
    async def body(worker: Worker) -> None:
        books = worker.books
        worker.assign(*VIEWERS_0)
        await until(lambda: bool(worker.driver.seeks()))
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 900, 5)})
        await worker.open()
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 0, 3)})
        await until(lambda: len(books.values) == 3)
        assert [value for _, value in books.values] == [b"0", b"1", b"2"]

    with_worker(body)


def test_a_store_that_is_away_makes_the_lane_begin_again_where_it_was() -> None:
    async def body(worker: Worker) -> None:
        books = worker.books
        worker.assign(*VIEWERS_0)
        await worker.open()
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 0, 10)})
        await until(lambda: len(books.values) == 10)
        books.faults = 1
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 10, 10)})
        await until(lambda: books.opened == 2)
        assert await worker.open() == {Place(P_EVENTS, 0): 10, Place(P_DECISIONS, 0): 0}
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 10, 10)})
        await until(lambda: len(books.values) == 20)
        assert [value for _, value in books.values] == [b"%d" % at for at in range(20)]

    with_worker(body)


def test_a_lane_that_holds_enough_asks_for_no_more() -> None:
    async def body(worker: Worker) -> None:
        worker.assign(*VIEWERS_0)
        await worker.open()
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 0, 40)})
        assert worker.driver.wanted() == set()
        await until(lambda: bool(worker.driver.wanted()))

    with_worker(body, batch=10)


def test_time_comes_as_far_as_the_topic_that_lags_most() -> None:
    async def body(worker: Worker) -> None:
        books = worker.books
        worker.assign(*VIEWERS_0)
        await worker.open()
        worker.driver.feed({Place(P_EVENTS, 0): fetched(P_EVENTS, 0, 5)})
        await until(lambda: len(books.values) == 5)
        assert set(books.times) == {0}
        worker.ends = {(P_EVENTS, 0): Horizon(5, 9000), (P_DECISIONS, 0): Horizon(0, 7000)}
        await until(lambda: books.times[-1] == 7000)

    with_worker(body)


def test_a_lane_runs_only_with_all_its_topics() -> None:
    async def body(worker: Worker) -> None:
        worker.assign((P_EVENTS, 0), (P_REWARDS, 0), ("p.catalogue", 0))
        assert set(worker.driver.runners) == {Lane(TITLES, 0)}
        rest = worker.driver.feed({Place("p.catalogue", 0): fetched("p.catalogue", 0, 2)})
        assert list(rest) == [Place("p.catalogue", 0)]
        await worker.driver.revoke()
        assert worker.driver.runners == {}

    with_worker(body)
