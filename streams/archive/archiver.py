"""Keeps the log short: what every reader has read goes to the archive, then out of the streams."""

from pathlib import Path

from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.streams.archive import files
from keyart.streams.ports import TITLES, VIEWERS, sortable
from keyart.streams.valkey.log import ARCHIVE_GROUP, ValkeyLog

OWNERS = {EVENTS: VIEWERS, DECISIONS: VIEWERS, REWARDS: TITLES}
CHUNK = 20_000
KEPT_TAIL = 200


class Archiver:
    """Archives and trims the streams of all topics.

    Parameters
    ----------
    log
        The streams.
    folder
        Where the archive is.
    """

    def __init__(self, log: ValkeyLog, folder: Path) -> None:
        self._log = log
        self._folder = folder

    def run(self) -> int:
        """Archive what has been read, trim it, and return how many records were archived."""
        return sum(
            self._archive(topic, partition)
            for topic in OWNERS
            for partition in range(self._log.partitions(topic))
        )

    def _archive(self, topic: str, partition: int) -> int:
        done = 0
        read = self._log.group_offset(topic, partition, OWNERS[topic])
        if read is None:
            return 0
        while True:
            after = self._log.group_offset(topic, partition, ARCHIVE_GROUP)
            found = self._log.read(topic, partition, after=after, count=CHUNK)
            records = [r for r in found if sortable(r.offset) <= sortable(read)]
            if not records:
                break
            files.write(self._folder, records)
            self._log.move_group(topic, partition, ARCHIVE_GROUP, records[-1].offset)
            done += len(records)
        self._trim(topic, partition)
        files.compact(self._folder, topic, partition)
        return done

    def _trim(self, topic: str, partition: int) -> None:
        """Drop what is archived, but for a short tail that the page shows."""
        archived = self._log.group_offset(topic, partition, ARCHIVE_GROUP)
        tail = self._log.tail(topic, partition, KEPT_TAIL)
        if archived is None or len(tail) < KEPT_TAIL:
            return
        upto = min(archived, tail[-1].offset, key=sortable)
        self._log.trim(topic, partition, upto)
