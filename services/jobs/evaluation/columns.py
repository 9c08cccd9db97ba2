"""Anybody's table as columns: CSV and Parquet, read with bounds, each fault told in a line."""

import csv
import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from keyart.models.context.columns import Column
from keyart.schemas.errors import InvalidRecord, NotFound

MOST_ROWS: Final = 5_000_000
MOST_COLUMNS: Final = 2_000
MOST_CELLS: Final = 200_000_000
MOST_BYTES: Final = 1_000_000_000
ABSENT: Final = ("", "NA", "NaN", "nan", "null", "None", "NULL", "N/A", "?")
SEPARATORS: Final = ",;\t|"


def read_columns(path: Path) -> dict[str, Column]:
    """Return a table's columns: float64 with nan where missing, or texts with None.

    A text column whose values all read as numbers is one of numbers; true and false are 1 and 0;
    dates are their seconds.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidRecord
        Not a table, no rows, columns of one name, nested values, or more than may be read; names
        file and column.
    """
    if not path.is_file():
        raise NotFound(f"{path}: there is no such file")
    kind = path.name.lower()
    frame = _parquet(path) if kind.endswith((".parquet", ".pq")) else _csv(path)
    if frame.height == 0 or frame.width == 0:
        raise InvalidRecord(f"{path}: the table has no rows")
    return {name: _column(path, name, frame[name]) for name in frame.columns}


def _parquet(path: Path) -> pl.DataFrame:
    import pyarrow.parquet as pq

    try:
        about = pq.ParquetFile(path).metadata
        _bounds(path, about.num_rows, about.num_columns)
        if (
            sum(about.row_group(at).total_byte_size for at in range(about.num_row_groups))
            > MOST_BYTES
        ):
            raise InvalidRecord(f"{path}: over {MOST_BYTES} bytes when unpacked")
        return pl.read_parquet(path)
    except InvalidRecord:
        raise
    except Exception as wrong:  # both readers raise classes of their own, and OSError
        raise InvalidRecord(f"{path}: not a Parquet table: {_line(wrong)}") from None


def _csv(path: Path) -> pl.DataFrame:
    data = _bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\x00" in text:
        raise InvalidRecord(f"{path}: not a text table: it holds zero bytes")
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    header = next(csv.reader([first.rstrip("\r")], delimiter=separator), [])
    names = [name.strip() or f"column_{at + 1}" for at, name in enumerate(header)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidRecord(f"{path}: two columns are called {twice[0]!r}")
    _bounds(path, text.count("\n"), len(names))
    try:
        return pl.read_csv(
            io.StringIO(text),
            separator=separator,
            null_values=list(ABSENT),
            infer_schema=False,
            new_columns=names,
        )
    except (pl.exceptions.PolarsError, ValueError) as wrong:
        raise InvalidRecord(f"{path}: {_line(wrong)}") from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, EOFError) as wrong:
        raise InvalidRecord(f"{path}: {_line(wrong)}") from None
    if len(data) > MOST_BYTES:
        raise InvalidRecord(f"{path}: over {MOST_BYTES} bytes when unpacked")
    return data


def _bounds(path: Path, rows: int, columns: int) -> None:
    if rows > MOST_ROWS:
        raise InvalidRecord(f"{path}: {rows} rows; the bound is {MOST_ROWS}")
    if columns > MOST_COLUMNS:
        raise InvalidRecord(f"{path}: {columns} columns; the bound is {MOST_COLUMNS}")
    if rows * columns > MOST_CELLS:
        raise InvalidRecord(f"{path}: {rows * columns} cells; the bound is {MOST_CELLS}")


def _column(path: Path, name: str, values: "pl.Series") -> Column:
    kind = values.dtype
    if kind.is_nested() or kind == pl.Object:
        raise InvalidRecord(f"{path}: column {name!r} holds {kind}, not numbers or text")
    if kind == pl.Binary:
        raise InvalidRecord(f"{path}: column {name!r} holds bytes, not numbers or text")
    if kind.is_temporal():
        values = (
            values.to_physical().cast(pl.Float64) / 1e6
            if kind == pl.Datetime
            else (values.to_physical().cast(pl.Float64))
        )
    elif kind in (pl.Boolean,) or kind.is_numeric():
        values = values.cast(pl.Float64)
    else:
        texts = values.cast(pl.String).str.strip_chars()
        texts = texts.set(texts.is_in(list(ABSENT)), None)
        numbers = texts.cast(pl.Float64, strict=False)
        if numbers.null_count() > texts.null_count() or texts.null_count() == len(texts):
            told: np.ndarray[Any, np.dtype[np.object_]] = np.array(texts.to_list(), dtype=object)
            return told
        values = numbers
    made: Column = values.to_numpy().astype(np.float64)
    return made


def need(path: Path, columns: Mapping[str, Column], name: str, option: str) -> Column:
    """Return the column of that name.

    Raises
    ------
    InvalidRecord
        There is none; says which option named it and what there is.
    """
    if name not in columns:
        there = ", ".join(columns)
        raise InvalidRecord(f"{path}: {option} names no column {name!r}; there are {there}")
    return columns[name]


def _line(wrong: Exception) -> str:
    return " ".join(str(wrong).split())[:300] or type(wrong).__name__
