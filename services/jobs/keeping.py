"""A round of housekeeping: archive, erase, and let the prior see new titles.

No part of a round keeps the others from being done. How it goes is written to the store, where the
api reads it for readiness and metrics.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.errors import KeyartError
from keyart.services.jobs.archive_lock import archive_locked
from keyart.services.jobs.how_it_goes import Housekeeping
from keyart.streams.archive import files
from keyart.streams.ports import Clock
from keyart.streams.room import NEARLY_FULL
from keyart.streams.site import Note, Register, StoreServer

MOST_SAID: Final = 500
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chores:
    """What a round does, one call each.

    Parameters
    ----------
    let_idle_go
        Tastes that nothing moves.
    archive
        What has been read; returns how many records.
    erase
        Whoever asked for it.
    rewrite
        The server's file, without who was erased.
    follow
        The registry.
    canary
        Looks how a version does that is let out.
    retrain, refresh, report, judge
        Look whether it is time: for the prior, for the table of proposals, for counting what came
        of it, and for judging the prior's calibration and policies that do not serve.
    score
        New titles, by the prior that serves.
    stop
        Asks what was begun beside to stop.
    """

    let_idle_go: Callable[[], object]
    archive: Callable[[], int]
    erase: Callable[[], object]
    rewrite: Callable[[], object]
    follow: Callable[[], object]
    canary: Callable[[], object]
    retrain: Callable[[], object]
    refresh: Callable[[], object]
    report: Callable[[], object]
    judge: Callable[[], object]
    score: Callable[[], object]
    stop: Callable[[], object]


class Keeper:
    """Does rounds, and remembers which files of the archive it has looked at.

    Parameters
    ----------
    folder, archive
        The site's, and in it the archive's.
    register
        Where it is told how it goes.
    server
        Asked for its room.
    chores
        What is done.
    clock
        Now, in milliseconds.
    """

    def __init__(
        self,
        *,
        folder: Path,
        archive: Path,
        register: Register,
        server: StoreServer,
        chores: Chores,
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._archive = archive
        self._register = register
        self._server = server
        self._chores = chores
        self._clock = clock
        self._looked: dict[Path, tuple[int, int]] = {}
        self._standing = Housekeeping()

    def round(self) -> int:
        """Do one round; return how many records were archived.

        Raises
        ------
        KeyartError
            What failed; everything else was done all the same.
        """
        chores, archived = self._chores, 0
        failed: list[KeyartError] = []

        def archive() -> None:
            nonlocal archived
            archived = chores.archive()

        def attempt(what: str, act: Callable[[], object]) -> None:
            try:
                act()
            except (KeyartError, OSError) as wrong:
                failed.append(KeyartError(f"{what}: {wrong}"))
            except Exception as wrong:
                # a thread that ended would let the log grow for ever, and nobody would hear of it
                log.exception("%s failed", what)
                failed.append(KeyartError(f"{what}: {wrong!r}"))

        attempt("asking the store for its room", self._warn_of_room)
        attempt("letting idle tastes go", chores.let_idle_go)
        with archive_locked(self._folder):
            attempt("looking through the archive", self._look)
            attempt("archiving", archive)
            attempt("erasing", chores.erase)
            attempt("rewriting the server's file", chores.rewrite)
        attempt("following the registry", chores.follow)
        attempt("looking at the canary", chores.canary)
        attempt("retraining", chores.retrain)
        attempt("refreshing the table of proposals", chores.refresh)
        attempt("counting what came of proposals", chores.report)
        attempt("judging what does not serve", chores.judge)
        attempt("scoring new titles", chores.score)
        self._tell(failed)
        if failed:
            raise KeyartError("; ".join(map(str, failed)))
        return archived

    def stop(self) -> None:
        """Ask what was begun beside to stop."""
        self._chores.stop()

    def _warn_of_room(self) -> None:
        if (room := self._server.room()).share >= NEARLY_FULL:
            log.warning("the state store is nearly full: %s; soon it takes nothing new", room)

    def _look(self) -> None:
        """Set files aside that say of themselves that they are damaged, each looked at once."""
        seen: dict[Path, tuple[int, int]] = {}
        for path in sorted(self._archive.glob(f"*/day=*/*{files.SUFFIX}")):
            about = path.stat()
            mark = (about.st_size, about.st_mtime_ns)
            if self._looked.get(path) != mark:
                try:
                    files.look(path)
                except files.Unreadable as unreadable:
                    files.set_aside(unreadable)
                    continue
            seen[path] = mark
        self._looked = seen

    def _tell(self, failed: list[KeyartError]) -> None:
        at_ms = self._clock()
        aside = len(files.aside(self._archive))
        now = structs.replace(self._standing, round_ms=at_ms, set_aside=aside)
        if failed:
            reason = "; ".join(map(str, failed))[:MOST_SAID]
            now = structs.replace(now, failures=now.failures + 1, reason=reason)
        else:
            now = structs.replace(now, done_ms=at_ms, failures=0, reason="")
        self._standing = now
        # a store that is away is said by others, and the mark on disk is made all the same
        with suppress(KeyartError):
            self._register.write(Note.HOUSEKEEPING, codec.pack(now))
