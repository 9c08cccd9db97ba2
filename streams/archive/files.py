"""Parquet files by topic and day: `<folder>/<topic>/day=YYYY-MM-DD/<partition>-<offset>.parquet`.

A file is named by its first offset and written whole before it takes its name. Writing the same
range again, or a longer one from the same start, replaces it; a reader skips offsets it has seen.
A file that cannot be read is passed over, and whoever keeps the archive sets it aside under another
name: the rest goes on.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from keyart.models.artifacts.whole import appearing
from keyart.schemas import training
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.topics import REWARDS
from keyart.schemas.training import Kind
from keyart.streams.archive.flatten import training_columns
from keyart.streams.archive.order import in_order, start_of
from keyart.streams.ports import LogRecord, sortable

log = logging.getLogger(__name__)
SUFFIX = ".parquet"
ASIDE = ".unreadable"
MOST_FILES = 24
SMALL_BYTES = 64_000_000
_KINDS = {
    Kind.TEXT: pa.string(),
    Kind.TEXTS: pa.list_(pa.string()),
    Kind.NUMBER: pa.float64(),
    Kind.NUMBERS: pa.list_(pa.float64()),
    Kind.SINGLES: pa.list_(pa.float32()),
    Kind.SMALL: pa.list_(pa.int8()),
    Kind.MILLIS: pa.int64(),
    Kind.FLAG: pa.bool_(),
    Kind.BYTES: pa.binary(),
}
PLAIN = pa.schema([(name, _KINDS[kind]) for name, kind in training.LOGGED.items()])
TRAINING = pa.schema([(name, _KINDS[kind]) for name, kind in training.TRAINING.items()])
_TYPES = {field.name: field.type for field in TRAINING}


def write(folder: Path, records: Sequence[LogRecord]) -> list[Path]:
    """Write records of one topic and partition, in the log's order; return the files written.

    Each file and its folder are forced to disk before this returns.
    """
    days: dict[str, list[LogRecord]] = {}
    for record in records:
        days.setdefault(_day(record.logged_at_ms), []).append(record)
    return [_write_day(folder, day, its) for day, its in days.items()]


def _write_day(folder: Path, day: str, records: list[LogRecord]) -> Path:
    first = records[0]
    path = (
        folder
        / first.topic
        / f"day={day}"
        / f"{first.partition:04d}-{sortable(first.offset)}{SUFFIX}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, table_of(records))
    return path


def replace(path: Path, table: pa.Table) -> None:
    """Write the table whole, forced to disk, or leave what the path was."""
    with appearing(path) as passing:
        pq.write_table(table, passing, compression="zstd")


def table_of(records: Sequence[LogRecord]) -> pa.Table:
    """Return the records as a table: plain, or for rewards with the training log's columns."""
    columns = {
        "offset": pa.array([record.offset for record in records]),
        "key": pa.array([record.key for record in records]),
        "logged_at_ms": pa.array([record.logged_at_ms for record in records], pa.int64()),
        "record": pa.array([record.value for record in records], pa.binary()),
    }
    if records[0].topic != REWARDS:
        return pa.table(columns, schema=PLAIN)
    for name, values in training_columns([record.value for record in records]).items():
        columns[name] = pa.array(values, TRAINING.field(name).type)
    return pa.table(columns, schema=TRAINING)


class Unreadable(InvalidRecord):
    """A file of the archive cannot be read: `path` is damaged, cut short, or of another kind."""

    def __init__(self, path: Path, why: object) -> None:
        first = str(why).strip().partition("\n")[0]
        super().__init__(f"{path.name} of {path.parent.parent.name} cannot be read: {first}")
        self.file = path


Passed = Callable[[Unreadable], object]
"""Is told of each file that was passed over."""


def warn(unreadable: Unreadable) -> None:
    """Log that a file was passed over."""
    log.warning("%s; it is passed over", unreadable)


def batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield a file's columns, those of `PLAIN` and of `TRAINING`, in batches.

    Raises
    ------
    Unreadable
        The file is damaged or of another kind. A passing fault of the disk or the system is not
        this but an `OSError` with a number.
    """
    try:
        with pq.ParquetFile(path) as file:
            held = file.schema_arrow
            for name in columns:
                if held.get_field_index(name) < 0 or held.field(name).type != _TYPES[name]:
                    raise Unreadable(path, f"its column {name} is not what it should be")
            yield from file.iter_batches(columns=list(columns))
    except (pa.ArrowMemoryError, pa.ArrowCancelled):
        raise
    except (pa.ArrowException, UnicodeDecodeError) as broken:
        raise Unreadable(path, broken) from None
    except OSError as broken:
        if broken.errno is not None:
            raise
        raise Unreadable(path, broken) from None


def table_in(path: Path, columns: Sequence[str]) -> pa.Table:
    """Return a file's columns; raises `Unreadable` as `batches` does."""
    wanted = pa.schema([(name, _TYPES[name]) for name in columns])
    return pa.Table.from_batches(batches(path, columns), wanted)


