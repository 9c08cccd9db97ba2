"""The ends of Kafka's partitions: how long they are, how far they are read, their last records.

The api's metrics ask for them, and must come also when Kafka does not: nobody waits for longer than
a few seconds, and after a failure nobody waits for a while.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from keyart.schemas.errors import LogAway, LogError
from keyart.schemas.topics import LANE_OF
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.admin import reaching
from keyart.streams.kafka.source import log_record
from keyart.streams.ports import Lane, LogRecord

T = TypeVar("T")
POLL_MS = 250
POLLS = 8
ANSWER_MS = 3000
REST_S = 10.0


class KafkaTail:
    """Looks at the ends of partitions with one consumer of its own, in no group.

    Parameters
    ----------
    access
        How Kafka is reached.
    committed
        (lane) -> offset of the last record committed, by topic: the store's.

    Raises
    ------
    LogAway
        Kafka did not answer within 3 s, or failed to within the last 10 s (by any method).
    """

    def __init__(self, access: KafkaAccess, *, committed: Callable[[Lane], dict[str, str]]) -> None:
        self._access = access
        self._committed = committed
        self._consumer: Any = None
        self._away_until = 0.0
        self._lock = threading.Lock()

    def appended(self, topic: str, partition: int) -> int:
        """Return the number of records ever appended."""
        with self._lock:
            return self._ends(topic, partition)[1]

    def waiting(self, topic: str, partition: int) -> tuple[int, int | None]:
        """Return how many records the steps have not read, and when the first of them came."""
        offset = self._committed(Lane(LANE_OF[topic], partition)).get(topic)
        with self._lock:
            first, end = self._ends(topic, partition)
            at = first if offset is None else max(first, int(offset) + 1)
            if at >= end:
                return 0, None
            found = self._from(topic, partition, at, 1)
        return end - at, found[0].logged_at_ms if found else None

    def tail(self, topic: str, partition: int, count: int) -> Sequence[LogRecord]:
        """Return the last `count` records, the newest first; fewer when Kafka is slow."""
        with self._lock:
            first, end = self._ends(topic, partition)
            at = max(first, end - count)
            return self._from(topic, partition, at, end - at)[::-1]

    def close(self) -> None:
        """Close the consumer."""
        with self._lock:
            self._drop()

    def _ends(self, topic: str, partition: int) -> tuple[int, int]:
        place = self._place(topic, partition)

        def ask(consumer: Any) -> tuple[int, int]:
            first = consumer.beginning_offsets([place], timeout_ms=ANSWER_MS)[place]
            return int(first), int(consumer.end_offsets([place], timeout_ms=ANSWER_MS)[place])

        return self._ask(ask)

    def _from(self, topic: str, partition: int, at: int, count: int) -> list[LogRecord]:
        place = self._place(topic, partition)

        def ask(consumer: Any) -> list[LogRecord]:
            consumer.assign([place])
            consumer.seek(place, at)
            found: list[LogRecord] = []
            for _ in range(POLLS):
                if len(found) >= count:
                    break
                batch = consumer.poll(timeout_ms=POLL_MS, max_records=count).get(place, [])
                found += [log_record(topic, record) for record in batch]
            return found[:count]

        return self._ask(ask) if count else []

    def _place(self, topic: str, partition: int) -> Any:
        with reaching(self._access):
            from kafka import TopicPartition

            return TopicPartition(self._access.topic(topic), partition)

    def _ask(self, ask: Callable[[Any], T]) -> T:
        """Ask with the consumer at hand; after a failure and a rest the next call makes another."""
        if time.monotonic() < self._away_until:
            raise LogAway(f"Kafka at {self._access.bootstrap} was away a moment ago")
        try:
            with reaching(self._access):
                if self._consumer is None:
                    from kafka import KafkaConsumer

                    self._consumer = KafkaConsumer(
                        **self._access.for_client(),
                        enable_auto_commit=False,
                        bootstrap_timeout_ms=ANSWER_MS,
                    )
                return ask(self._consumer)
        except LogError:
            self._away_until = time.monotonic() + REST_S
            self._drop()
            raise

    def _drop(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
