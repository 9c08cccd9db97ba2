"""Erasing a viewer from the log and the archive.

Events and decisions go. A reward stays, because a posterior must equal its log, but it stays
without its viewer: the pseudonym is replaced by zeros, and nothing ties it to anybody.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.streams.archive import files
from keyart.streams.ports import LogRecord, sortable
from keyart.streams.valkey.log import ARCHIVE_GROUP, ValkeyLog

NOBODY = "0" * 32
_CHUNK = 5_000


def erase_from_log(log: ValkeyLog, viewers: set[str]) -> set[str]:
    """Delete the viewers' records from the streams; return the viewers of whom something is left.

    Events and decisions go at once. A reward goes once it is archived, where `erase_from_archive`
    blanks it. Call this once the viewers' lane has read the erasures.
    """
    left: set[str] = set()
    for topic in (EVENTS, DECISIONS, REWARDS):
        for partition in range(log.partitions(topic)):
            archived = sortable(log.group_offset(topic, partition, ARCHIVE_GROUP) or "")
            after: str | None = None
            while records := log.read(topic, partition, after=after, count=_CHUNK):
                after = records[-1].offset
                theirs = [record for record in records if _viewer(record) in viewers]
                gone = [
                    r.offset for r in theirs if topic != REWARDS or sortable(r.offset) <= archived
                ]
                left |= {_viewer(record) for record in theirs if record.offset not in gone}
                if gone:
                    log.delete(topic, partition, gone)
    return left


def _viewer(record: LogRecord) -> str:
    if record.topic != REWARDS:
        return record.key
    try:
        return codec.rewards.decode(record.value).viewer
    except InvalidRecord:
        return ""


def erase_from_archive(folder: Path, viewers: set[str]) -> int:
    """Remove the viewers from the archive's files; return how many files were written anew.

    A file that cannot be read is set aside, and the others are gone through all the same.
    """
    done = 0
    for topic in (EVENTS, DECISIONS, REWARDS):
        for path in files.paths(folder, topic):
            with files.setting_aside():
                done += (_blank if topic == REWARDS else _remove)(path, viewers)
    return done


def _remove(path: Path, viewers: set[str]) -> bool:
    table = files.table_in(path, files.PLAIN.names)
    theirs = pc.is_in(table["key"], value_set=pa.array(sorted(viewers)))
    if not pc.any(theirs).as_py():
        return False
    files.replace(path, table.filter(pc.invert(theirs)))
    return True


def _blank(path: Path, viewers: set[str]) -> bool:
    held = files.table_in(path, ["viewer"])["viewer"]
    if not pc.any(pc.is_in(held, value_set=pa.array(sorted(viewers)))).as_py():
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


def _without(value: bytes, viewers: set[str]) -> bytes:
    try:
        reward = codec.rewards.decode(value)
    except InvalidRecord:
        return value
    if reward.viewer not in viewers:
        return value
    return codec.encode(structs.replace(reward, viewer=NOBODY))
