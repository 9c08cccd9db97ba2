"""What the registry stands on: named objects that are created whole, once, and never change.

One operation decides every race: of several who create the same name, one does. Versions and moves
of aliases are nothing but names that are created, so two writers cannot both win.
"""

import os
import re
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from keyart.models.artifacts.whole import force_folder
from keyart.schemas.errors import InvalidRecord, StoreError

LARGEST: Final = 4_000_000_000
"""Bytes of one object: a language model of two billion parameters in half precision."""
_KEY: Final = re.compile(r"[a-z]+(/[A-Za-z0-9_=-][A-Za-z0-9._=+-]{0,199}){1,2}\Z")


class Objects(Protocol):
    """Objects by name; a name is `folder/name` or `folder/folder/name`."""

    def create(self, key: str, content: bytes) -> bool:
        """Create an object; return False, and change nothing, where there is one of that name.

        Once it returns True the whole object is there for everybody, whatever happens.

        Raises
        ------
        StoreError
            It could not be written.
        """

    def read(self, key: str) -> bytes | None:
        """Return an object whole; None when there is none.

        Raises
        ------
        StoreError
            It could not be read.
        """

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects right in a folder, sorted."""


def checked(key: str) -> str:
    """Return the key if it is one.

    Raises
    ------
    InvalidRecord
        It is not of the form that every store can hold.
    """
    if not _KEY.match(key) or ".." in key:
        raise InvalidRecord(f"{key[:200]!r} is no name of an object")
    return key


class DirectoryObjects:
    """Objects as files of a directory, which several processes may share.

    An object is written under a passing name, forced to disk, and linked to its own: the link is
    made or refused by the file system in one step.

    Parameters
    ----------
    folder
        Made when the first object is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, key: str, content: bytes) -> bool:
        """See `Objects.create`."""
        if len(content) > LARGEST:
            raise InvalidRecord(f"{key} is larger than {LARGEST:,} bytes")
        path = self._folder / checked(key)
        if path.exists():
            return False
        passing = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with passing.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(passing, path)
            except FileExistsError:
                return False
            force_folder(path.parent)
            return True
        except OSError as wrong:
            raise StoreError(f"{path} cannot be written: {wrong.strerror}") from None
        finally:
            with suppress(OSError):
                passing.unlink()

    def read(self, key: str) -> bytes | None:
        """See `Objects.read`."""
        path = self._folder / checked(key)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as wrong:
            raise StoreError(f"{path} cannot be read: {wrong.strerror}") from None

    def names(self, folder: str) -> list[str]:
        """See `Objects.names`."""
        where = self._folder / folder
        if not where.is_dir():
            return []
        return sorted(each.name for each in where.iterdir() if not each.name.startswith("."))


class MemoryObjects:
    """Objects of one process, for tests and trials."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def create(self, key: str, content: bytes) -> bool:
        """See `Objects.create`."""
        with self._lock:
            if checked(key) in self._held:
                return False
            self._held[key] = content
            return True

    def read(self, key: str) -> bytes | None:
        """See `Objects.read`."""
        return self._held.get(checked(key))

    def names(self, folder: str) -> list[str]:
        """See `Objects.names`."""
        start = f"{folder}/"
        rest = (key[len(start) :] for key in self._held if key.startswith(start))
        return sorted(each for each in rest if "/" not in each)
