"""A log for a site whose time is simulated: what is taken from it is gone from memory."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from keyart.streams.ports import Clock, LogRecord, Output

PARTITION: Final = 0


class PassingLog:
    """Records of each topic until they are taken, timed by the site's own clock.

    Parameters
    ----------
    clock
        Milliseconds since 1970: the time that the log gives its records.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, list[LogRecord]] = defaultdict(list)
        self._next: dict[str, int] = defaultdict(int)

    def append(self, outputs: Sequence[Output]) -> None:
        """Append all records."""
        at_ms = self._clock()
        for topic, key, value in outputs:
            self._next[topic] += 1
            offset = f"{self._next[topic]:012d}"
            self._waiting[topic].append(LogRecord(topic, PARTITION, offset, key, value, at_ms))

    def record(self, output: Output) -> None:
        """Append one record, as the api's recorder does."""
        self.append([output])

    def forget(self, viewer: str) -> None:
        """Hold nothing of a viewer: nobody is erased here."""

    def take(self, *topics: str) -> list[LogRecord]:
        """Return all that waits in these topics, one topic after the other."""
        return [record for topic in topics for record in self._waiting.pop(topic, [])]
