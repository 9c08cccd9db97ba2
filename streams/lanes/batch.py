"""A batch of a lane's work, and how it is halved to find what in it cannot be applied."""

from collections.abc import Sequence
from typing import NamedTuple

from keyart.streams.ports import LogRecord
from keyart.streams.steps.due import Due


class Batch(NamedTuple):
    """Records, each topic in the log's order, and then windows to close."""

    records: Sequence[LogRecord] = ()
    due: Sequence[Due] = ()

    @property
    def size(self) -> int:
        """How many records and windows it holds."""
        return len(self.records) + len(self.due)

    def halves(self) -> list["Batch"]:
        """Return smaller batches which, one after the other, are this one.

        Offsets of a topic only ever grow, so a topic's first half comes before its second; windows
        are closed by what was read before them.
        """
        if self.due and self.records:
            return [Batch(self.records), Batch((), self.due)]
        if self.due:
            middle = len(self.due) // 2
            return [Batch((), self.due[:middle]), Batch((), self.due[middle:])]
        topics: dict[str, list[LogRecord]] = {}
        for record in self.records:
            topics.setdefault(record.topic, []).append(record)
        if max(map(len, topics.values())) == 1:
            return [Batch([record]) for record in self.records]
        first, second = [], []
        for records in topics.values():
            middle = (len(records) + 1) // 2
            first += records[:middle]
            second += records[middle:]
        return [Batch(first), Batch(second)]
