"""Files that appear whole or not at all, whatever stops the process that writes them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PASSING: Final = ".part"
"""The end of the name of a file that is being written, or was by a process that was killed."""


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield where to write; when that has ended without an error, `path` is what was written.

    Until then, and after an error, `path` is what it was. The file and its folder are forced to
    disk before this returns.
    """
    passing = path.with_name(f"{path.name}.{os.getpid()}{PASSING}")
    try:
        yield passing
        with passing.open("rb") as written:
            os.fsync(written.fileno())
        passing.replace(path)
        force_folder(path.parent)
    finally:
        passing.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write the file, or leave what it was."""
    with appearing(path) as passing:
        passing.write_bytes(content)


def force_folder(path: Path) -> None:
    """Force to disk which names are in a folder."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
