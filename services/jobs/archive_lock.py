"""One at a time for whatever changes the archive, or copies it as it stands."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = "archive.lock"


@contextmanager
def archive_locked(data_dir: Path) -> Iterator[None]:
    """Hold the archive of a folder; waits for whoever holds it. It goes with the process's life."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
