"""The asynchronous log of the api on Kafka: appends and waits for the acknowledgement."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from keyart.schemas.errors import LogAway
from keyart.schemas.topics import partition_of
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.ports import Output

log = logging.getLogger(__name__)
LINGER_MS = 5


class KafkaLog:
    """Appends records to Kafka by the shared partitioner.

    Connects when first used, and again after Kafka was away; nobody waits longer than the timeout.

    Parameters
    ----------
    access
        How Kafka is reached.
    partitions
        Of each topic.
    timeout_s
        After which a record that was not acknowledged counts as not taken.
    """

    def __init__(self, access: KafkaAccess, *, partitions: int, timeout_s: float = 5.0) -> None:
        self._access = access
        self._partitions = partitions
        self._timeout_s = timeout_s
        self._producer: Any = None
        self._starting = asyncio.Lock()

    async def append(self, outputs: Sequence[Output]) -> list[str]:
        """Append the records; return their offsets once every in-sync replica has them.

        A record of a failed call may be in the log all the same, and comes twice if sent again:
        its id makes that harmless.

        Raises
        ------
        LogAway
            Kafka did not acknowledge all of them in time.
        """
        from aiokafka.errors import KafkaError

        try:
            async with asyncio.timeout(self._timeout_s):
                producer = await self._started()
                sent = [
                    await producer.send(
                        self._access.topic(topic),
                        key=key.encode(),
                        value=value,
                        partition=partition_of(key, self._partitions),
                    )
                    for topic, key, value in outputs
                ]
                done = await asyncio.gather(*sent, return_exceptions=True)
        except (KafkaError, OSError, TimeoutError) as away:
            raise LogAway(f"Kafka at {self._access.bootstrap} is away: {away!r}") from None
        offsets: list[str] = []
        for each in done:
            if isinstance(each, BaseException):
                raise LogAway(f"Kafka did not take a record: {each!r}")
            offsets.append(f"{each.offset:020d}")
        return offsets

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                from aiokafka import AIOKafkaProducer

                producer = AIOKafkaProducer(
                    **self._access.for_client(),
                    acks="all",
                    linger_ms=LINGER_MS,
                    request_timeout_ms=round(self._timeout_s * 1000),
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Send what waits, for as long as the timeout, and close."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await producer.stop()
            except TimeoutError:
                log.warning("the last records were not acknowledged by Kafka")
