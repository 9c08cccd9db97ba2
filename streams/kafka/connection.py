"""The one producer of a process: started when it is first needed, and anew after it was closed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from keyart.streams.kafka.access import KafkaAccess


class Producer(Protocol):
    """What is used of aiokafka's producer."""

    async def send(self, topic: str, value: bytes, *, key: bytes, partition: int) -> Awaitable[Any]:
        """Take a record; what is returned ends when Kafka has it."""

    def create_batch(self) -> Any:
        """Return an empty batch."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Awaitable[Any]:
        """Take a batch; what is returned ends when Kafka has it."""

    async def stop(self) -> None:
        """Send what waits, and close."""


Start = Callable[[], Awaitable[Producer]]
"""Connects and returns a producer that is ready; raises `KafkaError` or `OSError`."""


def starting(access: KafkaAccess, **options: Any) -> Start:
    """Return how to start aiokafka's producer; a record counts once all replicas in sync have it.

    Parameters
    ----------
    options
        Of aiokafka's producer.
    """

    async def start() -> Producer:
        from aiokafka import AIOKafkaProducer

        producer: Any = AIOKafkaProducer(**access.for_client(), acks="all", **options)
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer  # type: ignore[no-any-return]

    return start


class Connection:
    """Holds the producer; who asks at the same time waits for the same start."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._producer: Producer | None = None
        self._starting = asyncio.Lock()

    async def producer(self) -> Producer:
        """Return the producer, started."""
        async with self._starting:
            if self._producer is None:
                self._producer = await self._start()
            return self._producer

    async def close(self) -> None:
        """Close the producer, if there is one; the next to ask starts another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
