"""Dead letters of either log: listing them, and sending their records once more."""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from keyart.schemas.topics import DEAD_LETTERS
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.letters import DeadLetter, read_letter, refuse_lossy
from keyart.streams.ports import Log, Output

READ_CHUNK: Final = 5000


class Letters(Protocol):
    """The dead letters of a log."""

    def read(self) -> Iterator[DeadLetter]:
        """Yield the letters of every partition, the oldest first in each.

        Raises
        ------
        LogAway, StoreAway
            The log could not be reached.
        """

    def retry(self, letters: Iterable[DeadLetter]) -> int:
        """Send the records to their topics again, by their keys; return how many.

        Raises
        ------
        InvalidRecord
            One does not hold its whole record; those before it were sent.
        LogAway
            The log did not take one.
        """


class OwnLetters:
    """Those of a log that is read from any offset.

    Parameters
    ----------
    log
        Where they are, and where their records go again.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def read(self) -> Iterator[DeadLetter]:
        """Yield the letters; see `Letters`."""
        for partition in range(self._log.partitions(DEAD_LETTERS)):
            after: str | None = None
            while found := self._log.read(DEAD_LETTERS, partition, after=after, count=READ_CHUNK):
                for record in found:
                    yield read_letter(record, f"{partition}:{record.offset}")
                after = found[-1].offset

    def retry(self, letters: Iterable[DeadLetter]) -> int:
        """Append the records again; see `Letters`."""
        done = 0
        for letter in letters:
            refuse_lossy(letter)
            self._log.append([Output(letter.topic, letter.key, letter.value.encode())])
            done += 1
        return done


class KafkaLetters:
    """Those in Kafka.

    Parameters
    ----------
    access
        Kafka.
    partitions
        Of each topic.
    """

    def __init__(self, access: KafkaAccess, *, partitions: int) -> None:
        self._access = access
        self._partitions = partitions

    def read(self) -> Iterator[DeadLetter]:
        """Yield the letters; see `Letters`."""
        from keyart.streams.kafka.deadletters import read_letters

        return read_letters(self._access, partitions=self._partitions)

    def retry(self, letters: Iterable[DeadLetter]) -> int:
        """Send the records again; see `Letters`."""
        from keyart.streams.kafka.deadletters import retry

        return retry(self._access, letters)
