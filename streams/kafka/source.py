"""Reading a partition from its first record to its end, for replay and checks."""

from collections.abc import Iterator
from typing import Any

from keyart.schemas.errors import LogAway
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.admin import reaching
from keyart.streams.ports import LogRecord

POLL_MS = 1000
SILENT_POLLS = 30
CHUNK = 5000


def read_all(
    access: KafkaAccess, topic: str, partition: int, *, after: str | None = None
) -> Iterator[LogRecord]:
    """Yield the records of a partition, the oldest first, up to its end as it is now.

    Parameters
    ----------
    after
        The offset of the last record that is known; None begins with the oldest there is.

    Raises
    ------
    MissingExtra
        kafka-python is not installed.
    LogAway
        Kafka could not be reached, or stopped answering on the way.
    """
    with reaching(access):
        from kafka import KafkaConsumer, TopicPartition

        place = TopicPartition(access.topic(topic), partition)
        consumer = KafkaConsumer(**access.for_client(), enable_auto_commit=False)
        try:
            consumer.assign([place])
            yield from _read(consumer, place, topic, after)
        finally:
            consumer.close()


def _read(consumer: Any, place: Any, topic: str, after: str | None) -> Iterator[LogRecord]:
    end = consumer.end_offsets([place])[place]
    oldest = consumer.beginning_offsets([place])[place]
    consumer.seek(place, oldest if after is None else max(oldest, int(after) + 1))
    silent = 0
    while (at := consumer.position(place)) < end:
        batch = consumer.poll(timeout_ms=POLL_MS, max_records=CHUNK).get(place, [])
        silent = 0 if batch or consumer.position(place) > at else silent + 1
        if silent == SILENT_POLLS:
            raise LogAway(f"{topic} {place.partition} gave nothing for {SILENT_POLLS} s at {at}")
        for record in batch:
            if record.offset >= end:
                return
            yield log_record(topic, record)


def log_record(topic: str, record: Any) -> LogRecord:
    """Return a record of a Kafka client as ours."""
    return LogRecord(
        topic,
        record.partition,
        f"{record.offset:020d}",
        (record.key or b"").decode(errors="replace"),
        record.value or b"",
        record.timestamp,
    )
