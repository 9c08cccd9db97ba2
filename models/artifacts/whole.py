"""Files that appear whole or not at all, whatever stops the process that writes them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield where to write; when that has ended without an error, `path` is what was written.

    Until then, and after an error, `path` is what it was.
    """
    passing = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield passing
        with passing.open("rb") as written:
            os.fsync(written.fileno())
        passing.replace(path)
    finally:
        passing.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write the file, or leave what it was."""
    with appearing(path) as passing:
        passing.write_bytes(content)
