"""Parquet files by topic and day: `<folder>/<topic>/day=YYYY-MM-DD/<partition>-<offset>.parquet`.

A file is named by its first offset and written whole before it takes its name. Writing the same
range again, or a longer one from the same start, replaces it; a reader skips offsets it has seen.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import REWARDS
from keyart.streams.ports import LogRecord, sortable

MOST_FILES = 24
SMALL_BYTES = 64_000_000
PLAIN = pa.schema(
    [
        ("offset", pa.string()),
        ("key", pa.string()),
        ("logged_at_ms", pa.int64()),
        ("record", pa.binary()),
    ]
)
TRAINING = pa.schema(
    [
        *PLAIN,
        ("id", pa.string()),
        ("viewer", pa.string()),
        ("title", pa.string()),
        ("artwork", pa.string()),
        ("surface", pa.string()),
        ("value", pa.float64()),
        ("shown_at_ms", pa.int64()),
        ("closed_at_ms", pa.int64()),
        ("candidates", pa.list_(pa.string())),
        ("propensities", pa.list_(pa.float64())),
        ("propensity", pa.float64()),
        ("explored", pa.bool_()),
        ("policy", pa.string()),
        ("policy_version", pa.string()),
        ("prior_version", pa.string()),
        ("features", pa.list_(pa.float64())),
        ("personal", pa.float64()),
        ("multiplier", pa.float64()),
        ("expected", pa.float64()),
        ("minutes", pa.float64()),
        ("engaged", pa.list_(pa.string())),
        ("definition", pa.string()),
    ]
)


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
        / f"{first.partition:04d}-{sortable(first.offset)}.parquet"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, table_of(records))
    return path


def replace(path: Path, table: pa.Table) -> None:
    """Write the table under a passing name, force it to disk, and give it the path's name."""
    passing = path.with_suffix(".writing")
    pq.write_table(table, passing, compression="zstd")
    with passing.open("rb") as written:
        os.fsync(written.fileno())
    passing.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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
    rewards = [_reward(record.value) for record in records]
    for name, take in _TYPED.items():
        values = [None if reward is None else take(reward) for reward in rewards]
        columns[name] = pa.array(values, TRAINING.field(name).type)
    return pa.table(columns, schema=TRAINING)


def _reward(value: bytes) -> Reward | None:
    try:
        return codec.rewards.decode(value)
    except InvalidRecord:
        return None


_NESTED: dict[str, Callable[[Reward], object]] = {
    "policy_version": lambda reward: reward.versions.policy,
    "prior_version": lambda reward: reward.versions.prior,
}
_TYPED: dict[str, Callable[[Reward], object]] = {
    name: _NESTED.get(name) or attrgetter(name)
    for name in TRAINING.names
    if name not in PLAIN.names
}


def read(folder: Path, topic: str, partition: int) -> Iterator[LogRecord]:
    """Yield the archived records of a partition in the log's order, each once."""
    last = ""
    for path in paths(folder, topic, partition):
        for batch in pq.ParquetFile(path).iter_batches(columns=PLAIN.names):
            for row in batch.to_pylist():
                mark = sortable(row["offset"])
                if mark > last:
                    last = mark
                    yield LogRecord(
                        topic,
                        partition,
                        row["offset"],
                        row["key"],
                        row["record"],
                        row["logged_at_ms"],
                    )


def paths(folder: Path, topic: str, partition: int | None = None) -> list[Path]:
    """Return the files of a topic, or of one of its partitions, in the log's order."""
    wanted = "*" if partition is None else f"{partition:04d}-*"
    return sorted((folder / topic).glob(f"day=*/{wanted}.parquet"))


def last_offset(folder: Path, topic: str, partition: int) -> str | None:
    """Return the offset of the newest archived record of a partition; None when there is none."""
    held = paths(folder, topic, partition)
    days = sorted({path.parent for path in held})[-2:]
    offsets = (
        offset
        for path in held
        if path.parent in days
        for offset in pq.read_table(path, columns=["offset"])["offset"].to_pylist()
    )
    return max(offsets, key=sortable, default=None)


def compact(folder: Path, topic: str, partition: int) -> None:
    """Merge the small files of a day once there are many, into the one named first."""
    days: dict[Path, list[Path]] = {}
    for path in paths(folder, topic, partition):
        days.setdefault(path.parent, []).append(path)
    for its in days.values():
        small = [path for path in its if path.stat().st_size < SMALL_BYTES]
        if len(small) >= MOST_FILES:
            merged = pq.ParquetDataset([str(path) for path in small]).read()
            replace(small[0], merged)
            for path in small[1:]:
                path.unlink()


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
