"""The api's log on Kafka: what it promises about records, offsets and a Kafka that is away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from keyart.schemas.errors import LogAway, LogError
from keyart.schemas.topics import EVENTS, partition_of
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.producer import KafkaLog
from keyart.streams.ports import Output
from tests.unit.streams.memory_kafka import MOST_BYTES, MemoryKafka

PARTITIONS = 3


def outputs(count: int, *, first: int = 0) -> list[Output]:
    return [Output(EVENTS, f"v{at}", b"%d" % at) for at in range(first, first + count)]


def with_log(
    kafka: MemoryKafka, body: Callable[[KafkaLog], Awaitable[None]], *, timeout_s: float = 60.0
) -> None:
    async def run() -> None:
        access = KafkaAccess(bootstrap="nowhere:1", prefix="p.")
        log = KafkaLog(access, partitions=PARTITIONS, timeout_s=timeout_s, start=kafka.start)
        await body(log)
        await log.stop()

    asyncio.run(run())


def expected(records: Sequence[Output]) -> dict[tuple[str, int], list[tuple[bytes, bytes]]]:
    """What the partitions must hold."""
    held: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {}
    for topic, key, value in records:
        place = ("p." + topic, partition_of(key, PARTITIONS))
        held.setdefault(place, []).append((key.encode(), value))
    return held


def test_records_go_by_their_keys_and_offsets_come_in_their_order() -> None:
    kafka = MemoryKafka()

    async def body(log: KafkaLog) -> None:
        records = outputs(50)
        offsets = await log.append(records)
        assert kafka.held == expected(records)
        for record, offset in zip(records, offsets, strict=True):
            partition = kafka.held["p.events", partition_of(record.key, PARTITIONS)]
            assert partition[int(offset)] == (record.key.encode(), record.value)
        assert all(len(offset) == 20 for offset in offsets)

    with_log(kafka, body)
    assert (kafka.started, kafka.stopped) == (1, 1)


def test_who_comes_first_together_shares_one_start() -> None:
    kafka = MemoryKafka()

    async def body(log: KafkaLog) -> None:
        await asyncio.gather(*(log.append(outputs(1, first=at)) for at in range(20)))

    with_log(kafka, body)
    assert kafka.started == 1
    assert sum(map(len, kafka.held.values())) == 20


def test_it_starts_once_kafka_is_there() -> None:
    kafka = MemoryKafka(away=True)

    async def body(log: KafkaLog) -> None:
        with pytest.raises(LogAway, match="nowhere:1"):
            await log.append(outputs(1))
        kafka.away = False
        assert await log.append(outputs(1)) == ["0" * 20]

    with_log(kafka, body)


def test_one_record_that_was_not_taken_fails_the_call() -> None:
    kafka = MemoryKafka(refuses=1)

    async def body(log: KafkaLog) -> None:
        with pytest.raises(LogAway, match="NotLeader"):
            await log.append(outputs(5))

    with_log(kafka, body)
    # sent again, the other four come twice: their ids make that harmless
    assert sum(map(len, kafka.held.values())) == 4


def test_nobody_waits_longer_than_the_timeout() -> None:
    kafka = MemoryKafka(silent=True)

    async def body(log: KafkaLog) -> None:
        with pytest.raises(LogAway, match="Timeout"):
            await log.append(outputs(1))

    with_log(kafka, body, timeout_s=0.05)


def test_a_record_that_never_fits_is_no_reason_to_try_again() -> None:
    kafka = MemoryKafka()

    async def body(log: KafkaLog) -> None:
        with pytest.raises(LogError) as refused:
            await log.append([Output(EVENTS, "v", b"x" * (MOST_BYTES + 1))])
        assert not isinstance(refused.value, LogAway)
        await log.append(outputs(1))

    with_log(kafka, body)
