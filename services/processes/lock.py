"""A lock on a folder that goes with the life of whoever holds it, and says who that is."""

import fcntl
import json
import os
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path

from keyart.schemas.errors import SettingsError

PAUSE_S = 0.1


class FolderLock:
    """A file that at most one family of processes holds locked.

    The lock is the kernel's: nothing is left to clean up after `kill -9`. Children that are given
    the file hold it too, so that it is free only when the last of them has ended.

    Parameters
    ----------
    path
        Of the file; its folder is there.
    what
        What its holder is, in an error: "`keyart serve`".
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what
        self._file: FileIO | None = None

    def take(self, *, wait_s: float, **about: object) -> None:
        """Take the lock.

        Parameters
        ----------
        wait_s
            How long to wait for children whose parent is gone; a holder that lives is not waited
            for.
        about
            What others are told of the holder, beside its process id.

        Raises
        ------
        SettingsError
            Another process holds it; names it.
        """
        try:
            file = self._path.open("a+b", buffering=0)
        except OSError as wrong:
            raise SettingsError(f"KEYART_DATA_DIR: {self._path}: {wrong.strerror}") from None
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = self._holder()
                if time.monotonic() >= deadline or _lives(holder.get("pid")):
                    file.close()
                    raise SettingsError(self._refusal(holder)) from None
                time.sleep(PAUSE_S)
        file.truncate(0)
        with suppress(OSError):  # a full disk: it holds all the same, only nobody is told whose
            file.write(json.dumps({"pid": os.getpid(), **about}).encode())
        self._file = file

    @property
    def number(self) -> int:
        """The file's descriptor, for children to inherit."""
        if self._file is None:
            raise RuntimeError("the lock is not held")
        return self._file.fileno()

    def release(self) -> None:
        """Let it go; children that inherited it hold it on."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _holder(self) -> dict[str, object]:
        try:
            held = json.loads(self._path.read_bytes() or b"{}")
        except (OSError, ValueError):
            return {}
        return held if isinstance(held, dict) else {}

    def _refusal(self, holder: dict[str, object]) -> str:
        number, address = holder.get("pid"), holder.get("address")
        who = f"process {number}" if number else "another process"
        if address:
            who += f", {address}"
        if number and not _lives(number):
            who = f"children of {who}, which has ended"
        return (
            f"KEYART_DATA_DIR: {self._what} runs in {self._path.parent} already ({who}): stop it, "
            "or name another folder"
        )


def _lives(number: object) -> bool:
    if not isinstance(number, int) or number <= 0 or number == os.getpid():
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
