"""A bounded copy on this disk of what a distant registry holds: files by their digest.

An object never changes, so what was read once need not be asked for again. A file is looked at each
time it is read, here or there: its name is its digest, and one that is not what its name says is
asked for anew.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from keyart.streams.registry.objects import Objects

BLOBS: Final = "blobs/"
MOST_RECORDS: Final = 20_000
"""Records of versions and moves held in memory: about a kilobyte each."""


class KeptObjects:
    """Objects of a distant store, with a bounded copy here; see `Objects`.

    Parameters
    ----------
    objects
        The store.
    folder
        For files; made when the first is read.
    most_bytes
        Of files here: beyond it those that were read longest ago go.
    """

    def __init__(self, objects: Objects, folder: Path, *, most_bytes: int) -> None:
        self._objects, self._folder, self._most = objects, folder, most_bytes
        self._records: dict[str, bytes] = {}

    def create(self, key: str, content: bytes) -> bool:
        """See `Objects.create`."""
        return self._objects.create(key, content)

    def read(self, key: str) -> bytes | None:
        """See `Objects.read`."""
        if not key.startswith(BLOBS):
            return self._record(key)
        digest = key.removeprefix(BLOBS)
        path = self._folder / digest
        with suppress(OSError):
            copy = path.read_bytes()
            if hashlib.sha256(copy).hexdigest() == digest:
                os.utime(path)
                return copy
        content = self._objects.read(key)
        if content is not None and hashlib.sha256(content).hexdigest() == digest:
            self._keep(path, content)
        return content

    def names(self, folder: str) -> list[str]:
        """See `Objects.names`."""
        return self._objects.names(folder)

    def _record(self, key: str) -> bytes | None:
        if (held := self._records.get(key)) is not None:
            return held
        content = self._objects.read(key)
        if content is not None and len(self._records) < MOST_RECORDS:
            self._records[key] = content
        return content

    def _keep(self, path: Path, content: bytes) -> None:
        """Write a file here, if there is room; a full disk keeps nothing and stops nobody."""
        if len(content) > self._most:
            return
        passing = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(len(content))
            passing.write_bytes(content)
            passing.replace(path)
        except OSError:
            with suppress(OSError):
                passing.unlink()

    def _make_room(self, wanted: int) -> None:
        held = sorted(
            (each.stat().st_mtime_ns, each.stat().st_size, each)
            for each in self._folder.iterdir()
            if each.is_file()
        )
        total = sum(size for _, size, _ in held) + wanted
        for _, size, each in held:
            if total <= self._most:
                return
            each.unlink(missing_ok=True)
            total -= size
