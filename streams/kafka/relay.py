"""Carries a lane's outputs from its outbox in the store to Kafka, in order.

An output is in the outbox because its commit is, so it may be produced again after a crash, and is:
rewards carry a source and a sequence by which their reader skips what it has. For that to be safe a
later record must never be in the log without an earlier one, so at most one batch a partition is on
its way, and nothing follows a batch that failed.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from keyart.schemas.errors import LogAway
from keyart.schemas.topics import partition_of
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.connection import Connection, Producer, Start, starting
from keyart.streams.letters import too_large
from keyart.streams.ports import Lane, Output

log = logging.getLogger(__name__)
CHUNK = 1000
CHUNK_BYTES = 8_000_000
AWAY_S = 0.5
BATCH_BYTES = 500_000
TIMEOUT_MS = 15_000


class Outbox(Protocol):
    """Outputs that are committed and not yet in the log."""

    def outbox(self, lane: Lane, count: int, most_bytes: int) -> list[Output]:
        """Return the first outputs, up to `count`, of about so many bytes."""

    def sent(self, lane: Lane, epoch: int, count: int) -> None:
        """Remove the first `count` outputs, unless another owner has acquired the lane."""


class Relay:
    """Produces outputs of this worker's lanes.

    Parameters
    ----------
    access
        How Kafka is reached.
    store
        Where the outboxes are.
    partitions
        Of each topic.
    start
        Starts the producer; by default aiokafka's, which numbers its batches.
    away_s
        How long to wait before trying again when Kafka did not take a batch.
    """

    def __init__(
        self,
        access: KafkaAccess,
        store: Outbox,
        *,
        partitions: int,
        start: Start | None = None,
        away_s: float = AWAY_S,
    ) -> None:
        self.access = access
        self._store = store
        self._partitions = partitions
        self._away_s = away_s
        aiokafkas = starting(
            access,
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=TIMEOUT_MS,
        )
        self._connection = Connection(start or aiokafkas)

    async def drain(self, lane: Lane, epoch: int) -> int:
        """Produce all that is in the lane's outbox; return how many. Waits while Kafka is away.

        Raises
        ------
        Fenced
            Another owner acquired the lane: what is left is its to produce.
        StoreAway
            The store could not be reached.
        """
        done = 0
        while outputs := await asyncio.to_thread(self._store.outbox, lane, CHUNK, CHUNK_BYTES):
            try:
                await self._produce(outputs)
            except LogAway as away:
                log.warning("outputs of lane %s %s wait: %s", *lane, away)
                await self._connection.close()
                await asyncio.sleep(self._away_s)
                continue
            await asyncio.to_thread(self._store.sent, lane, epoch, len(outputs))
            done += len(outputs)
        return done

    async def _produce(self, outputs: Sequence[Output]) -> None:
        """Produce outputs; one that Kafka never takes, for its size, is a letter in its place.

        Raises
        ------
        LogAway
            Kafka did not take them.
        """
        from aiokafka.errors import MessageSizeTooLargeError

        try:
            await self._try(outputs)
        except MessageSizeTooLargeError:
            if len(outputs) > 1:
                for each in outputs:
                    await self._produce([each])
                return
            log.error("Kafka takes no output of %d bytes; a letter goes", len(outputs[0].value))
            with suppress(MessageSizeTooLargeError):
                await self._try([too_large(outputs[0])])

    async def _try(self, outputs: Sequence[Output]) -> None:
        from aiokafka.errors import KafkaError, MessageSizeTooLargeError

        try:
            producer = await self._connection.producer()
            waiting: dict[tuple[str, int], list[Output]] = {}
            for output in outputs:
                where = (output.topic, partition_of(output.key, self._partitions))
                waiting.setdefault(where, []).append(output)
            while waiting:
                sent = [
                    await self._send(producer, topic, partition, its)
                    for (topic, partition), its in waiting.items()
                ]
                await asyncio.gather(*sent)
                waiting = {where: its for where, its in waiting.items() if its}
        except MessageSizeTooLargeError:
            raise
        except (KafkaError, OSError) as away:
            raise LogAway(f"Kafka did not take the outputs: {away!r}") from None

    async def _send(
        self, producer: Producer, topic: str, partition: int, outputs: list[Output]
    ) -> Any:
        """Send as many of the outputs as go into one batch; leave the rest in the list."""
        batch = producer.create_batch()
        taken = 0
        for output in outputs:
            key = output.key.encode()
            if batch.append(timestamp=None, key=key, value=output.value) is None:
                break
            taken += 1
        del outputs[:taken]
        return await producer.send_batch(batch, self.access.topic(topic), partition=partition)

    async def stop(self) -> None:
        """Close the connection; what is not acknowledged stays in the outbox."""
        await self._connection.close()
