"""The port for the whole past of a site: every record there ever was, as far as it is kept."""

from collections.abc import Callable, Iterator
from typing import Protocol

from keyart.schemas.errors import InvalidRecord
from keyart.streams.ports import LogRecord

Passed = Callable[[InvalidRecord], object]
"""Is told of what could not be read and was passed over."""


class History(Protocol):
    """All records of a partition, wherever they are by now."""

    def read(
        self, topic: str, partition: int, *, passed: Passed | None = None
    ) -> Iterator[LogRecord]:
        """Yield all records of a partition, the oldest first, each once.

        `passed` is told of what cannot be read; by default that is logged.

        Raises
        ------
        LogAway, StoreAway
            The log could not be reached.
        """

    def gaps(self, topic: str, partition: int, *, first: str | None) -> Iterator[str]:
        """Yield why a partition is not all that was ever logged, as far as that can be seen.

        `first` is the offset of the first record that was read, None when there was none.
        """
