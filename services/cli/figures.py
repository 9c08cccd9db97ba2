"""`--json`: the figures that a command prints, as JSON, in a file or on the standard output."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from keyart.schemas.errors import SettingsError

Json = Annotated[
    Path | None, typer.Option(help="file for the figures as JSON; - for the standard output")
]
STANDARD_OUTPUT = Path("-")


def check_json(path: Path | None, option: str = "--json") -> None:
    """Look whether the figures can be written, before the work that makes them.

    Raises
    ------
    SettingsError
        It is a folder, or stands in none, or may not be written.
    """
    if path is None or path == STANDARD_OUTPUT:
        return
    try:
        if path.is_dir():
            raise SettingsError(f"{option}: {path} is a folder")
        if not path.parent.is_dir():
            raise SettingsError(f"{option}: there is no folder {path.parent}")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise SettingsError(f"{option}: {path} may not be written")
    except (OSError, ValueError) as wrong:
        said = wrong.strerror if isinstance(wrong, OSError) else wrong
        raise SettingsError(f"{option}: {path}: {said}") from None


def write_json(path: Path | None, figures: Any) -> None:
    """Write the figures, if they are wanted.

    Raises
    ------
    SettingsError
        There is no room, or the folder has gone since.
    """
    if path is None:
        return
    text = msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n"
    if path == STANDARD_OUTPUT:
        sys.stdout.write(text.decode())
        return
    try:
        path.write_bytes(text)
    except OSError as wrong:
        raise SettingsError(f"--json: {path} cannot be written: {wrong.strerror}") from None
