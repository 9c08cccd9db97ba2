"""The registry: versions of models in, versions out by name or alias, aliases moved one at a time.

Files are kept by their digest (`blobs/`), a version is a record of digests that is written last
(`versions/`), and the aliases are what the newest of the numbered moves says (`moves/`). So a
version is whole or not there, whoever is killed when; and of two who move an alias at once one
creates the next number, and the other is told.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import structs

from keyart.schemas.errors import (
    Contended,
    Fenced,
    InvalidRecord,
    ModelRejected,
    NotFound,
    UnknownVersion,
)
from keyart.schemas.registry import (
    CANDIDATE,
    CHAMPION,
    PREVIOUS,
    REGISTRY_VERSION,
    Aliases,
    FileMark,
    ModelVersion,
    Move,
)
from keyart.streams.registry.kinds import check_kind
from keyart.streams.registry.moves import PROMOTE, PROPOSE, ROLLBACK, WITHDRAW
from keyart.streams.registry.moves import promote as promoted
from keyart.streams.registry.moves import propose as proposed
from keyart.streams.registry.moves import rollback as rolled_back
from keyart.streams.registry.moves import withdraw as withdrawn
from keyart.streams.registry.objects import Objects

TRIES: Final = 20
NEUTRAL: Final = "neutral"
"""No prior: always a version, and one without files."""
Held = TypeVar("Held", ModelVersion, Move)


class Registry:
    """Versions and aliases.

    Parameters
    ----------
    objects
        Where all of it is kept.
    clock
        Milliseconds since 1970.
    """

    def __init__(self, objects: Objects, clock: Callable[[], int]) -> None:
        self._objects = objects
        self._clock = clock

    def add(self, version: ModelVersion, files: Mapping[str, Path]) -> ModelVersion:
        """Keep a version with its files, and return it with their digests; again is no error.

        Parameters
        ----------
        version
            What is known of it; its own `files` are not read.
        files
            Name in the version -> where it is now.

        Raises
        ------
        ModelRejected
            A file is not what its name says, or of a kind that is not kept; or there is a version
            of that name with other files.
        """
        marks: dict[str, FileMark] = {}
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            check_kind(name, content)
            digest = hashlib.sha256(content).hexdigest()
            marks[name] = FileMark(sha256=digest, size=len(content))
            self._objects.create(f"blobs/{digest}", content)
        made = structs.replace(version, files=marks)
        made = msgspec.json.decode(msgspec.json.encode(made), type=ModelVersion)  # the bounds
        if made.name in (NEUTRAL, CHAMPION, CANDIDATE, PREVIOUS):
            raise ModelRejected(f"a version cannot be called {made.name}")
        if not self._objects.create(_key(made.name), _written(made)):
            there = self.version(made.name)
            if there.files != made.files:
                raise ModelRejected(
                    f"there is another version {made.name}: versions never change, name it anew"
                )
            return there
        return made

    def versions(self) -> list[ModelVersion]:
        """Return all versions, the newest first."""
        held = (
            self._record(f"versions/{each}", ModelVersion)
            for each in self._objects.names("versions")
        )
        found = [each for each in held if each is not None]
        return sorted(found, key=lambda each: (each.made_at_ms, each.name), reverse=True)

    def version(self, name: str) -> ModelVersion:
        """Return a version by its name or by an alias.

        Raises
        ------
        NotFound
            There is none.
        """
        name = self.aliases().named().get(name, name)
        if name == NEUTRAL:
            return ModelVersion(name=NEUTRAL, kind=NEUTRAL, made_at_ms=0, note="no prior")
        held = self._record(_key(name), ModelVersion)
        if held is None:
            raise NotFound(f"there is no version {name!r}; `keyart models list` names them")
        return held

    def fetch(self, name: str, folder: Path) -> ModelVersion:
        """Put a version's files into a folder, each looked at, and all of them or none.

        Raises
        ------
        NotFound
            There is no such version.
        ModelRejected
            A file is missing, or is not the one that was kept.
        """
        version = self.version(name)
        passing = folder.with_name(f".{folder.name}.fetching")
        shutil.rmtree(passing, ignore_errors=True)
        passing.mkdir(parents=True)
        try:
            for file, mark in version.files.items():
                (passing / file).write_bytes(self._file(version.name, file, mark))
            shutil.rmtree(folder, ignore_errors=True)
            passing.rename(folder)
        finally:
            shutil.rmtree(passing, ignore_errors=True)
        return version

    def check(self, name: str) -> ModelVersion:
        """Return a version of which every file is there and the one that was kept.

        Raises as `fetch` does.
        """
        version = self.version(name)
        for file, mark in version.files.items():
            self._file(version.name, file, mark)
        return version

    def _file(self, version: str, file: str, mark: FileMark) -> bytes:
        content = self._objects.read(f"blobs/{mark.sha256}")
        if content is None:
            raise ModelRejected(f"{version}: its file {file} is missing")
        if len(content) != mark.size or hashlib.sha256(content).hexdigest() != mark.sha256:
            raise ModelRejected(f"{version}: {file} is not the file that was kept")
        check_kind(file, content)
        return content

    def moves(self) -> list[Move]:
        """Return every move, the oldest first."""
        found = (self._record(f"moves/{each}", Move) for each in self._objects.names("moves"))
        return [each for each in found if each is not None]

    def last(self) -> Move | None:
        """Return the newest move; None before the first."""
        names = self._objects.names("moves")
        return self._record(f"moves/{names[-1]}", Move) if names else None

    def aliases(self) -> Aliases:
        """Return how the aliases stand."""
        last = self.last()
        return last.aliases if last else Aliases()

    def propose(self, version: str, *, by: str, why: str, fence: int = 0) -> Move:
        """Make a version the candidate; raises as `promote` does."""
        return self._move(PROPOSE, version, lambda held: proposed(held, version), by, why, fence)

    def withdraw(self, version: str, *, by: str, why: str, fence: int = 0) -> Move:
        """Let a version be candidate no more; raises as `promote` does."""
        return self._move(WITHDRAW, version, lambda held: withdrawn(held, version), by, why, fence)

    def promote(
        self, version: str, *, by: str, why: str, fence: int = 0, standing: str = ""
    ) -> Move:
        """Let a version serve.

        Parameters
        ----------
        by, why
            Who moves it, and why: kept for ever.
        fence
            Token of the lease of an automatic mover.
        standing
            What serves already, where no move says so.

        Raises
        ------
        NotFound, ModelRejected
            There is no such version, or its files are not whole.
        InvalidRecord
            It serves already.
        Fenced
            A later mover has moved since this one's lease ended.
        Contended
            Somebody else moved each time this one tried.
        """
        self.check(version)

        def act(held: Aliases) -> Aliases:
            if not held.champion and standing:
                held = structs.replace(held, champion=standing)
            return promoted(held, version)

        return self._move(PROMOTE, version, act, by, why, fence)

    def rollback(self, *, by: str, why: str, fence: int = 0, of: str = "") -> Move:
        """Let what served before serve again.

        Parameters
        ----------
        of
            The champion that is to go; where another one serves by now nothing is done.

        Raises
        ------
        InvalidRecord
            Nothing served before, or `of` does not serve.
        """

        def act(held: Aliases) -> Aliases:
            if of and held.champion != of:
                raise InvalidRecord(f"{of} does not serve: {held.champion or NEUTRAL} does")
            return rolled_back(held)

        return self._move(ROLLBACK, "", act, by, why, fence)

    def _move(
        self,
        act: str,
        to: str,
        change: Callable[[Aliases], Aliases],
        by: str,
        why: str,
        fence: int,
    ) -> Move:
        if to:
            self.version(to)
        for _ in range(TRIES):
            last = self.last()
            number = last.number + 1 if last else 1
            last_fence = last.last_fence if last else 0
            if 0 < fence < last_fence:
                raise Fenced("another mover has taken over: this one's lease has ended")
            now = change(last.aliases if last else Aliases())
            move = Move(
                number=number,
                act=act,
                to=to or now.champion,
                aliases=now,
                moved_at_ms=self._clock(),
                by=by[:2000],
                why=why[:2000],
                fence=fence,
                last_fence=max(fence, last_fence),
            )
            if self._objects.create(f"moves/{number:08d}.json", _written(move)):
                return move
        raise Contended("others moved aliases each time: look at `keyart models list`, try again")

    def _record(self, key: str, kind: type[Held]) -> Held | None:
        data = self._objects.read(key)
        if data is None:
            return None
        try:
            held = msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as wrong:
            raise ModelRejected(f"{key} of the registry cannot be read: {wrong}") from None
        if held.version > REGISTRY_VERSION:
            raise UnknownVersion(f"{key} of the registry was written by a newer keyart")
        return held


def _key(version: str) -> str:
    """Return the name of a version's record: one to one, whatever the version is called."""
    plain = quote(version, safe="").replace(".", "%2E").replace("~", "%7E")
    return f"versions/{plain.replace('%', '=')}.json"


def _written(record: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
