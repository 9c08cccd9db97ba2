"""JSON Lines: written in one go, or grown line by line by runs that may be stopped."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from keyart.models.artifacts.whole import appearing
from keyart.schemas.errors import InvalidRecord

Line = TypeVar("Line", bound=msgspec.Struct)


def write_lines(path: Path, records: Iterable[msgspec.Struct]) -> int:
    """Write the records, a line each, and return how many; the file appears whole."""
    encoder, count = msgspec.json.Encoder(), 0
    with appearing(path) as passing, passing.open("wb") as out:
        for record in records:
            out.write(encoder.encode(record))
            out.write(b"\n")
            count += 1
    return count


def cut_unfinished(path: Path) -> None:
    """Cut off a last line that a stopped run left unfinished; no file is no error."""
    if not path.is_file():
        return
    with path.open("r+b") as table:
        size = 0
        for line in table:
            if line.endswith(b"\n"):
                size += len(line)
        table.truncate(size)


def finished_lines(path: Path, decoder: "msgspec.json.Decoder[Line]") -> Iterator[Line]:
    """Yield the lines of a file; a last one that a stopped run left unfinished is passed over.

    Raises
    ------
    InvalidRecord
        Another line cannot be read.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as wrong:
                raise InvalidRecord(f"line {number} of {path.name}: {wrong}") from None
