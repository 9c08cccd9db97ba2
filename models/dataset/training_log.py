"""The one reader of the training log: which files it is, and their columns, each reward once."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from keyart.schemas.errors import InvalidRecord, NotFound
from keyart.schemas.extras import need_polars
from keyart.schemas.topics import REWARDS

if TYPE_CHECKING:
    import polars as pl

_MARKS: Final = {"candidates", "propensities", "artwork"}
_ROWS: Final = 16_384


def log_files(root: Path) -> list[Path]:
    """Return the log's Parquet files in the order of their days; a single file is a log, too.

    Of an archive, which holds other topics as well, those of the rewards.

    Raises
    ------
    NotFound
        There is none.
    """
    files = [root] if root.is_file() else sorted(root.rglob("*.parquet"))
    rewards = [file for file in files if REWARDS in file.relative_to(root).parts]
    archived = (root / REWARDS).is_dir()
    if not (found := rewards if archived else files):
        raise NotFound(f"no rewards under {root}: a training log is .../archive, or Parquet of it")
    return found


def is_training_log(path: Path) -> bool:
    """Whether this is keyart's training log: a folder, or a file with its columns."""
    if path.is_dir():
        return True
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return False
    try:
        return set(parquet.read_schema(path).names) >= _MARKS
    except (OSError, pa.ArrowException):  # the reader of tables says what is wrong with it
        return False


def batches(
    file: Path, names: tuple[str, ...], *, perhaps: tuple[str, ...] = ()
) -> Iterator[dict[str, list[Any]]]:
    """Yield a file's columns, some thousand rows at a time; `perhaps` as in `read_rewards`.

    Lists come as tuples, and what is null as None. Column by column, and a column of lists as one
    run of values: a tenth of the time that reading row by row takes.

    Raises
    ------
    InvalidRecord
        It lacks a column.
    """
    with parquet.ParquetFile(file) as stored:
        there = set(stored.schema_arrow.names)
        if missing := set(names) - there:
            raise InvalidRecord(f"{file.name} lacks columns {', '.join(sorted(missing))}")
        wanted = [*names, *(name for name in perhaps if name in there)]
        for batch in stored.iter_batches(batch_size=_ROWS, columns=wanted):
            yield {name: _values(batch.column(name)) for name in wanted}


def _values(column: pa.Array) -> list[Any]:
    """Return a column as Python's own values."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        flat = _values(column.flatten())
        sizes = [size or 0 for size in _values(pc.list_value_length(column))]
        ends = list(accumulate(sizes))
        found = [tuple(flat[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
        if not column.null_count:
            return found
        return [its if valid else None for its, valid in zip(found, column.is_valid(), strict=True)]
    if column.null_count or not (pa.types.is_primitive(column.type) or _is_text(column.type)):
        return list(column.to_pylist())
    return list(column.to_numpy(zero_copy_only=False).tolist())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def read_rewards(
    root: Path,
    names: tuple[str, ...],
    *,
    perhaps: tuple[str, ...] = (),
    since_ms: int = 0,
    newest: int | None = None,
) -> "tuple[pl.DataFrame, list[str]]":
    """Return these columns of rewards shown from then on, each once, and what was left out.

    Rows are in the order in which they were shown. A file that cannot be read is left out, with a
    warning.

    Parameters
    ----------
    names
        Columns of the training log; `id` and `shown_at_ms` come with them.
    perhaps
        Columns that an earlier keyart did not write: null where a file has none.
    newest
        At most so many, those shown last; older files are not read, so that memory and time do not
        grow with the log. None: all.

    Raises
    ------
    NotFound
        There is no file, or no such reward.
    InvalidRecord
        No file can be read.
    MissingExtra
        This image leaves out what reads it.
    """
    need_polars("reading the training log")
    import polars as pl

    wanted = list(dict.fromkeys(("id", "shown_at_ms", *names)))
    files, frames, warnings = log_files(root), [], list[str]()
    if newest is not None:
        files, older = _newest(files, newest)
        if older:
            warnings.append(f"the newest {newest:,} rows are read; there are more")
    for file in files:
        try:
            there = parquet.read_schema(file).names
            more = [name for name in perhaps if name in there]
            frame = pl.read_parquet(file, columns=[*wanted, *more])
        except Exception as wrong:  # polars, pyarrow and the system raise classes of their own
            warnings.append(f"{file.name} is left out: {' '.join(str(wrong).split())[:200]}")
            continue
        frames.append(
            frame.filter(pl.col("id").is_not_null() & (pl.col("shown_at_ms") >= since_ms))
        )
    if not frames:
        raise InvalidRecord(f"{root}: none of {len(files)} files can be read")
    found = pl.concat(frames, how="diagonal_relaxed").unique(
        "id", keep="first", maintain_order=True
    )
    if not found.height:
        raise NotFound(f"{root}: no reward in it yet")
    found = found.sort("shown_at_ms", "id")
    return found if newest is None else found.tail(newest), warnings


def _newest(files: Sequence[Path], most: int) -> tuple[list[Path], bool]:
    """Return the last files that hold so many rows, in order, and whether there are more rows."""
    rows = 0
    for number, file in enumerate(reversed(files), start=1):
        try:
            rows += parquet.read_metadata(file).num_rows
        except (OSError, pa.ArrowException):  # whoever reads it says what is wrong with it
            continue
        if rows >= most:
            return list(files[-number:]), rows > most or number < len(files)
    return list(files), False
