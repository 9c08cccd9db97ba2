"""Titles from a file: JSON Lines, CSV or Parquet, with every wrong row named.

JSON Lines has one title a line, as `PUT /v1/titles/{id}` takes it. CSV has one artwork a row, in
the columns of `COLUMNS` and `attribute.NAME`; the rows of a title may stand anywhere. Parquet has
either.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from keyart.schemas.catalogue import Title
from keyart.schemas.errors import InvalidRecord

COLUMNS: Final = ("title", "name", "group", "artwork", "image", "description")
NEEDED: Final = ("title", "artwork")
ATTRIBUTE: Final = "attribute."
MOST_SHOWN: Final = 20
MAX_LINE: Final = 1_000_000


class Fault(NamedTuple):
    """What is wrong, and where: `line 17` or `row 17`."""

    where: str
    message: str


class WrongFile(InvalidRecord):
    """Rows of a file are wrong; nothing of it was loaded. `faults` holds all of them."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        shown = [f"{fault.where}: {fault.message}" for fault in faults[:MOST_SHOWN]]
        if len(faults) > MOST_SHOWN:
            shown.append(f"and {len(faults) - MOST_SHOWN} more")
        count = f"{len(faults)} fault" + ("s" if len(faults) != 1 else "")
        super().__init__(f"{path}: {count}; nothing was loaded\n  " + "\n  ".join(shown))
        self.faults = faults


def read_titles(path: Path) -> list[Title]:
    """Return the titles of a file, in its order.

    Raises
    ------
    WrongFile
        A row cannot be read, breaks a bound, or repeats a title or an artwork.
    InvalidRecord
        The file is not there, cannot be read, or is of no known kind.
    """
    readers: dict[str, Callable[[Path, list[Fault]], list[Title]]] = {
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".csv": _csv,
        ".parquet": _parquet,
    }
    if path.suffix.lower() not in readers:
        raise InvalidRecord(f"{path}: name it by its kind: {', '.join(readers)}")
    faults: list[Fault] = []
    try:
        titles = readers[path.suffix.lower()](path, faults)
    except OSError as away:
        raise InvalidRecord(f"{path}: cannot be read: {away.strerror or away}") from None
    if faults:
        raise WrongFile(path, faults)
    if not titles:
        raise InvalidRecord(f"{path}: there is no title in it")
    return titles


