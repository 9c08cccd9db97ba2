"""Dead letters in Kafka: reading them, and sending their records once more."""

from collections.abc import Iterable, Iterator

from keyart.schemas.errors import LogAway
from keyart.schemas.topics import DEAD_LETTERS
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.admin import reaching
from keyart.streams.kafka.source import read_all
from keyart.streams.letters import DeadLetter, read_letter, refuse_lossy

SEND_S = 30.0


def read_letters(access: KafkaAccess, *, partitions: int) -> Iterator[DeadLetter]:
    """Yield the letters of every partition, the oldest first in each.

    Raises
    ------
    LogAway
        Kafka could not be reached.
    """
    for partition in range(partitions):
        for record in read_all(access, DEAD_LETTERS, partition):
            yield read_letter(record, f"{partition}:{int(record.offset)}")


def retry(access: KafkaAccess, letters: Iterable[DeadLetter]) -> int:
    """Send the records to their topics again, by their keys; return how many.

    Raises
    ------
    InvalidRecord
        One does not hold its whole record; those before it were sent.
    LogAway
        Kafka did not take one.
    """
    with reaching(access):
        from kafka import KafkaProducer
        from kafka.errors import KafkaTimeoutError

        producer = KafkaProducer(**access.for_client(), acks="all")
        try:
            sent = []
            for letter in letters:
                refuse_lossy(letter)
                key, value = letter.key.encode(), letter.value.encode()
                sent.append(producer.send(access.topic(letter.topic), key=key, value=value))
            for each in sent:
                each.get(SEND_S)
        except KafkaTimeoutError as away:
            raise LogAway(f"Kafka did not take a record within {SEND_S:.0f} s") from away
        finally:
            producer.close(SEND_S)
    return len(sent)
