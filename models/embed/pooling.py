"""A neural encoder's texts as vectors: tokens, batches of one length, and a recipe's pooling.

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

from keyart.models.embed.layout import CLS, LAST, MAX, MEAN, SQRT_LENGTH, Recipe
from keyart.models.embed.protocol import FloatArray, cut, unit_rows
from keyart.schemas.errors import MissingExtra, ModelRejected

TOGETHER: Final = 32
"""Texts of one length that are encoded in one pass."""

Hidden = Callable[[NDArray[np.int64]], FloatArray]
"""From token ids, (N, L), all of them text, to the last hidden state, (N, L, H), or a graph's own
pooled vectors, (N, H)."""


class PooledEncoder:
    """Tokens, batches of one length, pooling, dense layers.

    Parameters
    ----------
    folder
        Holds `tokenizer.json` and what `load` reads.
    load
        From the folder to the encoder.
    recipe
        From its tokens to a vector.

    Raises
    ------
    ModelRejected
        There is no tokeniser.
    """

    def __init__(
        self, folder: Path, load: Callable[[Path], Hidden], recipe: Recipe | None = None
    ) -> None:
        self._recipe = recipe or Recipe()
        tokeniser = folder / "tokenizer.json"
        if not tokeniser.is_file():
            raise ModelRejected(f"the encoder in {folder} has no tokenizer.json")
        # tokenizers comes with model2vec, so it is always there.
        self._tokeniser = importlib.import_module("tokenizers").Tokenizer.from_file(str(tokeniser))
        self._tokeniser.no_padding()
        self._tokeniser.enable_truncation(self._recipe.most)
        self._skip = 0 if self._recipe.with_prompt else self._prompt_tokens()
        self._hidden = load(folder)
        self.width = int(self.encode(["one"])[0].shape[1])

    def encode(self, texts: Sequence[str]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return vectors (N, W), and which texts had anything in them (N,); the rest are 0."""
        known = np.array([bool(text.strip()) for text in texts], np.bool_)
        said = [self._recipe.prompt + text for text in cut(texts)]
        if self._recipe.lower:
            said = [text.lower() for text in said]
        ids = [encoding.ids for encoding in self._tokeniser.encode_batch(said)]
        order = sorted((at for at in range(len(ids)) if known[at]), key=lambda at: len(ids[at]))
        made: list[FloatArray] = []
        for _, group in itertools.groupby(order, key=lambda at: len(ids[at])):
            members = list(group)
            for start in range(0, len(members), TOGETHER):
                some = members[start : start + TOGETHER]
                made.append(self._vectors(np.array([ids[at] for at in some], np.int64)))
        if not made:
            return np.zeros((len(ids), self.width), np.float32), known
        found = np.zeros((len(ids), made[0].shape[1]), np.float32)
        found[order] = np.concatenate(made)
        return found, known

    def _vectors(self, ids: NDArray[np.int64]) -> FloatArray:
        vectors = pooled(self._hidden(ids), self._recipe.modes, skip=self._skip)
        for layer in self._recipe.dense:
            if vectors.shape[1] != layer.weight.shape[1]:
                raise ModelRejected(f"a dense layer takes {layer.weight.shape[1]} numbers")
            vectors = layer(vectors)
        return unit_rows(vectors) if self._recipe.unit else vectors

    def _prompt_tokens(self) -> int:
        """Return how many tokens the prompt has, without the one that ends a text."""
        found = self._tokeniser.encode(self._recipe.prompt)
        ends = found.special_tokens_mask[-1:] == [1]
        return len(found.ids) - ends if self._recipe.prompt else 0


def pooled(hidden: FloatArray, modes: Sequence[str], *, skip: int = 0) -> FloatArray:
    """Return (N, H times the modes) of (N, L, H), all of it text; (N, H) is pooled already.

    Parameters
    ----------
    skip
        Tokens at the start, a prompt's, that are left out; the last one of a text never is.
    """
    if hidden.ndim == 2:
        return hidden
    read = hidden[:, min(skip, hidden.shape[1] - 1) :]
    found = []
    for mode in modes:
        if mode == CLS:
            found.append(hidden[:, 0])
        elif mode == MAX:
            found.append(read.max(axis=1))
        elif mode == MEAN:
            found.append(read.mean(axis=1))
        elif mode == SQRT_LENGTH:
            found.append(read.sum(axis=1) / np.float32(np.sqrt(read.shape[1])))
        elif mode == LAST:
            found.append(read[:, -1])
        else:  # weighted: the later a token, the more it has read (Muennighoff 2022, SGPT)
            place = np.arange(1, hidden.shape[1] + 1, dtype=np.float32)[-read.shape[1] :]
            found.append(np.einsum("nlh,l->nh", read, place / place.sum()))
    return np.concatenate(found, axis=1).astype(np.float32)


def load_hugging_face(folder: Path) -> Hidden:
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

    def hidden(ids: NDArray[np.int64]) -> FloatArray:
        tokens = torch.from_numpy(ids)
        with torch.inference_mode():
            found = model(input_ids=tokens, attention_mask=torch.ones_like(tokens))[0]
        states: FloatArray = found.float().numpy()
        return states

    return hidden


def load_onnx(folder: Path) -> Hidden:
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

    def hidden(ids: NDArray[np.int64]) -> FloatArray:
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        fed = {name: value for name, value in inputs.items() if name in wanted}
        first: FloatArray = session.run(None, fed)[0]
        return first

    return hidden
