"""Erasing a viewer from the log and the archive.

Events, decisions and dead letters go. A reward stays, because a posterior must equal its log, but
it stays without its viewer: zeros for the pseudonym, a random number for the decision's id, which
holds a check of whose it was (`schemas.ids`) and would tie it back, no taste and no context of the
site's.
"""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.topics import DEAD_LETTERS, PERSONAL, REWARDS
from keyart.streams.archive import files
from keyart.streams.ports import ARCHIVE_GROUP, LogRecord, sortable
from keyart.streams.valkey.log import ValkeyLog

NOBODY = "0" * 32
ID_BYTES = 12
_CHUNK = 5_000
_PSEUDONYM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


Erased = Mapping[str, int]
"""Viewer -> the time, in milliseconds, up to which they are erased: what came later is kept."""


def erase_from_log(log: ValkeyLog, viewers: Erased) -> set[str]:
    """Delete the viewers' records from the streams; return the viewers of whom something is left.

    Events and decisions go at once. A reward goes once it is archived, where `erase_from_archive`
    blanks it. Call this once the viewers' lane has read the erasures.
    """
    left: set[str] = set()
    for partition in range(log.partitions(DEAD_LETTERS)):
        _erase_letters(log, partition, viewers)
    for topic in PERSONAL:
        for partition in range(log.partitions(topic)):
            archived = sortable(log.group_offset(topic, partition, ARCHIVE_GROUP) or "")
            after: str | None = None
            while records := log.read(topic, partition, after=after, count=_CHUNK):
                after = records[-1].offset
                theirs = [record for record in records if _is_erased(record, viewers)]
                gone = [
                    r.offset for r in theirs if topic != REWARDS or sortable(r.offset) <= archived
                ]
                left |= {_viewer(record) for record in theirs if record.offset not in gone}
                if gone:
                    log.delete(topic, partition, gone)
    return left


def _erase_letters(log: ValkeyLog, partition: int, viewers: Erased) -> None:
    """Delete every dead letter that names one of the viewers, wherever in it."""
    after: str | None = None
    while letters := log.read(DEAD_LETTERS, partition, after=after, count=_CHUNK):
        after = letters[-1].offset
        theirs = [
            each.offset
            for each in letters
            if any(each.logged_at_ms <= viewers.get(name, -1) for name in _named(each))
        ]
        if theirs:
            log.delete(DEAD_LETTERS, partition, theirs)


def _named(record: LogRecord) -> set[str]:
    """Return all that looks like a pseudonym in a record."""
    return {each.decode() for each in _PSEUDONYM.findall(record.key.encode() + b" " + record.value)}


def _is_erased(record: LogRecord, viewers: Erased) -> bool:
    """Whether a record is of one of the viewers, and from before their erasure.

    A reward is of the time at which it was shown: it is logged when its window closes.
    """
    if record.topic != REWARDS:
        return record.logged_at_ms <= viewers.get(record.key, -1)
    try:
        reward = codec.rewards.decode(record.value)
    except InvalidRecord:
        return False
    return reward.shown_at_ms <= viewers.get(reward.viewer, -1)


def _viewer(record: LogRecord) -> str:
    return record.key if record.topic != REWARDS else codec.rewards.decode(record.value).viewer


def erase_from_archive(folder: Path, viewers: Erased) -> int:
    """Remove the viewers from the archive's files; return how many files were written anew.

    A file that cannot be read is set aside, and the others are gone through all the same.
    """
    done = 0
    for topic in PERSONAL:
        for path in files.paths(folder, topic):
            with files.setting_aside():
                done += (_blank if topic == REWARDS else _remove)(path, viewers)
    return done


def _remove(path: Path, viewers: Erased) -> bool:
    table = files.table_in(path, files.PLAIN.names)
    rows = zip(table["key"].to_pylist(), table["logged_at_ms"].to_pylist(), strict=True)
    theirs = pa.array([at_ms <= viewers.get(key, -1) for key, at_ms in rows], pa.bool_())
    if not pc.any(theirs).as_py():
        return False
    files.replace(path, table.filter(pc.invert(theirs)))
    return True


def _blank(path: Path, viewers: Erased) -> bool:
    held = files.table_in(path, ["viewer"])["viewer"]
    theirs = pc.is_in(held, value_set=pa.array(sorted(viewers)))
    if not pc.any(theirs).as_py() and held.null_count == 0:
        return False
    partition = int(path.name.partition("-")[0])
    records = []
    for row in files.table_in(path, files.PLAIN.names).to_pylist():
        value = _without(row["record"], viewers)
        records.append(
            LogRecord(REWARDS, partition, row["offset"], row["key"], value, row["logged_at_ms"])
        )
    files.replace(path, files.table_of(records))
    return True


def _without(value: bytes, viewers: Erased) -> bytes:
    try:
        reward = codec.rewards.decode(value)
    except InvalidRecord:
        for viewer in viewers:
            value = value.replace(viewer.encode(), NOBODY.encode())
        return value
    if reward.shown_at_ms > viewers.get(reward.viewer, -1):
        return value
    id = secrets.token_hex(ID_BYTES)
    blank = structs.replace(reward, viewer=NOBODY, id=id, taste=b"", segment="", context={})
    return codec.encode(blank)


class Past:
    """Log and archive of a site as an erasure goes through them.

    Parameters
    ----------
    folder
        Of the archive.
    log
        The embedded log; None with Kafka, whose topics forget by their retention.
    """

    def __init__(self, folder: Path, log: ValkeyLog | None) -> None:
        self._folder = folder
        self._log = log

    def erase_from_log(self, viewers: Erased) -> set[str] | None:
        """Delete from the embedded log; None where records go with their topic's retention."""
        return None if self._log is None else erase_from_log(self._log, viewers)

    def erase_from_archive(self, viewers: Erased) -> int:
        """Take the viewers out of the archive's files; return how many were written anew."""
        return erase_from_archive(self._folder, viewers)
