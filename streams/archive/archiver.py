"""Keeps the log short: what every reader has read goes to the archive, then out of the streams."""

import logging
from pathlib import Path

from keyart.schemas.errors import KeyartError
from keyart.schemas.topics import DEAD_LETTERS, TOPICS
from keyart.streams.archive import files
from keyart.streams.archive.ledger import Ledger
from keyart.streams.archive.versions import compact_versions
from keyart.streams.ports import ARCHIVE_GROUP, LogRecord, sortable
from keyart.streams.valkey.log import ValkeyLog

log = logging.getLogger(__name__)
OWNERS = {topic.name: topic.lane or None for topic in TOPICS if topic.archived}
"""Who must have read a record before it may go; None: nobody, its readers read the archive too."""
CHUNK = 20_000
CHUNK_BYTES = 64_000_000
KEPT_TAIL = 200
MOST_LETTERS = 10_000
LETTER_BYTES = 20_000_000
"""Of a partition's dead letters the newest are kept."""


class Archiver:
    """Archives and trims the streams of all topics.

    Parameters
    ----------
    log
        The streams.
    folder
        Where the archive is.
    ledger
        Which files there should be.
    """

    def __init__(self, log: ValkeyLog, folder: Path, ledger: Ledger) -> None:
        self._log = log
        self._folder = folder
        self._ledger = ledger

    def run(self) -> int:
        """Archive what has been read, trim it, and return how many records were archived.

        What fails in one partition does not keep the others from being archived; it is raised once
        they are.
        """
        done = 0
        failed: Exception | None = None
        for topic in OWNERS:
            for partition in range(self._log.partitions(topic)):
                try:
                    done += self._archive(topic, partition)
                except (KeyartError, OSError) as wrong:
                    log.warning("%s %d is not archived for now: %s", topic, partition, wrong)
                    failed = failed or wrong
        for partition in range(self._log.partitions(DEAD_LETTERS)):
            self._log.bound(DEAD_LETTERS, partition, most=MOST_LETTERS, most_bytes=LETTER_BYTES)
        self._ledger.drop(compact_versions(self._folder))
        if failed is not None:
            raise failed
        return done

    def _archive(self, topic: str, partition: int) -> int:
        done = 0
        owner = OWNERS[topic]
        read = None if owner is None else self._log.group_offset(topic, partition, owner)
        if owner is not None and read is None:
            return 0
        while True:
            after = self._log.group_offset(topic, partition, ARCHIVE_GROUP)
            found = self._log.read(topic, partition, after=after, count=CHUNK)
            records = _within(found, read)
            if not records:
                break
            self._ledger.add(files.write(self._folder, records))
            self._log.move_group(topic, partition, ARCHIVE_GROUP, records[-1].offset)
            done += len(records)
        self._trim(topic, partition)
        self._ledger.drop(files.compact(self._folder, topic, partition))
        return done

    def _trim(self, topic: str, partition: int) -> None:
        """Drop what is archived, but for a short tail that the page shows."""
        archived = self._log.group_offset(topic, partition, ARCHIVE_GROUP)
        tail = self._log.tail(topic, partition, KEPT_TAIL)
        if archived is None or len(tail) < KEPT_TAIL:
            return
        upto = min(archived, tail[-1].offset, key=sortable)
        self._log.trim(topic, partition, upto)


def _within(found: list[LogRecord], read: str | None) -> list[LogRecord]:
    """Return the records up to an offset, as many as may stand in one file; at least one."""
    records: list[LogRecord] = []
    size = 0
    for record in found:
        size += len(record.value)
        past = read is not None and sortable(record.offset) > sortable(read)
        if past or (records and size > CHUNK_BYTES):
            break
        records.append(record)
    return records
