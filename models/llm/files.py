"""Small JSON documents beside a model or a dataset: written whole, read with a plain complaint."""

from pathlib import Path
from typing import TypeVar

import msgspec

from keyart.schemas.errors import InvalidRecord, NotFound

Described = TypeVar("Described", bound=msgspec.Struct)


def write_described(path: Path, described: msgspec.Struct) -> None:
    """Write a document as indented JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(described), indent=2))


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
