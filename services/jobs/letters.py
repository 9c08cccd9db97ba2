"""Dead letters of either log: listing them, and sending their records once more."""

from collections.abc import Iterable, Iterator

from keyart.schemas.topics import DEAD_LETTERS
from keyart.services.wiring.bootstrap import READ_CHUNK, Parts
from keyart.streams.letters import DeadLetter, read_letter, refuse_lossy
from keyart.streams.ports import Output


def read_letters(parts: Parts) -> Iterator[DeadLetter]:
    """Yield the letters of every partition, the oldest first in each.

    Raises
    ------
    LogAway, StoreAway
        The log could not be reached.
    """
    partitions = parts.settings.partitions
    if not parts.embedded:
        from keyart.streams.kafka.deadletters import read_letters as of_kafka

        yield from of_kafka(parts.kafka, partitions=partitions)
        return
    for partition in range(partitions):
        after: str | None = None
        while found := parts.log.read(DEAD_LETTERS, partition, after=after, count=READ_CHUNK):
            for record in found:
                yield read_letter(record, f"{partition}:{record.offset}")
            after = found[-1].offset


def retry(parts: Parts, letters: Iterable[DeadLetter]) -> int:
    """Send the records to their topics again, by their keys; return how many.

    Raises
    ------
    InvalidRecord
        One does not hold its whole record; those before it were sent.
    LogAway
        The log did not take one.
    """
    if not parts.embedded:
        from keyart.streams.kafka.deadletters import retry as to_kafka

        return to_kafka(parts.kafka, letters)
    done = 0
    for letter in letters:
        refuse_lossy(letter)
        parts.log.append([Output(letter.topic, letter.key, letter.value.encode())])
        done += 1
    return done
