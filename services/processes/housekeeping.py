"""What is done now and then beside the steps: archive, erase, and let the prior see new titles.

Nothing that goes wrong ends it, and no part of a round keeps the others from being done. How it
goes is written to the store, where the api reads it for readiness and metrics.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord, KeyartError, MissingExtra
from keyart.services.jobs.archive_lock import archive_locked
from keyart.services.jobs.erasure import rewrite_if_due
from keyart.services.processes.retrainer import Retrainer
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.erasing import erasures_of
from keyart.streams.idle import looked_upto
from keyart.streams.ports import VIEWERS, Lane
from keyart.streams.room import NEARLY_FULL
from keyart.streams.site import Note, Register

ALIVE: Final = "housekeeping.alive"
ALIVE_ROUNDS: Final = 3
ALIVE_MORE_S: Final = 3600.0
"""What a round may take: a neural encoder reads new titles for up to an hour."""
MOST_SAID: Final = 500
log = logging.getLogger(__name__)


class Housekeeping(Struct, frozen=True, kw_only=True):
    """How housekeeping goes: its last round, and its last one in which nothing failed, in ms.

    `failures` counts the rounds that failed since. `set_aside` counts the files of the archive that
    could not be read.
    """

    round_ms: int = 0
    done_ms: int = 0
    failures: int = 0
    reason: str = ""
    set_aside: int = 0

    def late(self, *, at_ms: int, archive_s: float) -> bool:
        """Whether there was no round for longer than one may take, if there ever was one."""
        return at_ms - self.round_ms > 1000 * (ALIVE_ROUNDS * archive_s + ALIVE_MORE_S)


class Keeper:
    """Does rounds, and remembers which files of the archive it has looked at.

    Parameters
    ----------
    parts
        Settings, log, archive and store.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._looked: dict[Path, tuple[int, int]] = {}
        self._standing = Housekeeping()
        self._retrainer = Retrainer(parts.settings)

    def round(self) -> int:
        """Do one round; return how many records were archived.

        Raises
        ------
        KeyartError
            What failed; everything else was done all the same.
        """
        parts, archived = self._parts, 0
        # of a server of your own its files are your matter (infra/README.md)
        own_server = parts.embedded and not parts.settings.redis_url
        failed: list[KeyartError] = []

        def archive() -> None:
            nonlocal archived
            archived = parts.archiver.run()

        def rewrite() -> bool:
            return rewrite_if_due(parts.register, parts.admin)

        def attempt(what: str, act: Callable[[], object]) -> None:
            try:
                act()
            except (KeyartError, OSError) as wrong:
                failed.append(KeyartError(f"{what}: {wrong}"))
            except Exception as wrong:
                # a thread that ended would let the log grow for ever, and nobody would hear of it
                log.exception("%s failed", what)
                failed.append(KeyartError(f"{what}: {wrong!r}"))

        attempt("asking the store for its room", lambda: _warn_of_room(parts))
        attempt("letting idle tastes go", lambda: _let_idle_go(parts))
        with archive_locked(parts.data_dir):
            attempt("looking through the archive", self._look)
            attempt("archiving", archive)
            attempt("erasing", lambda: erasures_of(parts.settings, parts.client).finish())
            if own_server:
                attempt("rewriting the server's file", rewrite)
        attempt("following the registry", lambda: _follow(parts))
        attempt("retraining", self._retrainer.look)
        attempt("scoring new titles", lambda: _score_new(parts))
        self._tell(failed)
        if failed:
            raise KeyartError("; ".join(map(str, failed)))
        return archived

    def stop(self) -> None:
        """Ask a retraining that runs to stop."""
        self._retrainer.stop()

    def _look(self) -> None:
        """Set files aside that say of themselves that they are damaged, each looked at once."""
        from keyart.streams.archive import files

        seen: dict[Path, tuple[int, int]] = {}
        for path in sorted(self._parts.archive_dir.glob(f"*/day=*/*{files.SUFFIX}")):
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
        from keyart.streams.archive import files

        at_ms = now_ms()
        aside = len(files.aside(self._parts.archive_dir))
        now = structs.replace(self._standing, round_ms=at_ms, set_aside=aside)
        if failed:
            reason = "; ".join(map(str, failed))[:MOST_SAID]
            now = structs.replace(now, failures=now.failures + 1, reason=reason)
        else:
            now = structs.replace(now, done_ms=at_ms, failures=0, reason="")
        self._standing = now
        # a store that is away is said by others, and the mark on disk is made all the same
        with suppress(KeyartError):
            self._parts.register.write(Note.HOUSEKEEPING, codec.pack(now))


