"""A neural encoder's texts as vectors: the mean over the tokens that are text, of unit length.

A text's vector is computed at its own length, never padded, so that it does not depend on the texts
encoded with it, to floating-point rounding.
"""

import importlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.protocol import FloatArray, cut, unit_rows
from keyart.schemas.errors import MissingExtra, ModelRejected

MAX_TOKENS: Final = 256
TOGETHER: Final = 32
"""Texts of one length that are encoded in one pass."""

Pool = Callable[[NDArray[np.int64]], FloatArray]
"""From token ids, (N, L), all of them text, to pooled vectors, (N, H)."""


class PooledEncoder:
    """Tokens, batches of one length, and the mean.

    Parameters
    ----------
    folder
        Holds `tokenizer.json` and what `load` reads.
    load
        From the folder to the encoder.

    Raises
    ------
    ModelRejected
        There is no tokeniser.
    """

    def __init__(self, folder: Path, load: Callable[[Path], Pool]) -> None:
        tokeniser = folder / "tokenizer.json"
        if not tokeniser.is_file():
            raise ModelRejected(f"the encoder in {folder} has no tokenizer.json")
        # tokenizers comes with model2vec, so it is always there.
        self._tokeniser = importlib.import_module("tokenizers").Tokenizer.from_file(str(tokeniser))
        self._tokeniser.no_padding()
        self._tokeniser.enable_truncation(MAX_TOKENS)
        self._pool = load(folder)
        one = self._tokeniser.encode("one").ids
        self.width = int(self._pool(np.array([one], np.int64)).shape[1])

    def encode(self, texts: Sequence[str]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return unit vectors (N, H), and which texts had anything in them (N,); the rest are 0."""
        known = np.array([bool(text.strip()) for text in texts], np.bool_)
        ids = [encoding.ids for encoding in self._tokeniser.encode_batch(cut(texts))]
        order = sorted((at for at in range(len(ids)) if known[at]), key=lambda at: len(ids[at]))
        pooled = np.zeros((len(ids), self.width), np.float32)
        for _, group in itertools.groupby(order, key=lambda at: len(ids[at])):
            members = list(group)
            for start in range(0, len(members), TOGETHER):
                some = members[start : start + TOGETHER]
                pooled[some] = unit_rows(self._pool(np.array([ids[at] for at in some], np.int64)))
        return pooled, known


def load_hugging_face(folder: Path) -> Pool:
    """Return the encoder of a Hugging Face folder; only safetensors are read, and no code run."""
    try:
        torch: Any = importlib.import_module("torch")
        transformers: Any = importlib.import_module("transformers")
    except ImportError as missing:
        raise MissingExtra("llm", "a Hugging Face encoder as space") from missing
    transformers.utils.logging.disable_progress_bar()
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


def load_onnx(folder: Path) -> Pool:
    """Return the encoder of a folder with model.onnx; what it takes says `onnx_space`."""
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
