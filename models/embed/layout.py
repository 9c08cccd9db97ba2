"""What a folder in the layout of sentence-transformers says of the way from tokens to a vector.

`modules.json` lists the modules in order: the transformer, how its tokens are pooled, dense layers,
and whether the vector is brought to unit length. Nothing of that library is needed: what the files
say is done here (Reimers and Gurevych, EMNLP 2019, is where the pooling comes from).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy.special import erf, expit

from keyart.schemas.errors import ModelRejected, UnknownName

F32 = NDArray[np.float32]

MODULES: Final = "modules.json"
MOST_TOKENS: Final = 512
"""Of a text that is read, whatever the folder says: about what `MAX_CHARACTERS` holds."""
PLAIN_TOKENS: Final = 256
MOST_BYTES: Final = 1_000_000
"""Of a file of settings."""
LONGEST_PROMPT: Final = 1_000

MEAN, CLS, MAX, LAST, SQRT_LENGTH, WEIGHTED = (
    "mean",
    "cls",
    "max",
    "last",
    "sqrt-length",
    "weighted",
)
# the order in which that library joins them, whatever the order of the file
_MODES: Final = {
    "pooling_mode_cls_token": CLS,
    "pooling_mode_max_tokens": MAX,
    "pooling_mode_mean_tokens": MEAN,
    "pooling_mode_mean_sqrt_len_tokens": SQRT_LENGTH,
    "pooling_mode_weightedmean_tokens": WEIGHTED,
    "pooling_mode_lasttoken": LAST,
}
_NAMES: Final = {
    "cls": CLS,
    "max": MAX,
    "mean": MEAN,
    "mean_sqrt_len_tokens": SQRT_LENGTH,
    "weightedmean": WEIGHTED,
    "lasttoken": LAST,
}
_ACTIVATIONS: Final[dict[str, Callable[[F32], Any]]] = {
    "Identity": lambda x: x,
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0.0),
    "Sigmoid": expit,
    "GELU": lambda x: 0.5 * x * (1.0 + erf(x / np.sqrt(2.0))),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """A layer on a pooled vector: activation of W x + b; W is (out, in), b (out,)."""

    weight: F32
    bias: F32
    activation: str

    def __call__(self, vectors: F32) -> F32:
        """Return (N, out) of (N, in)."""
        return np.asarray(
            _ACTIVATIONS[self.activation](vectors @ self.weight.T + self.bias), np.float32
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """From a text's tokens to its vector.

    Parameters
    ----------
    modes
        How tokens are pooled; the results of several are joined.
    unit
        Whether the vector is brought to length 1.
    most
        Tokens that are read of a text.
    lower
        Whether the text is put in small letters first.
    prompt
        What is put before each text; `with_prompt` says whether its tokens are pooled, too.
    transformer
        The folder of weights and tokeniser, within the layout's.
    files
        Further files that can change a vector.
    """

    modes: tuple[str, ...] = (MEAN,)
    dense: tuple[Dense, ...] = ()
    unit: bool = True
    most: int = PLAIN_TOKENS
    lower: bool = False
    prompt: str = ""
    with_prompt: bool = True
    transformer: str = ""
    files: tuple[Path, ...] = ()

    @property
    def settings(self) -> str:
        """Everything but the files' bytes that can change a vector; part of an identity."""
        said = [*self.modes, "unit" if self.unit else "", str(self.most)]
        said += [each.activation for each in self.dense]
        said += ["lower"] if self.lower else []
        if self.prompt:
            said.append(f"after {self.prompt!r}" + ("" if self.with_prompt else " unread"))
        return " ".join(filter(None, said))