def look(path: Path) -> None:
    """Read what a file says of itself; raises `Unreadable` as `batches` does."""
    next(batches(path, PLAIN.names), None)


def set_aside(unreadable: Unreadable) -> None:
    """Rename a file that cannot be read, so that nobody tries again; nothing of it is deleted."""
    unreadable.file.rename(unreadable.file.with_suffix(ASIDE))
    log.error("%s; it is set aside as %s", unreadable, unreadable.file.with_suffix(ASIDE).name)


def aside(folder: Path) -> list[Path]:
    """Return the files that were set aside."""
    return sorted(folder.glob(f"*/day=*/*{ASIDE}"))


def read(folder: Path, topic: str, partition: int, *, passed: Passed = warn) -> Iterator[LogRecord]:
    """Yield the archived records of a partition in the log's order, each once.

    What a file holds before the place where it cannot be read is yielded too.
    """

    def rows_of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        try:
            for row in (row for each in batches(path, PLAIN.names) for row in each.to_pylist()):
                yield sortable(row["offset"]), row
        except Unreadable as unreadable:
            passed(unreadable)

    last = ""
    for mark, row in in_order(paths(folder, topic, partition), rows_of):
        if mark > last:
            last = mark
            yield LogRecord(
                topic, partition, row["offset"], row["key"], row["record"], row["logged_at_ms"]
            )


def paths(folder: Path, topic: str, partition: int | None = None) -> list[Path]:
    """Return the files of a topic, or of one of its partitions, by day."""
    wanted = "*" if partition is None else f"{partition:04d}-*"
    return sorted((folder / topic).glob(f"day=*/{wanted}{SUFFIX}"))


def last_offset(folder: Path, topic: str, partition: int) -> str | None:
    """Return the offset of the newest archived record of a partition; None when there is none.

    A file that cannot be read is set aside.
    """
    held = paths(folder, topic, partition)
    # where the clock was ahead for a while, the newest records are not of the last day
    days = sorted({path.parent for path in held})[-2:]
    days += [path.parent for path in sorted(held, key=start_of)[-1:]]
    newest: list[str] = []
    for path in held:
        if path.parent in days:
            with setting_aside():
                newest += table_in(path, ["offset"])["offset"].to_pylist()
    return max(newest, key=sortable, default=None)


@contextmanager
def setting_aside() -> Iterator[None]:
    """Set a file aside that turns out to be unreadable within."""
    try:
        yield
    except Unreadable as unreadable:
        set_aside(unreadable)


def compact(folder: Path, topic: str, partition: int) -> list[Path]:
    """Merge the small files of a day once there are many; return those that are no more.

    The merged one has the name of the first. A file that cannot be read is set aside.
    """
    days: dict[Path, list[Path]] = {}
    for path in paths(folder, topic, partition):
        days.setdefault(path.parent, []).append(path)
    gone: list[Path] = []
    for its in days.values():
        small = [path for path in its if path.stat().st_size < SMALL_BYTES]
        if len(small) >= MOST_FILES:
            gone += _merge(small)
    return gone


def _merge(small: Sequence[Path]) -> list[Path]:
    schema = TRAINING if small[0].parent.parent.name == REWARDS else PLAIN
    tables: list[pa.Table] = []
    read: list[Path] = []
    for path in small:
        with setting_aside():
            tables.append(_whole(path, schema))
            read.append(path)
    if len(read) < 2:
        return []
    replace(read[0], pa.concat_tables(tables))
    for path in read[1:]:
        path.unlink()
    return read[1:]


def _whole(path: Path, schema: pa.Schema) -> pa.Table:
    """Return a file with all columns; those that an earlier keyart did not write are null."""
    look(path)
    held = pq.read_schema(path)
    there = [
        field.name
        for field in schema
        if held.get_field_index(field.name) >= 0 and held.field(field.name).type == field.type
    ]
    table = table_in(path, there)
    columns = [
        table[field.name] if field.name in there else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
