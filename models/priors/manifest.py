"""What stands beside the files of a ridge prior: what it was fitted on, and what it is worth."""

from pathlib import Path
from typing import Final

import msgspec

from keyart.models.likelihood.groups import GroupWorth
from keyart.schemas.errors import ModelRejected, NotFound

MANIFEST_FILE: Final = "ridge.json"
OPSET: Final = 17
FITTED, REFRESHED = 1, 2
"""Versions of a manifest: as it was fitted, and with a scale of its own on top of the weights."""


class RidgeManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the graph.

    `weights` is the SHA-256 of the file of weights, "" in priors of before there was one; `sha256`
    that of the graph, "" where none was written; `encoders` says what reads the texts, "" is
    keyart's own embedding space; `space` is the identity of what does; `strength` is the effective
    sample size in impressions, and `groups` says what it is for title groups that differ;
    `penalty`, `gain` and `spread` are what the fit reported (gain in nats of held-out likelihood
    over no opinion); `folds` is the SHA-256 of the file with what is said of the titles it was
    fitted on, "" in priors of before there was one; `scale` is the power on top of the weights, 1
    unless what they are worth was measured anew since, and then `version` is 2, so that a keyart
    that does not know the scale refuses the prior.
    """

    sha256: str
    dimensions: int
    space: str
    strength: float
    penalty: float = 0.0
    gain: float = 0.0
    spread: float = 0.0
    encoders: str = ""
    groups: dict[str, GroupWorth] = {}
    folds: str = ""
    weights: str = ""
    scale: float = 1.0
    opset: int = OPSET
    kind: str = "ridge"
    version: int = FITTED


def read_manifest(path: Path) -> RidgeManifest:
    """Return what stands beside a graph.

    Raises
    ------
    NotFound
        There is no such file.
    ModelRejected
        It cannot be read, or is of another kind or version.
    """
    if not path.is_file():
        raise NotFound(f"there is no {path}")
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=RidgeManifest)
    except msgspec.DecodeError as error:
        raise ModelRejected(f"{path}: {error}") from error
    if manifest.kind != "ridge" or manifest.version not in (FITTED, REFRESHED):
        raise ModelRejected(f"{path}: kind {manifest.kind}, version {manifest.version}")
    return manifest