def read_recipe(folder: Path, *, prompt: str = "") -> Recipe:
    """Return what the folder says; without `modules.json` the mean token, of unit length.

    Parameters
    ----------
    prompt
        The name of one of the folder's prompts; "" is its default one, if it has any.

    Raises
    ------
    ModelRejected
        A file is missing or unreadable, or a module is of a kind that keyart does not know.
    UnknownName
        The folder has no prompt of that name.
    """
    if not (folder / MODULES).is_file():
        if prompt:
            raise UnknownName(f"{folder} has no {MODULES}, and so no prompt {prompt!r}")
        return Recipe()
    modules = _read(folder / MODULES, list[dict[str, Any]])
    found: dict[str, Any] = {"unit": False, "modes": ()}
    dense: list[Dense] = []
    files: list[Path] = []
    for at, module in enumerate(modules):
        kind = str(module.get("type", "")).rpartition(".")[2]
        path = _within(folder, str(module.get("path", "")))
        if kind == "Transformer" and at == 0:
            found |= _transformer(path, str(module.get("path", "")))
        elif kind == "Pooling" and at == 1:
            found |= _pooling(path)
        elif kind == "Dense" and at > 1:
            dense.append(_dense(path))
            files.append(path / "model.safetensors")
        elif kind == "Normalize" and at == len(modules) - 1:
            found["unit"] = True
        else:
            raise ModelRejected(f"{folder}: module {at}, {kind or 'of no kind'}, is not known here")
    if not found["modes"]:
        raise ModelRejected(f"{folder}: its {MODULES} names no pooling")
    words = _prompt(folder, prompt)
    return Recipe(**found, dense=tuple(dense), files=tuple(files), prompt=words)


def _read(path: Path, kind: Any) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelRejected(f"{path} is too large for settings")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as wrong:
        raise ModelRejected(f"{path}: {wrong}") from None


def _within(folder: Path, path: str) -> Path:
    found = (folder / path).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise ModelRejected(f"{folder}: a module's path leads out of it")
    return found


def _transformer(path: Path, name: str) -> dict[str, Any]:
    file = path / "sentence_bert_config.json"
    said = _read(file, dict[str, Any]) if file.is_file() else {}
    most = said.get("max_seq_length") or MOST_TOKENS
    if not isinstance(most, int) or most < 1:
        raise ModelRejected(f"{file}: max_seq_length is {most!r}")
    lower = bool(said.get("do_lower_case"))
    return {"most": min(most, MOST_TOKENS), "lower": lower, "transformer": name}


def _pooling(path: Path) -> dict[str, Any]:
    said = _read(path / "config.json", dict[str, Any])
    named = said.get("pooling_mode", ())
    if isinstance(named, str):
        named = (named,)
    if unknown := [each for each in named if each not in _NAMES]:
        raise ModelRejected(f"{path}: pooling {unknown[0]!r} is not known here")
    wanted = {_NAMES[each] for each in named} | {
        mode for key, mode in _MODES.items() if said.get(key)
    }
    modes = tuple(mode for mode in _MODES.values() if mode in wanted)
    return {"modes": modes, "with_prompt": bool(said.get("include_prompt", True))}


def _dense(path: Path) -> Dense:
    said = _read(path / "config.json", dict[str, Any])
    activation = str(said.get("activation_function", "Tanh")).rpartition(".")[2]
    if activation not in _ACTIVATIONS:
        raise ModelRejected(f"{path}: activation {activation!r} is not known here")
    try:
        held = load_file(path / "model.safetensors")
    except (OSError, SafetensorError) as wrong:
        raise ModelRejected(f"{path}: a dense layer is read from safetensors: {wrong}") from None
    weight = held.get("linear.weight")
    if weight is None or weight.ndim != 2:
        raise ModelRejected(f"{path}: there is no linear.weight in it")
    bias = held.get("linear.bias", np.zeros(len(weight), np.float32))
    if bias.shape != (len(weight),):
        raise ModelRejected(f"{path}: linear.bias does not fit linear.weight")
    return Dense(
        weight=weight.astype(np.float32), bias=bias.astype(np.float32), activation=activation
    )


def _prompt(folder: Path, name: str) -> str:
    file = folder / "config_sentence_transformers.json"
    said = _read(file, dict[str, Any]) if file.is_file() else {}
    prompts, asked = said.get("prompts") or {}, name or said.get("default_prompt_name")
    if not asked:
        return ""
    words = prompts.get(asked)
    if words is None:
        there = ", ".join(map(str, prompts)) or "none"
        raise UnknownName(f"{folder} has no prompt {asked!r}; it has {there}")
    if not isinstance(words, str) or len(words) > LONGEST_PROMPT:
        raise ModelRejected(f"{file}: prompt {asked!r} is no text of up to {LONGEST_PROMPT}")
    return words
