"""A log in memory behind the port that is used of aiokafka's producer.

Batches are aiokafka's own, so that what fits into one is what would fit.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record import MemoryRecords

MOST_BYTES = 1_000_000


class Written(NamedTuple):
    """What became of a record."""

    offset: int


@dataclass
class MemoryKafka:
    """Partitions, and how Kafka behaves.

    Attributes
    ----------
    held
        (topic, partition) -> (key, value) of each record.
    away, silent
        It refuses connections; it takes records and never says so.
    refuses
        Number of sendings that fail before one is taken.
    started, stopped
        How many producers were.
    """

    held: dict[tuple[str, int], list[tuple[bytes, bytes]]] = field(default_factory=dict)
    away: bool = False
    silent: bool = False
    refuses: int = 0
    started: int = 0
    stopped: int = 0
    batches: list[int] = field(default_factory=list)

    async def start(self) -> "MemoryProducer":
        """Start a producer, as a `Start` of a connection."""
        await asyncio.sleep(0)
        if self.away:
            raise KafkaConnectionError("nobody there")
        self.started += 1
        return MemoryProducer(self)

    def take(
        self, place: tuple[str, int], records: list[tuple[bytes, bytes]]
    ) -> Awaitable[Written]:
        """Take records, or not; what is returned ends as Kafka's acknowledgement would."""
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        if self.refuses:
            self.refuses -= 1
            future.set_exception(NotLeaderForPartitionError())
            return future
        partition = self.held.setdefault(place, [])
        partition += records
        if not self.silent:
            future.set_result(Written(len(partition) - len(records)))
        return future


@dataclass
class MemoryProducer:
    """One producer."""

    kafka: MemoryKafka

    async def send(self, topic: str, value: bytes, *, key: bytes, partition: int) -> Awaitable[Any]:
        if self.kafka.away:
            raise KafkaConnectionError("gone")
        if len(value) > MOST_BYTES:
            raise MessageSizeTooLargeError(f"{len(value)} bytes")
        return self.kafka.take((topic, partition), [(key, value)])

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(2000, 0)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> Awaitable[Any]:
        if self.kafka.away:
            raise KafkaConnectionError("gone")
        self.kafka.batches.append(batch.record_count())
        read = list(MemoryRecords(bytes(batch._build())).next_batch())
        if any(len(each.value) > MOST_BYTES for each in read):
            refused: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
            refused.set_exception(MessageSizeTooLargeError("the broker's bound"))
            return refused
        return self.kafka.take((topic, partition), [(each.key, each.value) for each in read])

    async def stop(self) -> None:
        self.kafka.stopped += 1
