"""Other spaces by setting: a Hugging Face encoder, or one exported to ONNX.

Both pool by the mean over the tokens that are text. A text's vector is computed at its own length,
never padded, so that it does not depend on the texts encoded with it. The first `TASTE_DIMENSIONS`
dimensions must carry taste: wider encoders are turned so that the directions which tell the named
interests apart come first, and cut to `WIDTH` (principal components of the vocabulary).
"""

import importlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.space.concepts import read_vocabulary
from keyart.models.space.protocol import FloatArray, cut, identity_of, unit_rows
from keyart.schemas.errors import MissingExtra, ModelRejected
from keyart.schemas.taste import TASTE_DIMENSIONS

WIDTH: Final = 128
MAX_TOKENS: Final = 256
TOGETHER: Final = 32
"""Texts of one length that are encoded in one pass."""

Pool = Callable[[NDArray[np.int64]], FloatArray]
"""From token ids, (N, L), all of them text, to pooled vectors, (N, H)."""


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
        # tokenizers comes with model2vec, so it is always there.
        self._tokeniser = importlib.import_module("tokenizers").Tokenizer.from_file(str(tokeniser))
        self._tokeniser.no_padding()
        self._tokeniser.enable_truncation(MAX_TOKENS)
        self._pool = load(folder)
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
        pooled, known = self._pooled(texts)
        turned = (pooled - self._centre) @ self._turn
        turned[~known] = 0
        return unit_rows(turned)

    def _pooled(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return pooled unit vectors, (N, H), and which texts had anything in them, (N,)."""
        known = np.array([bool(text.strip()) for text in texts], np.bool_)
        encodings = self._tokeniser.encode_batch(cut(texts))
        ids = [encoding.ids for encoding in encodings]
        order = sorted((at for at in range(len(ids)) if known[at]), key=lambda at: len(ids[at]))
        pooled: NDArray[np.float64] | None = None
        for _, group in itertools.groupby(order, key=lambda at: len(ids[at])):
            members = list(group)
            for start in range(0, len(members), TOGETHER):
                some = members[start : start + TOGETHER]
                vectors = self._pool(np.array([ids[at] for at in some], np.int64))
                if pooled is None:
                    pooled = np.zeros((len(ids), vectors.shape[1]))
                pooled[some] = unit_rows(vectors)
        if pooled is None:
            pooled = np.zeros((len(ids), len(self._centre)))
        return pooled, known

    def _turned(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the centre, (H,), and the principal axes, (H, D), of the vocabulary's vectors."""
        vectors, _ = self._pooled([f"{name}: {words}" for name, words in read_vocabulary()])
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
    return EncoderSpace(folder=folder, kind="hf", weights=weights, load=_load_hugging_face)


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
    return EncoderSpace(folder=folder, kind="onnx", weights=weights, load=_load_onnx)


def _load_hugging_face(folder: Path) -> Pool:
    try:
        torch: Any = importlib.import_module("torch")
        transformers: Any = importlib.import_module("transformers")
    except ImportError as missing:
        raise MissingExtra("llm", "a Hugging Face encoder as space") from missing
    model = transformers.AutoModel.from_pretrained(
        str(folder), use_safetensors=True, local_files_only=True, trust_remote_code=False
    )
    model.eval()

    def pool(ids: NDArray[np.int64]) -> FloatArray:
        tokens = torch.from_numpy(ids)
        with torch.inference_mode():
            hidden = model(input_ids=tokens, attention_mask=torch.ones_like(tokens))[0]
        pooled: FloatArray = hidden.mean(dim=1).float().numpy()  # (N, L, H) -> (N, H)
        return pooled

    return pool


def _load_onnx(folder: Path) -> Pool:
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except ImportError as missing:
        raise MissingExtra("onnx", "an ONNX encoder as space") from missing
    session = runtime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    wanted = {each.name for each in session.get_inputs()}
    if extra := wanted - {"input_ids", "attention_mask", "token_type_ids"}:
        raise ModelRejected(f"the graph wants inputs nobody has: {', '.join(sorted(extra))}")

    def pool(ids: NDArray[np.int64]) -> FloatArray:
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        fed = {name: value for name, value in inputs.items() if name in wanted}
        first: FloatArray = session.run(None, fed)[0]
        return first.mean(axis=1) if first.ndim == 3 else first

    return pool
