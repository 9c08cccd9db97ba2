"""Rows of a Parquet file, whose claims are weighed before anything of it is unpacked.

A file of 100 kB can claim a thousand million rows, or one text of a gigabyte: what is repeated or
zero packs to nothing. So its metadata is read first, and held against what the file takes on disk;
texts are then read as dictionaries, in which a repeated one stands once, and measured there.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from keyart.models.intake.cells import text_of
from keyart.models.intake.faults import MOST_KEPT, Fault, Place
from keyart.models.intake.rows import Row
from keyart.models.intake.source import (
    FREE_BYTES,
    MAX_COLUMNS,
    MAX_ROWS,
    MOST_PACKED,
    Source,
)
from keyart.schemas.errors import InvalidRecord

MAX_FOOTER: Final = 16_000_000
MAX_DEPTH: Final = 16
FREE_VALUES: Final = 100_000
VALUES_A_BYTE: Final = 2
"""Values of one column that a file may claim for each of its bytes, beside `FREE_VALUES`."""
MOST_AT_ONCE: Final = 64_000_000
"""Bytes of rows that are turned into Python's values together; one row alone may not have more."""
_BATCH: Final = 1000
_VALUE: Final = 50


class ParquetTable:
    """A Parquet file.

    Raises
    ------
    InvalidRecord
        It is none, or claims more than its bytes can hold.
    """

    heading = "columns"
    hint = ""

    def __init__(self, source: Source, faults: list[Fault], place: Place) -> None:
        self._source = source
        self._faults = faults
        self._place = place
        # a text that stands in many rows is kept once
        self._texts: dict[str, str] = {}
        texts = _weighed(source)
        try:
            self._file = pq.ParquetFile(source.path, read_dictionary=texts)
            self.names = tuple(self._file.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError) as broken:
            raise _unreadable(source, broken) from None

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Yield the rows with these columns; maps as dicts, bytes as text."""
        number = 0
        try:
            for batch in self._batches(columns):
                for cells in self._cells(batch, number):
                    number += 1
                    if cells is not None:
                        yield Row(self._place(number, 0), cells)
                    if len(self._faults) >= MOST_KEPT:
                        return
        except (pa.ArrowException, OSError, ValueError, MemoryError) as broken:
            self._faults.append(Fault(self._place(number + 1, 0), f"or after: {_first(broken)}"))

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        chosen = [at for at, name in enumerate(self._leaves()) if name in columns]
        whole = list(self._file.schema_arrow.names) == list(columns)
        for group in range(self._file.metadata.num_row_groups):
            yield from self._file.iter_batches(
                batch_size=_BATCH,
                row_groups=[group],
                columns=None if whole else [self._file.schema.column(at).path for at in chosen],
                use_threads=False,
            )

    def _leaves(self) -> list[str]:
        """Return, of every leaf column, the name of the column that it is part of."""
        schema = self._file.schema_arrow
        return [
            name
            for name, kind in zip(schema.names, schema.types, strict=True)
            for _ in _parts(kind)
        ]

    def _cells(self, batch: Any, before: int) -> Iterator[dict[str, Any] | None]:
        """Yield each row's cells; None, and a fault, where one cannot be read."""
        weight = sum(_weight(column) for column in batch.columns)
        if weight > MOST_AT_ONCE and batch.num_rows > 1:
            half = batch.num_rows // 2
            yield from self._cells(batch.slice(0, half), before)
            yield from self._cells(batch.slice(half), before + half)
            return
        kinds = dict(zip(batch.schema.names, batch.schema.types, strict=True))
        rows = None
        if weight <= MOST_AT_ONCE:
            with suppress(ValueError, OverflowError, TypeError, pa.ArrowException):
                rows = batch.to_pylist()
        for at in range(batch.num_rows):
            try:
                if weight > MOST_AT_ONCE:
                    raise InvalidRecord(f"holds more than {MOST_AT_ONCE:,} bytes")
                cells = rows[at] if rows is not None else _one_by_one(batch, at)
                yield {name: self._cell(name, cell, kinds[name]) for name, cell in cells.items()}
            except InvalidRecord as wrong:
                self._faults.append(Fault(self._place(before + at + 1, 0), wrong.message))
                yield None

    def _cell(self, name: str, cell: Any, kind: Any) -> Any:
        try:
            return self._plain(cell, kind)
        except InvalidRecord as wrong:
            raise InvalidRecord(f"column {name!r} {wrong.message}") from None

    def _plain(self, value: Any, kind: Any) -> Any:
        """Return a cell without fields that are null, its maps as dicts, its bytes as text.

        Raises
        ------
        InvalidRecord
            A map has a key twice, or bytes are not UTF-8; the message follows the column's name.
        """
        if value is None:
            return None
        if pa.types.is_dictionary(kind):
            return self._plain(value, kind.value_type)
        if pa.types.is_map(kind):
            found: dict[Any, Any] = {}
            for key, each in value:
                key = self._plain(key, kind.key_type)
                if key in found:
                    raise InvalidRecord(f"has a map with the key {key!r} twice")
                found[key] = self._plain(each, kind.item_type)
            return {key: each for key, each in found.items() if each is not None}
        if pa.types.is_struct(kind):
            parts = {kind.field(at).name: kind.field(at).type for at in range(kind.num_fields)}
            made = {name: self._plain(each, parts[name]) for name, each in value.items()}
            return {name: each for name, each in made.items() if each is not None}
        if pa.types.is_nested(kind):
            return [self._plain(each, kind.value_type) for each in value]
        if isinstance(value, bytes):
            value = text_of(value)
        return self._texts.setdefault(value, value) if isinstance(value, str) else value


