"""The training log of a site on Kafka: rewards from their topic to Parquet by day."""

from itertools import islice
from pathlib import Path
from typing import Final

from keyart.schemas.topics import REWARDS
from keyart.streams.archive import files
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.source import read_all

CHUNK: Final = 20_000


class KafkaArchiver:
    """Copies rewards that came since the last time; where it stands is what the files hold.

    One process at a time writes to a folder.

    Parameters
    ----------
    access
        Kafka.
    folder
        Of the archive.
    partitions
        Of the topic.
    """

    def __init__(self, access: KafkaAccess, folder: Path, *, partitions: int) -> None:
        self._access = access
        self._folder = folder
        self._partitions = partitions

    def run(self) -> int:
        """Archive up to the end of the topic as it is now; return how many records that was.

        Raises
        ------
        LogAway
            Kafka could not be reached; what was written so far stays.
        """
        return sum(self._archive(partition) for partition in range(self._partitions))

    def _archive(self, partition: int) -> int:
        done = 0
        after = files.last_offset(self._folder, REWARDS, partition)
        records = read_all(self._access, REWARDS, partition, after=after)
        while chunk := list(islice(records, CHUNK)):
            files.write(self._folder, chunk)
            done += len(chunk)
        files.compact(self._folder, REWARDS, partition)
        return done
