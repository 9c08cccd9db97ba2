"""The asynchronous log of the api on Kafka: appends and waits for the acknowledgement."""

import asyncio
import logging
from collections.abc import Sequence

from keyart.schemas.errors import LogAway, LogError
from keyart.schemas.topics import partition_of
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.connection import Connection, Start, starting
from keyart.streams.ports import Output

log = logging.getLogger(__name__)
LINGER_MS = 5
TIMEOUT_S = 5.0
STOP_S = 2.0


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
    start
        Starts the producer; by default aiokafka's.
    """

    def __init__(
        self,
        access: KafkaAccess,
        *,
        partitions: int,
        timeout_s: float = TIMEOUT_S,
        start: Start | None = None,
    ) -> None:
        self._access = access
        self._partitions = partitions
        self._timeout_s = timeout_s
        wait_ms = round(timeout_s * 1000)
        aiokafkas = starting(access, linger_ms=LINGER_MS, request_timeout_ms=wait_ms)
        self._connection = Connection(start or aiokafkas)

    async def append(self, outputs: Sequence[Output]) -> list[str]:
        """Append the records; return their offsets once every in-sync replica has them.

        A record of a failed call may be in the log all the same, and comes twice if sent again:
        its id makes that harmless.

        Raises
        ------
        LogAway
            Kafka did not acknowledge all of them in time.
        LogError
            One is larger than Kafka takes; sending it again cannot help.
        """
        from aiokafka.errors import KafkaError, MessageSizeTooLargeError

        try:
            async with asyncio.timeout(self._timeout_s):
                producer = await self._connection.producer()
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
        except MessageSizeTooLargeError as large:
            raise LogError(f"Kafka takes no record of this size: {large}") from None
        except (KafkaError, OSError, TimeoutError) as away:
            raise LogAway(f"Kafka at {self._access.bootstrap} is away: {away!r}") from None
        offsets: list[str] = []
        for each in done:
            if isinstance(each, MessageSizeTooLargeError):
                raise LogError(f"Kafka takes no record of this size: {each!r}")
            if isinstance(each, BaseException):
                raise LogAway(f"Kafka did not take a record: {each!r}")
            offsets.append(f"{each.offset:020d}")
        return offsets

    async def stop(self) -> None:
        """Close; who appends has waited already, so what hangs now is only the taking of leave."""
        try:
            async with asyncio.timeout(STOP_S):
                await self._connection.close()
        except TimeoutError:
            log.warning("Kafka at %s did not let go in time", self._access.bootstrap)
