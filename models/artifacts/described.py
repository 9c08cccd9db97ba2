"""Documents beside a model or a dataset: JSON that people may read."""

from pathlib import Path
from typing import Final, TypeVar

import msgspec

from keyart.models.artifacts.whole import write_whole
from keyart.schemas.errors import InvalidRecord, NotFound

READER_FILE: Final = "reader.json"
"""Describes a `span_reader.SpanReader`; where it stands, the folder holds one."""
Described = TypeVar("Described", bound=msgspec.Struct)


def write_described(path: Path, described: msgspec.Struct) -> None:
    """Write a document as indented JSON, whole."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(described), indent=2))


def read_described(path: Path, kind: type[Described], *, made_by: str) -> Described:
    """Return a document of this kind.

    Raises
    ------
    NotFound
        There is none; `made_by` names the command that makes it.
    InvalidRecord
        It cannot be read.
    """
    if not path.is_file():
        raise NotFound(f"no {path.name} in {path.parent}: {made_by} makes it")
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as wrong:
        raise InvalidRecord(f"{path.name}: {wrong}") from None