def how_it_goes(register: Register) -> Housekeeping | None:
    """Return what housekeeping last said of itself; None if it never did, or cannot be read."""
    if (data := register.read(Note.HOUSEKEEPING)) is None:
        return None
    try:
        return codec.unpack(data, Housekeeping)
    except InvalidRecord:
        return None


def keep_house(parts: Parts) -> int:
    """Do one round; return how many records were archived."""
    return Keeper(parts).round()


def keep_house_until(
    stopping: threading.Event, parts: Parts, *, keeper: Keeper | None = None
) -> None:
    """Do a round every `archive_s` seconds; a failure is logged and tried again next time."""
    mark = parts.data_dir / ALIVE
    keeper = keeper or Keeper(parts)
    _touch(mark)
    while not stopping.wait(parts.settings.archive_s):
        try:
            keeper.round()
        except KeyartError as failed:
            log.warning("housekeeping failed and will be tried again: %s", failed)
        except Exception:
            log.exception("housekeeping failed and will be tried again")
        _touch(mark)
    keeper.stop()


def _touch(mark: Path) -> None:
    """Note that somebody is at work; a disk that is full or gone does not end it."""
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as wrong:
        log.warning("housekeeping cannot leave its mark: %s", wrong)


def is_alive(parts: Parts) -> bool:
    """Whether a round was begun or tried lately, by a mark in the data directory."""
    mark = parts.data_dir / ALIVE
    late = ALIVE_ROUNDS * parts.settings.archive_s + ALIVE_MORE_S
    return mark.is_file() and time.time() - mark.stat().st_mtime < late


def _warn_of_room(parts: Parts) -> None:
    if (room := parts.admin.room()).share >= NEARLY_FULL:
        log.warning("the state store is nearly full: %s; soon it takes nothing new", room)


def _follow(parts: Parts) -> None:
    """Let serve what the registry says, where what runs it is installed."""
    try:
        from keyart.services.wiring.priors import deployment_of

        deployment_of(parts.settings, parts.client).follow_beside()
    except MissingExtra as missing:
        log.debug("%s", missing)


def _score_new(parts: Parts) -> None:
    """Let the current prior see new titles, where what runs it is installed."""
    try:
        from keyart.services.wiring.priors import scoring_of

        scoring_of(parts.settings, parts.client).score_new_beside()
    except MissingExtra as missing:
        log.debug("%s", missing)


def _let_idle_go(parts: Parts) -> None:
    """Once a day let tastes go that nothing has moved for as long as they are kept."""
    if not parts.taste_ms:
        return
    before_ms = int(parts.register.read(Note.IDLE_UPTO) or 0)
    upto_ms = looked_upto(before_ms, now_ms())
    if upto_ms == before_ms:
        return
    found = 0
    if upto_ms > before_ms > 0:
        found = sum(
            parts.store.forget_idle_tastes(Lane(VIEWERS, partition), upto_ms - parts.taste_ms)
            for partition in range(parts.settings.partitions)
        )
    parts.register.write(Note.IDLE_UPTO, str(upto_ms).encode())
    if found:
        days = parts.settings.taste_kept_days
        log.info("%d tastes that nothing had moved for %g days are gone", found, days)
