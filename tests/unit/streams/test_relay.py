"""Outputs from the outbox to Kafka: all of them, in order, and not past another owner."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from keyart.schemas.errors import Fenced
from keyart.schemas.topics import DEAD_LETTERS, REWARDS, partition_of
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.relay import CHUNK, Relay
from keyart.streams.ports import VIEWERS, Lane, Output
from tests.unit.streams.memory_kafka import MOST_BYTES, MemoryKafka

PARTITIONS = 3
LANE = Lane(VIEWERS, 1)


class Outbox:
    """The outbox of one lane, as the store keeps it."""

    def __init__(self, outputs: Sequence[Output], epoch: int = 7) -> None:
        self.waiting = list(outputs)
        self.epoch = epoch
        self.asked: list[int] = []

    def outbox(self, lane: Lane, count: int, most_bytes: int) -> list[Output]:
        assert lane == LANE
        self.asked.append(count)
        return self.waiting[:count]

    def sent(self, lane: Lane, epoch: int, count: int) -> None:
        if epoch != self.epoch:
            raise Fenced("another owner")
        del self.waiting[:count]


def rewards(count: int, size: int = 10) -> list[Output]:
    return [Output(REWARDS, f"t{at % 40}", b"%09d" % at + b"." * size) for at in range(count)]


def drain(kafka: MemoryKafka, outbox: Outbox, epoch: int = 7) -> int:
    async def run() -> int:
        relay = Relay(
            KafkaAccess(bootstrap="nowhere:1", prefix="p."),
            outbox,
            partitions=PARTITIONS,
            start=kafka.start,
            away_s=0.0,
        )
        done = await relay.drain(LANE, epoch)
        await relay.stop()
        return done

    return asyncio.run(run())


def in_order(kafka: MemoryKafka, outputs: Sequence[Output]) -> None:
    """Every partition holds its outputs in the order of the outbox."""
    for partition in range(PARTITIONS):
        wanted = [
            (each.key.encode(), each.value)
            for each in outputs
            if partition_of(each.key, PARTITIONS) == partition
        ]
        assert kafka.held.get(("p." + REWARDS, partition), []) == wanted


def test_all_are_produced_by_key_in_their_order() -> None:
    kafka, outputs = MemoryKafka(), rewards(2 * CHUNK + 17)
    outbox = Outbox(outputs)
    assert drain(kafka, outbox) == len(outputs)
    assert outbox.waiting == []
    in_order(kafka, outputs)
    assert max(outbox.asked) == CHUNK
    assert max(kafka.batches) > 1


def test_an_output_larger_than_a_batch_goes_alone() -> None:
    kafka = MemoryKafka()
    outputs = rewards(20, size=5000)
    assert drain(kafka, Outbox(outputs)) == 20
    in_order(kafka, outputs)
    assert set(kafka.batches) == {1}


def test_topics_are_apart() -> None:
    kafka = MemoryKafka()
    letters = [Output(DEAD_LETTERS, f"k{at}", b"letter") for at in range(5)]
    drain(kafka, Outbox([*rewards(5), *letters]))
    topics = Counter(topic for (topic, _), held in kafka.held.items() for _ in held)
    assert topics == {"p.rewards": 5, "p.deadletters": 5}


def test_nothing_follows_what_failed_until_it_is_taken() -> None:
    for refuses in range(1, 8):
        kafka, outputs = MemoryKafka(refuses=refuses), rewards(300, size=100)
        outbox = Outbox(outputs)
        assert drain(kafka, outbox) == 300
        assert outbox.waiting == []
        for partition in range(PARTITIONS):
            held = kafka.held["p.rewards", partition]
            wanted = [
                each.value for each in outputs if partition_of(each.key, PARTITIONS) == partition
            ]
            # what was taken before the failure comes once more, but never after a later one
            first: dict[bytes, int] = {}
            for at, (_, value) in enumerate(held):
                first.setdefault(value, at)
            assert sorted(first, key=first.__getitem__) == wanted
        # a producer that failed is not used again: what it still holds would be out of turn
        assert kafka.started == kafka.stopped > 1


def test_it_waits_for_kafka() -> None:
    kafka = MemoryKafka(away=True)

    class Patience(Outbox):
        def outbox(self, lane: Lane, count: int, most_bytes: int) -> list[Output]:
            if len(self.asked) == 3:
                kafka.away = False
            return super().outbox(lane, count, most_bytes)

    outbox = Patience(rewards(10))
    assert drain(kafka, outbox) == 10
    in_order(kafka, rewards(10))


def test_a_lane_that_has_another_owner_is_left_to_it() -> None:
    kafka, outbox = MemoryKafka(), Outbox(rewards(10))
    with pytest.raises(Fenced):
        drain(kafka, outbox, epoch=6)
    assert len(outbox.waiting) == 10


def test_an_output_that_kafka_never_takes_is_a_letter_and_the_rest_goes_on() -> None:
    kafka = MemoryKafka()
    outputs = rewards(30)
    outputs[11] = Output(REWARDS, outputs[11].key, b"." * (MOST_BYTES + 1))
    outbox = Outbox(outputs)
    assert drain(kafka, outbox) == 30
    assert outbox.waiting == []
    in_order_but_for(kafka, outputs, 11)
    (letter,) = [
        value
        for place, held in kafka.held.items()
        for _, value in held
        if place[0] == "p.deadletters"
    ]
    assert b"1000001 bytes" in letter


def in_order_but_for(kafka: MemoryKafka, outputs: Sequence[Output], but: int) -> None:
    """Every partition has its outputs in order, some twice, because they were sent alone again."""
    for partition in range(PARTITIONS):
        held = [value for _, value in kafka.held.get(("p." + REWARDS, partition), [])]
        wanted = [
            each.value
            for at, each in enumerate(outputs)
            if at != but and partition_of(each.key, PARTITIONS) == partition
        ]
        assert list(dict.fromkeys(held)) == wanted
