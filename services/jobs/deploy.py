"""Deployment: an alias of the registry is moved, and what serves follows it.

What is to serve is looked at, fetched and scored first; then the alias moves; then the state store
is told, where every api process reads it. Whoever is killed in between leaves either the old one
serving or an alias that the next round of housekeeping follows.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import structs

from keyart.models.priors.manifest import MANIFEST_FILE, read_manifest
from keyart.schemas.errors import ModelRejected, NotFound
from keyart.schemas.registry import ITSELF, ModelVersion, Move
from keyart.services.jobs.priors.serving import Scoring, beside
from keyart.services.jobs.world import world_of
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import NEUTRAL, Registry
from keyart.streams.site import Opinions

log = logging.getLogger(__name__)
RIDGE: Final = "ridge"
DUAL: Final = "dual"
TABLE: Final = "table"
LANGUAGE: Final = "llm"
FITTED: Final = (RIDGE, DUAL, LANGUAGE)
"""Kinds whose files say everything: what is fetched can give its opinion."""
HELD_OUT_FROM: Final = "held out from ms"
"""Figure of a version: since when what was shown taught it nothing, so that it can be judged on."""
ANSWERS: Final = "readable answers"
"""Figure of a version: share of held-out questions that it answers with the letter of an option."""
VIEWERS: Final = "gain for viewers"
"""Figure of a version: nats a held-out take that a viewer's history adds; beside it its standard
error and how many takes."""


def in_store(version: ModelVersion) -> bool:
    """Whether its opinions or graphs are in the state store alone: it was taken over, not made."""
    return version.kind == TABLE or (version.kind == DUAL and not version.files)


def register_files(registry: Registry, folder: Path, facts: ModelVersion) -> ModelVersion:
    """Keep what was fitted; return it as it was kept.

    Parameters
    ----------
    facts
        What is known of it. Where there is a version of that name with other files, as after a
        refresh of what the same weights are worth, its own digest is added to the name.
    """
    files = {each.name: each for each in sorted(folder.iterdir()) if each.is_file()}
    try:
        return registry.add(facts, files)
    except ModelRejected:
        if facts.name not in (each.name for each in registry.versions()):
            raise
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    name = f"{facts.name}-{digest.hexdigest()[:8]}"
    beside = tuple(
        structs.replace(each, version=name) if each.role == ITSELF else each
        for each in facts.beside
    )
    return registry.add(structs.replace(facts, name=name, beside=beside), files)


def fetched(registry: Registry, priors: Path, version: ModelVersion) -> Path:
    """Return the folder of a ridge among those of all priors, with the files the registry keeps."""
    folder = priors / version.name
    if not _is_there(folder, version):
        registry.fetch(version.name, folder)
    return folder


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Moves what serves.

    Parameters
    ----------
    registry
        Versions and aliases.
    scoring
        The site's priors, titles and opinions.
    clock
        Now, in milliseconds.
    """

    registry: Registry
    scoring: Scoring
    clock: Clock

    @property
    def opinions(self) -> Opinions:
        """What priors think of titles."""
        return self.scoring.opinions

    @property
    def world_ms(self) -> int:
        """Since when the world is as it is, by what serves and what was found since; 0: always."""
        return world_of(self.registry, self.opinions.current)

    def promote(self, name: str, *, by: str, why: str, fence: int = 0) -> int:
        """Let a version serve; return of how many titles it has given its opinion.

        One that serves already gives its opinions anew, and no alias moves.

        Raises
        ------
        NotFound, ModelRejected, SpaceMismatch, MissingExtra
            There is no such version, or it is not whole, or does not fit; what served goes on.
        Fenced, Contended
            Another mover was first.
        """
        registry = self.registry
        name = self._known(name)
        scored = self.prepare(name)
        if registry.aliases().champion != name:
            registry.promote(name, by=by, why=why, fence=fence, standing=self.opinions.current)
        self._serve()
        return scored

    def rollback(self, *, by: str, why: str, fence: int = 0) -> Move:
        """Let what served before serve again; return the move.

        Raises
        ------
        InvalidRecord
            Nothing served before.
        """
        registry = self.registry
        held = registry.aliases()
        if held.previous:
            self.prepare(held.previous)
        move = registry.rollback(by=by, why=why, fence=fence, of=held.champion)
        self._serve()
        return move

    def took(self, name: str, kind: str) -> None:
        """Let a prior serve whose opinions were just put into the state store."""
        registry = self.registry
        registry.add(
            ModelVersion(
                name=name,
                kind=kind,
                made_at_ms=self.clock(),
                space=self.scoring.titles.space.identity,
                note="taken over",
            ),
            {},
        )
        if registry.aliases().champion != name:
            registry.promote(
                name, by="prior import", why="taken over", standing=self.opinions.current
            )
        self._serve()

    def follow(self) -> str:
        """Let serve what the registry's champion is, where another one still does; return its name.

        That is after a kill between the move and its announcement, after a move that was made on
        another machine, and after the state store was emptied. Returns "" where nothing was to do.

        Raises
        ------
        KeyartError
            It cannot serve; what serves goes on.
        """
        registry = self.registry
        champion = registry.aliases().champion
        if not champion or champion == self.opinions.current:
            return ""
        self.prepare(champion)
        self._serve()
        log.warning("%s serves now: the registry says so", champion)
        return champion

    def follow_beside(self) -> None:
        """Follow the registry: here, or where a neural network reads in a process that then ends.

        Raises
        ------
        KeyartError
            It cannot serve; what serves goes on.
        """
        registry = self.registry
        champion = registry.aliases().champion
        if not champion or champion == self.opinions.current:
            return
        version = registry.version(champion)
        if version.encoders or version.kind == LANGUAGE:
            if said := beside("models", "follow"):
                raise ModelRejected(f"{champion} does not serve: {said}")
            return
        self.follow()

    def prepare(self, name: str) -> int:
        """Fetch a version and let it give its opinions; nothing of it serves yet.

        Raises as `promote` does.
        """
        version = self.registry.check(name)
        if version.kind == NEUTRAL:
            return 0
        if in_store(version):
            if not self.opinions.known(name):
                raise NotFound(f"the state store has nothing of {name} any more: import it again")
            return 0
        if version.kind not in FITTED:
            raise ModelRejected(f"{name} is of kind {version.kind}, which this keyart cannot serve")
        self.fetched(version)
        # loaded before the titles are read: what does not fit is refused at once
        prior = self.scoring.fitted(name)
        self.opinions.put_card(structs.replace(prior.card, since_ms=version.since_ms))
        return self.scoring.score(prior, self.scoring.choosable())

    def refreshable(self) -> bool:
        """Whether what serves is of the registry and a kind whose worth can be measured anew."""
        try:
            return self.registry.version(self.opinions.current).kind in (RIDGE, LANGUAGE)
        except NotFound:
            return False

    def fetched(self, version: ModelVersion) -> Path:
        """Return the folder of a prior, with the files that the registry keeps."""
        return fetched(self.registry, self.scoring.folder, version)

    def _serve(self) -> None:
        # what the alias says now, and not what this process moved it to: another may have moved it
        self.opinions.make_current(self.registry.aliases().champion or NEUTRAL)

    def _known(self, name: str) -> str:
        """Return the version's own name; a prior of before there was a registry is kept first."""
        try:
            return self.registry.version(name).name
        except NotFound:
            if (self.scoring.folder / name / MANIFEST_FILE).is_file():
                return self._adopt(name).name
            if self.opinions.known(name):
                kind = DUAL if self.opinions.card(name).viewer_graph else TABLE
                facts = ModelVersion(
                    name=name, kind=kind, made_at_ms=self.clock(), note="found in store"
                )
                return self.registry.add(facts, {}).name
            raise

    def _adopt(self, name: str) -> ModelVersion:
        """Keep a ridge that was fitted before there was a registry."""
        folder = self.scoring.folder / name
        manifest = read_manifest(folder / MANIFEST_FILE)
        made = int((folder / MANIFEST_FILE).stat().st_mtime * 1000)
        facts = ModelVersion(
            name=name,
            kind=RIDGE,
            made_at_ms=made,
            space=manifest.space,
            encoders=manifest.encoders,
            figures={"gain": manifest.gain, "strength": manifest.strength},
            note="fitted before there was a registry",
        )
        return register_files(self.registry, folder, facts)


def _is_there(folder: Path, version: ModelVersion) -> bool:
    """Whether a folder holds the version's very files."""
    for name, mark in version.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != mark.size:
            return False
        if hashlib.sha256(path.read_bytes()).hexdigest() != mark.sha256:
            return False
    return True