def _one_by_one(batch: Any, at: int) -> dict[str, Any]:
    """Return the cells of one row, naming the column of one that cannot be read."""
    cells = {}
    for name in batch.schema.names:
        try:
            cells[name] = batch.column(name)[at].as_py()
        except UnicodeDecodeError as wrong:
            raise InvalidRecord(f"column {name!r} holds text that is not UTF-8: {wrong}") from None
        except (ValueError, OverflowError, TypeError, pa.ArrowException) as wrong:
            raise InvalidRecord(f"column {name!r} cannot be read: {_first(wrong)}") from None
    return cells


def _weighed(source: Source) -> list[str]:
    """Check what a file claims; return the paths of its columns of texts."""
    if source.size < 12:
        raise InvalidRecord(f"{source.path}: is no Parquet file: it has {source.size} bytes")
    with source.path.open("rb") as file:
        file.seek(-8, 2)
        footer, magic = struct.unpack("<I4s", file.read(8))
    if magic != b"PAR1":
        raise InvalidRecord(f"{source.path}: is no Parquet file, or is cut off")
    if footer > MAX_FOOTER:
        raise InvalidRecord(
            f"{source.path}: its description takes {footer:,} bytes; the bound is {MAX_FOOTER:,} "
            "(too many columns?)"
        )
    try:
        found = pq.read_metadata(source.path)
        leaves = [found.schema.column(at) for at in range(min(found.num_columns, MAX_COLUMNS))]
    except (pa.ArrowException, OSError, ValueError) as broken:
        raise _unreadable(source, broken) from None
    if found.num_columns > MAX_COLUMNS:
        raise InvalidRecord(
            f"{source.path}: has {found.num_columns:,} columns; the bound is {MAX_COLUMNS:,}"
        )
    if any(leaf.max_definition_level > MAX_DEPTH for leaf in leaves):
        raise InvalidRecord(f"{source.path}: is nested more than {MAX_DEPTH} deep")
    _weigh(source, found)
    return [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]


def _weigh(source: Source, found: Any) -> None:
    most = min(MAX_ROWS, FREE_VALUES + VALUES_A_BYTE * source.size)
    if found.num_rows > most:
        raise InvalidRecord(
            f"{source.path}: claims {found.num_rows:,} rows in {source.size:,} bytes; the bound "
            f"for that is {most:,}"
        )
    unpacked, values = 0, [0] * found.num_columns
    for at in range(found.num_row_groups):
        group = found.row_group(at)
        for leaf in range(found.num_columns):
            chunk = group.column(leaf)
            unpacked += max(chunk.total_uncompressed_size, 0)
            values[leaf] += chunk.num_values
    if max(values, default=0) > FREE_VALUES + VALUES_A_BYTE * source.size:
        raise InvalidRecord(
            f"{source.path}: claims {max(values):,} values of a column in {source.size:,} bytes"
        )
    if unpacked > max(FREE_BYTES, MOST_PACKED * source.size):
        raise InvalidRecord(
            f"{source.path}: {source.size:,} bytes unpack to {unpacked:,}: more than "
            f"{MOST_PACKED} times that"
        )


def _parts(kind: Any) -> Iterator[Any]:
    """Yield the leaf types of a column's type."""
    if pa.types.is_dictionary(kind) or not pa.types.is_nested(kind):
        yield kind
        return
    for at in range(kind.num_fields):
        yield from _parts(kind.field(at).type)


def _weight(column: Any) -> int:
    """Return what an array takes as Python's values at most: those of a leaf times the longest."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return len(column) * (_VALUE + _longest(column.dictionary))
    if pa.types.is_map(kind):
        return _weight(_within(column, column.keys)) + _weight(_within(column, column.items))
    if pa.types.is_struct(kind):
        return sum(_weight(column.field(at)) for at in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _weight(_within(column, column.values))
    if pa.types.is_nested(kind):
        return _weight(column.flatten())
    return len(column) * (_VALUE + _longest(column))


def _within(column: Any, values: Any) -> Any:
    """Return the part of a list's values that its own slice has."""
    if not len(column):
        return values.slice(0, 0)
    start, stop = column.offsets[0].as_py(), column.offsets[-1].as_py()
    return values.slice(start, stop - start)


def _longest(column: Any) -> int:
    kind = column.type
    if (
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    ):
        return int(pc.max(pc.binary_length(column)).as_py() or 0)
    return 0


def _unreadable(source: Source, broken: Exception) -> InvalidRecord:
    return InvalidRecord(f"{source.path}: is no Parquet file that can be read: {_first(broken)}")


def _first(broken: BaseException) -> str:
    lines = str(broken).splitlines()
    return lines[0] if lines else type(broken).__name__
