"""Neural encoders as spaces: a Hugging Face folder, a layout of sentence-transformers, a graph."""

from collections.abc import Callable, Sequence
from pathlib import Path

from keyart.models.embed.layout import MODULES, Recipe, read_recipe
from keyart.models.embed.pooling import Hidden, PooledEncoder, load_hugging_face, load_onnx
from keyart.models.embed.protocol import FloatArray, identity_of
from keyart.schemas.errors import ModelRejected


class NeuralSpace:
    """An encoder's vectors as they are, of the width that it has.

    Alone or in a batch a text has the same vector, to floating-point rounding.

    Parameters
    ----------
    folder
        Holds `tokenizer.json` and the weights.
    kind
        `hf`, `st` or `onnx`.
    weights
        The files whose bytes, beside tokeniser, settings and recipe, are the identity.
    load
        From the folder to the encoder.
    recipe
        From its tokens to a vector.

    Raises
    ------
    ModelRejected
        A file is missing.
    """

    def __init__(
        self,
        *,
        folder: Path,
        kind: str,
        weights: Sequence[Path],
        load: Callable[[Path], Hidden],
        recipe: Recipe | None = None,
    ) -> None:
        recipe = recipe or Recipe()
        self.kind = kind
        self.settings = recipe.settings
        self.tokeniser, self.config = folder / "tokenizer.json", folder / "config.json"
        self.weights = [*weights, *recipe.files]
        needed = [self.tokeniser, *self.weights]
        for path in needed if kind == "onnx" else [*needed, self.config]:
            if not path.is_file():
                raise ModelRejected(f"the encoder in {folder} needs {path.name}")
        files = [path for path in (self.config, self.tokeniser) if path.is_file()]
        self._identity = identity_of(self.settings, [*files, *self.weights])
        self._encoder = PooledEncoder(folder, load, recipe)

    @property
    def identity(self) -> str:
        """The digest of weights, tokeniser, configuration and recipe."""
        return self._identity

    @property
    def dimensions(self) -> int:
        """The width D of a vector."""
        return self._encoder.width

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (N, D) float32; of unit length unless the folder's layout says otherwise."""
        return self._encoder.encode(texts)[0]


def hugging_face(folder: Path) -> NeuralSpace:
    """Return the mean token of a folder: config.json, tokenizer.json, *.safetensors.

    Only safetensors are read, and no code from the folder is run.

    Raises
    ------
    MissingExtra
        torch or transformers is not installed.
    ModelRejected
        A file is missing.
    """
    return NeuralSpace(folder=folder, kind="hf", weights=_weights(folder), load=load_hugging_face)


def sentence_transformer(folder: Path, *, prompt: str = "") -> NeuralSpace:
    """Return the encoder of a folder in the layout of sentence-transformers.

    Parameters
    ----------
    prompt
        The name of one of its prompts, put before each text; "" for its default one, if any.

    Raises
    ------
    MissingExtra
        torch or transformers is not installed.
    ModelRejected
        It has no `modules.json`, a file is missing, or a module is not known here.
    UnknownName
        It has no prompt of that name.
    """
    if not (folder / MODULES).is_file():
        raise ModelRejected(f"{folder} has no {MODULES}: it is no layout of sentence-transformers")
    recipe = read_recipe(folder, prompt=prompt)
    inner = folder / recipe.transformer
    return NeuralSpace(
        folder=inner, kind="st", weights=_weights(inner), load=load_hugging_face, recipe=recipe
    )


def onnx_graph(folder: Path) -> NeuralSpace:
    """Return an exported encoder: a folder with model.onnx and tokenizer.json.

    The graph takes `input_ids` and, if it wants them, `attention_mask` and `token_type_ids`, int64
    (N, L); its first output is either the last hidden state (N, L, H) or pooled vectors (N, H).

    Raises
    ------
    MissingExtra
        onnxruntime is not installed.
    ModelRejected
        A file is missing, or the graph wants other inputs.
    """
    beside = sorted([*folder.glob("*.onnx.data"), *folder.glob("*.onnx_data")])
    weights = [folder / "model.onnx", *beside]
    return NeuralSpace(folder=folder, kind="onnx", weights=weights, load=load_onnx)


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) or [folder / "model.safetensors"]
