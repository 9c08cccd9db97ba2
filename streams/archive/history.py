"""The whole past of an embedded log: the archive's files, then what only the streams have."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from keyart.streams.archive import files
from keyart.streams.archive.ledger import Ledger
from keyart.streams.history import Passed
from keyart.streams.ports import ARCHIVE_GROUP, LogRecord
from keyart.streams.valkey.log import ValkeyLog

READ_CHUNK: Final = 5000


class ArchivedHistory:
    """See the module.

    Parameters
    ----------
    folder
        Of the archive.
    log
        Returns the streams; asked when first needed, because a server may not be up at start.
    ledger
        Which files there should be.
    """

    def __init__(self, folder: Path, log: Callable[[], ValkeyLog], ledger: Ledger) -> None:
        self._folder = folder
        self._log = log
        self._ledger = ledger

    def read(
        self, topic: str, partition: int, *, passed: Passed | None = None
    ) -> Iterator[LogRecord]:
        """Yield all records of a partition: the archive's, then those only the log has."""
        last: str | None = None
        for record in files.read(self._folder, topic, partition, passed=passed or files.warn):
            last = record.offset
            yield record
        log = self._log()
        while records := log.read(topic, partition, after=last, count=READ_CHUNK):
            yield from records
            last = records[-1].offset

    def gaps(self, topic: str, partition: int, *, first: str | None) -> Iterator[str]:
        """Yield which files are gone or set aside, and if all of them are."""
        for missing in self._ledger.missing(topic, partition):
            yield f"{missing} is gone from the archive"
        for path in files.aside(self._folder):
            if path.parent.parent.name == topic and path.name.startswith(f"{partition:04d}-"):
                yield f"{topic}/{path.parent.name}/{path.name} was set aside"
        log = self._log()
        archived = log.group_offset(topic, partition, ARCHIVE_GROUP)
        if archived is not None and not files.paths(self._folder, topic, partition):
            count = log.appended(topic, partition) - log.length(topic, partition)
            if count > 0:
                yield f"the archive of {topic} {partition} is gone, with about {count} records"
