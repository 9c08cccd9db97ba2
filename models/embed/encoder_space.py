"""Other spaces by setting: a Hugging Face encoder, or one exported to ONNX.

Both pool by the mean over the tokens that are text (`pooling`). The first `TASTE_DIMENSIONS`
dimensions must carry taste: wider encoders are turned so that the directions which tell the named
interests apart come first, and cut to `WIDTH` (principal components of the vocabulary).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.concepts import read_vocabulary
from keyart.models.embed.pooling import (
    MAX_TOKENS,
    Pool,
    PooledEncoder,
    load_hugging_face,
    load_onnx,
)
from keyart.models.embed.protocol import FloatArray, identity_of, unit_rows
from keyart.schemas.errors import ModelRejected
from keyart.schemas.taste import TASTE_DIMENSIONS

WIDTH: Final = 128


class EncoderSpace:
    """A neural encoder as a space: tokens, batches of one length, the turn to `WIDTH` dimensions.

    Alone or in a batch a text has the same vector, to floating-point rounding.

    Parameters
    ----------
    folder
        Holds `tokenizer.json` and the weights.
    kind
        `hf` or `onnx`; part of the identity.
    weights
        The files whose bytes are part of the identity.
    load
        From the folder to the encoder.

    Raises
    ------
    ModelRejected
        A file is missing, or the encoder is narrower than taste needs.
    """

    def __init__(
        self, *, folder: Path, kind: str, weights: Sequence[Path], load: Callable[[Path], Pool]
    ) -> None:
        tokeniser = folder / "tokenizer.json"
        for path in (tokeniser, *weights):
            if not path.is_file():
                raise ModelRejected(f"the space {kind}:{folder} needs {path.name}")
        configs = [path for path in (folder / "config.json",) if path.is_file()]
        settings = f"{kind} mean unit {MAX_TOKENS} pca {WIDTH}"
        self._identity = identity_of(settings, [*weights, tokeniser, *configs])
        self._encoder = PooledEncoder(folder, load)
        self._centre, self._turn = self._turned()

    @property
    def identity(self) -> str:
        """The digest of weights, tokeniser, configuration, pooling and vocabulary."""
        return self._identity

    @property
    def dimensions(self) -> int:
        """The width D: the encoder's own, at most `WIDTH`."""
        return int(self._turn.shape[1])

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return the texts' vectors, shape (N, D), float32, of unit length."""
        pooled, known = self._encoder.encode(texts)
        turned = (pooled - self._centre) @ self._turn
        turned[~known] = 0
        return unit_rows(turned)

    def _turned(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the centre, (H,), and the principal axes, (H, D), of the vocabulary's vectors."""
        told, _ = self._encoder.encode([f"{name}: {words}" for name, words in read_vocabulary()])
        vectors = told.astype(np.float64)
        if vectors.shape[1] < TASTE_DIMENSIONS:
            raise ModelRejected(
                f"an encoder of {vectors.shape[1]} dimensions; taste needs {TASTE_DIMENSIONS}"
            )
        centre = vectors.mean(axis=0)
        axes = np.linalg.eigh((vectors - centre).T @ (vectors - centre))[1][:, ::-1][:, :WIDTH]
        # An eigenvector's sign is free; fix it, so that every machine has the same one.
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        return centre, np.ascontiguousarray(axes * signs)


def hugging_face_space(folder: Path) -> EncoderSpace:
    """Return the space of a Hugging Face folder: config.json, tokenizer.json, *.safetensors.

    Only safetensors are read, and no code from the folder is run.

    Raises
    ------
    MissingExtra
        torch or transformers is not installed.
    ModelRejected
        A file is missing, or the encoder is narrower than taste needs.
    """
    weights = sorted(folder.glob("*.safetensors")) or [folder / "model.safetensors"]
    return EncoderSpace(folder=folder, kind="hf", weights=weights, load=load_hugging_face)


def onnx_space(folder: Path) -> EncoderSpace:
    """Return the space of an exported encoder: a folder with model.onnx and tokenizer.json.

    The graph takes `input_ids` and, if it wants them, `attention_mask` and `token_type_ids`, int64
    (N, L); its first output is either the last hidden state (N, L, H) or pooled vectors (N, H).

    Raises
    ------
    MissingExtra
        onnxruntime is not installed.
    ModelRejected
        A file is missing, the graph wants other inputs, or it is narrower than taste needs.
    """
    beside = sorted([*folder.glob("*.onnx.data"), *folder.glob("*.onnx_data")])
    weights = [folder / "model.onnx", *beside]
    return EncoderSpace(folder=folder, kind="onnx", weights=weights, load=load_onnx)