def _json_lines(path: Path, faults: list[Fault]) -> list[Title]:
    decoder = msgspec.json.Decoder(Title)
    found = _Titles(faults)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where = f"line {number}"
            if len(line) > MAX_LINE:
                faults.append(Fault(where, f"{len(line)} bytes; the bound is {MAX_LINE}"))
                continue
            try:
                found.add(where, decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
                faults.append(Fault(where, _plain(wrong)))
    return found.titles


def _csv(path: Path, faults: list[Fault]) -> list[Title]:
    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            try:
                wrong = _wrong_columns(list(reader.fieldnames or ()))
                if wrong:
                    faults.append(Fault("line 1", wrong))
                    return
                for row in reader:
                    where = f"line {reader.line_num}"
                    if None in row:
                        faults.append(Fault(where, "has more fields than the heading"))
                    elif None in row.values():
                        faults.append(Fault(where, "has fewer fields than the heading"))
                    else:
                        yield where, row
            except UnicodeDecodeError as wrong_bytes:
                after = f"after line {reader.line_num}"
                faults.append(Fault(after, f"is not UTF-8: {wrong_bytes.reason}"))
            except csv.Error as broken:
                faults.append(Fault(f"line {reader.line_num + 1}", str(broken)))

    return _by_artwork(rows(), faults)


def _parquet(path: Path, faults: list[Fault]) -> list[Title]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        number = 0
        for batch in file.iter_batches(batch_size=1000):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row

    try:
        with pq.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            if "artworks" not in names:
                if wrong := _wrong_columns(names):
                    faults.append(Fault("columns", wrong))
                    return []
                return _by_artwork(rows(), faults)
            found = _Titles(faults)
            for where, row in rows():
                try:
                    found.add(where, msgspec.convert(_without_nulls(row), Title))
                except msgspec.ValidationError as wrong_row:
                    faults.append(Fault(where, _plain(wrong_row)))
            return found.titles
    except pa.ArrowException as broken:
        raise InvalidRecord(f"{path}: is no Parquet file that can be read: {broken}") from None


def _without_nulls(value: Any) -> Any:
    """Return the value without fields that are null; maps, lists of pairs here, as dicts."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        if value and all(isinstance(each, tuple) and len(each) == 2 for each in value):
            return dict(value)
        return [_without_nulls(each) for each in value]
    return value


def _wrong_columns(names: list[str]) -> str:
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS and not name.startswith(ATTRIBUTE)]
    twice = sorted({name for name in names if names.count(name) > 1})
    said = []
    if missing:
        said.append(f"column {', '.join(missing)} is missing")
    if unknown:
        known = f"{', '.join(COLUMNS)} and {ATTRIBUTE}NAME"
        said.append(f"column {', '.join(map(repr, unknown))} is unknown; there are {known}")
    if twice:
        said.append(f"column {', '.join(twice)} stands twice")
    return "; ".join(said)


def _by_artwork(rows: Iterator[tuple[str, dict[str, Any]]], faults: list[Fault]) -> list[Title]:
    """Return the titles of rows of one artwork each."""
    titles: dict[str, dict[str, Any]] = {}
    first: dict[str, str] = {}
    for where, row in rows:
        given = {key: value for key, value in row.items() if value not in (None, "")}
        lacking = [name for name in NEEDED if name not in given]
        if lacking:
            faults.append(Fault(where, f"{' and '.join(lacking)} is empty"))
            continue
        start = len(ATTRIBUTE)
        attributes = {k[start:]: str(v) for k, v in given.items() if k.startswith(ATTRIBUTE)}
        artwork: dict[str, Any] = {"id": given["artwork"], "attributes": attributes}
        artwork |= {key: given[key] for key in ("image", "description") if key in given}
        own: dict[str, Any] = {key: given[key] for key in ("name", "group") if key in given}
        title = titles.setdefault(given["title"], {"id": given["title"], "artworks": [], **own})
        first.setdefault(given["title"], where)
        differ = [key for key, value in own.items() if title.setdefault(key, value) != value]
        if differ:
            other = first[given["title"]]
            faults.append(Fault(where, f"{' and '.join(differ)} is another one than at {other}"))
        title["artworks"].append(artwork)
        # a wrong artwork is named at its own row, not at its title's first
        try:
            msgspec.convert(title | {"artworks": [artwork]}, Title)
        except msgspec.ValidationError as wrong:
            faults.append(Fault(where, _plain(wrong).replace("$.artworks[0]", "artwork")))
    found = _Titles(faults)
    if not faults:
        for name, title in titles.items():
            try:
                found.add(first[name], msgspec.convert(title, Title))
            except msgspec.ValidationError as wrong:
                faults.append(Fault(first[name], f"title {name!r}: {_plain(wrong)}"))
    return found.titles


class _Titles:
    """Titles so far; repeats become faults."""

    def __init__(self, faults: list[Fault]) -> None:
        self.titles: list[Title] = []
        self._faults = faults
        self._seen: dict[str, str] = {}

    def add(self, where: str, title: Title) -> None:
        """Take a title, or note what it repeats."""
        if (other := self._seen.setdefault(title.id, where)) != where:
            self._faults.append(Fault(where, f"title {title.id!r} stands at {other} already"))
        names = [artwork.id for artwork in title.artworks]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._faults.append(Fault(where, f"artwork {name!r} stands twice in {title.id!r}"))
        self.titles.append(title)


def _plain(wrong: Exception) -> str:
    return str(wrong).replace("`", "")
