"""Anybody's data frame as columns: pandas, polars, a table of lists, or a list of rows.

Nothing is imported for it: a frame is what has columns and gives one by its name.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.context.columns import Column, Encoding, Number
from keyart.schemas.errors import InvalidRecord

MOST_COLUMNS: Final = 512
MOST_NAME: Final = 256
LONGEST_TEXT: Final = 1_000
ABSENT: Final = ("", "<NA>", "NaN", "NaT", "nan")
"""Texts that say that there is no value, as others' frames write it."""

Row = Mapping[str, object]


def columns_of(frame: Any) -> tuple[dict[str, Column], int]:
    """Return the columns of a frame, and how many rows it has.

    Parameters
    ----------
    frame
        What has `columns` and is indexed by their names (pandas, polars), a mapping of names to
        values, or a sequence of rows, each a mapping; a value left out of a row is missing.

    Raises
    ------
    InvalidRecord
        It is none of these, has columns of several lengths, or more than 512.
    """
    if isinstance(frame, Mapping):
        given = {name: frame[name] for name in frame}
    elif hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        names = list(frame.columns)
        if len(set(names)) < len(names):
            raise InvalidRecord("the frame has two columns of one name")
        given = {name: frame[name] for name in names}
    elif isinstance(frame, Sequence) and not isinstance(frame, str | bytes):
        for row in frame:
            check_row(row)
        names = list(dict.fromkeys(name for row in frame for name in row))
        given = {name: [row.get(name) for row in frame] for name in names}
        if not given:
            return {}, len(frame)
    else:
        raise InvalidRecord(f"{type(frame).__name__} is no data frame, mapping or list of rows")
    _check_names(given)
    made = {name: _column(values) for name, values in given.items()}
    lengths = {len(column) for column in made.values()}
    if len(lengths) > 1:
        raise InvalidRecord(f"the columns have {', '.join(map(str, sorted(lengths)))} rows")
    return made, lengths.pop() if lengths else 0


def check_row(row: object) -> None:
    """Look at one row of a context.

    Raises
    ------
    InvalidRecord
        It is no mapping of at most 512 names to values.
    """
    if not isinstance(row, Mapping):
        raise InvalidRecord(f"a context is a mapping of names to values, not {type(row).__name__}")
    _check_names(row)


def plain_row(row: Row) -> dict[str, float | str | None]:
    """Return a row as it is read: numbers, texts, and None for what is missing."""
    return {name: _value(value) for name, value in row.items()}


def encoded(encoding: Encoding, columns: Mapping[str, Column], rows: int) -> NDArray[np.float64]:
    """Return (N, D) features of columns of any kind: what is missing or of another kind is told.

    Columns that the encoding does not know are passed over; one it knows and that is not there
    is missing in every row.
    """
    table = {}
    for each in encoding.columns:
        given = columns.get(each.name)
        if isinstance(each, Number):
            table[each.name] = _numbers(given, rows)
        else:
            table[each.name] = _texts(given, rows)
    return encoding.encode(table, rows)


def _check_names(given: Iterable[object]) -> None:
    names = list(given)
    if len(names) > MOST_COLUMNS:
        raise InvalidRecord(f"{len(names)} columns; the bound is {MOST_COLUMNS}")
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME:
            raise InvalidRecord(f"a column's name is a text of 1 to {MOST_NAME}, not {name!r:.80}")


def _column(values: Any) -> Column:
    array = values.to_numpy() if hasattr(values, "to_numpy") else values
    if isinstance(array, np.ndarray):
        if array.ndim != 1:
            raise InvalidRecord(f"a column has one value a row, not {array.ndim} dimensions")
        if array.dtype.kind in "fiub":
            return array.astype(np.float64)
        if array.dtype.kind in "mM":
            seconds = array.astype(f"{array.dtype.kind}8[s]")
            return np.where(np.isnat(seconds), np.nan, seconds.astype(np.float64))
        array = array.tolist()
    found = [_value(each) for each in array]
    if any(isinstance(each, str) for each in found):
        return np.array([_text(each) for each in found], object)
    return np.array([np.nan if each is None else each for each in found], np.float64)


def _value(value: object) -> float | str | None:
    """Return a number, a text, or None for what is missing."""
    if value is None:
        return None
    if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    text = str(value)[:LONGEST_TEXT]
    return None if text in ABSENT else text


def _text(value: float | str | None) -> str | None:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return value


def _numbers(column: Column | None, rows: int) -> Column:
    if column is None:
        return np.full(rows, np.nan)
    if column.dtype.kind == "f":
        return column
    return np.array([_read(each) for each in column.tolist()])


def _read(value: str | None) -> float:
    try:
        return float(value or "nan")
    except ValueError:
        return math.nan


def _texts(column: Column | None, rows: int) -> Column:
    if column is None:
        return np.full(rows, None, object)
    if column.dtype.kind != "f":
        return column
    values = column.tolist()
    return np.array([None if math.isnan(each) else _text(each) for each in values], object)
