"""The whole past of a log in Kafka: its topics, as far as their retention goes."""

from collections.abc import Iterator

from keyart.schemas.topics import CATALOGUE
from keyart.streams.history import Passed
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.source import read_all
from keyart.streams.ports import LogRecord


class KafkaHistory:
    """See the module.

    Parameters
    ----------
    access
        Kafka.
    """

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access

    def read(
        self, topic: str, partition: int, *, passed: Passed | None = None
    ) -> Iterator[LogRecord]:
        """Yield all records of a partition; what cannot be read is its reader's matter."""
        return read_all(self._access, topic, partition)

    def gaps(self, topic: str, partition: int, *, first: str | None) -> Iterator[str]:
        """Yield where the topic begins, if that is not at its beginning."""
        begins = int(first or 0)
        # a topic that is compacted loses what nothing needs, wherever it stands
        if topic != CATALOGUE and begins > 0:
            yield (
                f"the log of {topic} {partition} begins at offset {begins}: what came before "
                "is gone"
            )
