"""Dead letters: records that no lane could read, with the reason, and sending them once more."""

from collections.abc import Iterable, Iterator

import msgspec

from keyart.schemas.errors import InvalidRecord, LogAway, NotFound
from keyart.schemas.topics import DEAD_LETTERS
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.admin import reaching
from keyart.streams.kafka.source import read_all

SEND_S = 30.0
REPLACED = "\ufffd"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be read. `offset` is its own; `id` is the letter's place."""

    topic: str
    partition: int
    offset: str
    reason: str
    value: str
    key: str = ""
    path: str = ""
    truncated: bool = False
    id: str = ""


def read_letters(access: KafkaAccess, *, partitions: int) -> Iterator[DeadLetter]:
    """Yield the letters of every partition, the oldest first in each.

    Raises
    ------
    LogAway
        Kafka could not be reached.
    """
    decoder = msgspec.json.Decoder(DeadLetter)
    for partition in range(partitions):
        for record in read_all(access, DEAD_LETTERS, partition):
            name = f"{partition}:{int(record.offset)}"
            try:
                letter = decoder.decode(record.value)
            except msgspec.DecodeError as wrong:
                letter = DeadLetter(
                    topic=DEAD_LETTERS,
                    partition=partition,
                    offset=record.offset,
                    reason=f"not a dead letter: {wrong}",
                    value=record.value.decode(errors="replace"),
                )
            yield msgspec.structs.replace(letter, id=name)


def find_letter(letters: Iterable[DeadLetter], name: str) -> DeadLetter:
    """Return the letter of this id.

    Raises
    ------
    NotFound
        There is none.
    """
    for letter in letters:
        if letter.id == name:
            return letter
    raise NotFound(f"no dead letter {name!r}; `keyart deadletters list` shows their ids")


def refuse_lossy(letter: DeadLetter) -> None:
    """Refuse a letter that does not hold the whole record.

    Raises
    ------
    InvalidRecord
        It was cut, was not text, or came from no topic of ours.
    """
    if letter.topic == DEAD_LETTERS:
        raise InvalidRecord(f"dead letter {letter.id} names no topic to send it to")
    if letter.truncated:
        raise InvalidRecord(f"dead letter {letter.id} holds only the start of its record")
    if REPLACED in letter.value or REPLACED in letter.key:
        raise InvalidRecord(f"dead letter {letter.id} was not text, and cannot be sent as it was")


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
