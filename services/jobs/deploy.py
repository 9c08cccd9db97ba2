"""Deployment: an alias of the registry is moved, and what serves follows it.

What is to serve is looked at, fetched and scored first; then the alias moves; then the state store
is told, where every api process reads it. Whoever is killed in between leaves either the old one
serving or an alias that the next round of housekeeping follows.
"""

import hashlib
import logging
from pathlib import Path
from typing import Final

from msgspec import structs

from keyart.models.priors.onnx_file import GRAPH_FILE, MANIFEST_FILE, read_manifest
from keyart.schemas.errors import ModelRejected, NotFound
from keyart.schemas.registry import ModelVersion, Move
from keyart.services.jobs.priors.serving import FittedPrior, beside, prior_folder, score
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.clock import now_ms
from keyart.streams.registry.objects import DirectoryObjects
from keyart.streams.registry.registry import NEUTRAL, Registry

log = logging.getLogger(__name__)
RIDGE: Final = "ridge"
IN_STORE: Final = ("table", "dual")
"""Kinds whose opinions or graphs are in the state store, and in no file of the registry."""


def registry_of(parts: Parts) -> Registry:
    """Return the registry of a site."""
    return Registry(DirectoryObjects(parts.data_dir / "models"), now_ms)


def register_ridge(parts: Parts, folder: Path, facts: ModelVersion) -> ModelVersion:
    """Keep a fitted ridge; return it as it was kept.

    Parameters
    ----------
    facts
        What is known of it. Where there is a version of that name with other files, as after a
        refresh of what the same weights are worth, its own digest is added to the name.
    """
    registry = registry_of(parts)
    files = {each.name: each for each in sorted(folder.iterdir()) if each.is_file()}
    try:
        return registry.add(facts, files)
    except ModelRejected:
        if facts.name not in (each.name for each in registry.versions()):
            raise
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return registry.add(
        structs.replace(facts, name=f"{facts.name}-{digest.hexdigest()[:8]}"), files
    )


def promote(parts: Parts, name: str, *, by: str, why: str, fence: int = 0) -> int:
    """Let a version serve; return of how many titles it has given its opinion.

    One that serves already gives its opinions anew, and no alias moves.

    Raises
    ------
    NotFound, ModelRejected, SpaceMismatch, MissingExtra
        There is no such version, or it is not whole, or does not fit; what served goes on.
    Fenced, Contended
        Another mover was first.
    """
    registry = registry_of(parts)
    name = _known(parts, registry, name)
    scored = prepare(parts, registry, name)
    if registry.aliases().champion != name:
        registry.promote(name, by=by, why=why, fence=fence, standing=parts.opinions.current)
    _serve(parts, registry)
    return scored


def rollback(parts: Parts, *, by: str, why: str, fence: int = 0) -> Move:
    """Let what served before serve again; return the move.

    Raises
    ------
    InvalidRecord
        Nothing served before.
    """
    registry = registry_of(parts)
    held = registry.aliases()
    if held.previous:
        prepare(parts, registry, held.previous)
    move = registry.rollback(by=by, why=why, fence=fence, of=held.champion)
    _serve(parts, registry)
    return move


def took(parts: Parts, name: str, kind: str) -> None:
    """Let a prior serve whose opinions were just put into the state store."""
    registry = registry_of(parts)
    registry.add(
        ModelVersion(
            name=name, kind=kind, made_at_ms=now_ms(), space=parts.space.identity, note="taken over"
        ),
        {},
    )
    if registry.aliases().champion != name:
        registry.promote(name, by="prior import", why="taken over", standing=parts.opinions.current)
    _serve(parts, registry)


def follow(parts: Parts) -> str:
    """Let serve what the registry's champion is, where another one still does; return its name.

    That is after a kill between the move and its announcement, after a move that was made on
    another machine, and after the state store was emptied. Returns "" where nothing was to do.

    Raises
    ------
    KeyartError
        It cannot serve; what serves goes on.
    """
    registry = registry_of(parts)
    champion = registry.aliases().champion
    if not champion or champion == parts.opinions.current:
        return ""
    prepare(parts, registry, champion)
    _serve(parts, registry)
    log.warning("%s serves now: the registry says so", champion)
    return champion


def follow_beside(parts: Parts) -> None:
    """Follow the registry: here, or where a neural encoder reads in a process that then goes away.

    Raises
    ------
    KeyartError
        It cannot serve; what serves goes on.
    """
    registry = registry_of(parts)
    champion = registry.aliases().champion
    if not champion or champion == parts.opinions.current:
        return
    if registry.version(champion).encoders:
        if said := beside("models", "follow"):
            raise ModelRejected(f"{champion} does not serve: {said}")
        return
    follow(parts)


def prepare(parts: Parts, registry: Registry, name: str) -> int:
    """Fetch a version and let it give its opinions; nothing of it serves yet.

    Raises as `promote` does.
    """
    version = registry.check(name)
    if version.kind == NEUTRAL:
        return 0
    if version.kind in IN_STORE:
        if not parts.opinions.known(name):
            raise NotFound(f"the state store has nothing of {name} any more: import it again")
        return 0
    if version.kind != RIDGE:
        raise ModelRejected(f"{name} is of kind {version.kind}, which this keyart cannot serve")
    fetched(parts, registry, version)
    parts.view.refresh()
    prior = FittedPrior(parts, name)
    return score(parts, prior, [each for each in parts.view.view.titles.values() if each.choosable])


def fetched(parts: Parts, registry: Registry, version: ModelVersion) -> Path:
    """Return the folder of a ridge, with the files that the registry keeps."""
    folder = prior_folder(parts, version.name)
    if not _is_there(folder, version):
        registry.fetch(version.name, folder)
    return folder


def _serve(parts: Parts, registry: Registry) -> None:
    # what the alias says now, not what this process moved it to: another may have moved it since
    parts.opinions.make_current(registry.aliases().champion or NEUTRAL)


def _known(parts: Parts, registry: Registry, name: str) -> str:
    """Return the version's own name; a prior of before there was a registry is kept first."""
    try:
        return registry.version(name).name
    except NotFound:
        if (prior_folder(parts, name) / MANIFEST_FILE).is_file():
            return adopt(parts, name).name
        if parts.opinions.known(name):
            kind = "dual" if parts.opinions.card(name).viewer_graph else "table"
            facts = ModelVersion(name=name, kind=kind, made_at_ms=now_ms(), note="found in store")
            return registry.add(facts, {}).name
        raise


def adopt(parts: Parts, name: str) -> ModelVersion:
    """Keep a ridge that was fitted before there was a registry."""
    folder = prior_folder(parts, name)
    manifest = read_manifest(folder / MANIFEST_FILE)
    made = int((folder / GRAPH_FILE).stat().st_mtime * 1000) if folder.exists() else now_ms()
    facts = ModelVersion(
        name=name,
        kind=RIDGE,
        made_at_ms=made,
        space=manifest.space,
        encoders=manifest.encoders,
        figures={"gain": manifest.gain, "strength": manifest.strength},
        note="fitted before there was a registry",
    )
    return register_ridge(parts, folder, facts)


def _is_there(folder: Path, version: ModelVersion) -> bool:
    """Whether a folder holds the version's very files."""
    for name, mark in version.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != mark.size:
            return False
        if hashlib.sha256(path.read_bytes()).hexdigest() != mark.sha256:
            return False
    return True
