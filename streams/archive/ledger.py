"""Which files the archive should have: so that a check can say that some are gone."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keyart.schemas.topics import TOPICS
from keyart.streams.archive import files
from keyart.streams.valkey.connect import translated


class Ledger:
    """The names of the archive's files, kept in the store.

    Parameters
    ----------
    client
        From `connect`.
    key
        Of the set.
    folder
        Of the archive.
    """

    def __init__(self, client: Any, key: str, folder: Path) -> None:
        self._client = client
        self._key = key
        self._folder = folder

    def begin(self) -> None:
        """Note all files that are there, unless some are noted already."""
        with translated():
            begun = self._client.exists(self._key)
        if not begun:
            for topic in TOPICS:
                self.add(files.paths(self._folder, topic.name))

    def add(self, paths: Iterable[Path]) -> None:
        """Note files that were written."""
        if names := self._names(paths):
            with translated():
                self._client.sadd(self._key, *names)

    def drop(self, paths: Iterable[Path]) -> None:
        """Forget files that were merged into others."""
        if names := self._names(paths):
            with translated():
                self._client.srem(self._key, *names)

    def missing(self, topic: str, partition: int) -> list[str]:
        """Return the files of a partition that should be there and are not, in order."""
        with translated():
            names = [name.decode() for name in self._client.sscan_iter(self._key, count=1000)]
        wanted = f"{topic}/"
        return sorted(
            name
            for name in names
            if name.startswith(wanted)
            and name.rpartition("/")[2].startswith(f"{partition:04d}-")
            and not (self._folder / name).exists()
        )

    def _names(self, paths: Iterable[Path]) -> list[str]:
        return [path.relative_to(self._folder).as_posix() for path in paths]
