"""The shipped space: static token embeddings, distilled from a sentence encoder by model2vec.

A text is the mean of its tokens' vectors, scaled to length 1. `README.md` beside the weights says
how they were made (Tulkens and van Dongen, Model2Vec, 2024).
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from model2vec import StaticModel
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from keyart.models.embed.protocol import FloatArray, cut, identity_of, unit_rows
from keyart.schemas.errors import ModelRejected

SHIPPED: Final = Path(__file__).with_name("static")
FILES: Final = ("model.safetensors", "tokenizer.json", "config.json")
EMBEDDINGS: Final = "embeddings"
"""What model2vec calls them in the file."""
MAX_TOKENS: Final = 512


class StaticSpace:
    """Static embeddings from a folder that model2vec wrote; by default the shipped one.

    Token vectors are whole numbers (int8), so sums are exact and a text's vector has the same bits
    alone or in a batch. Safe to use from several threads: nothing is changed after loading.

    Parameters
    ----------
    folder
        Holds `model.safetensors` (V, D) int8, `tokenizer.json` and `config.json`.

    Raises
    ------
    ModelRejected
        A file is missing, or the embeddings are not int8.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        files = [folder / name for name in FILES]
        for path in files:
            if not path.is_file():
                raise ModelRejected(f"a static space needs {path}")
        vectors = load_file(files[0]).get(EMBEDDINGS)
        if vectors is None or vectors.dtype != np.int8:
            raise ModelRejected(f"{files[0]}: embeddings must be int8")
        # Not `from_pretrained`, which brings the client of a hub along: a third of a second of
        # every start. The length is settled here, once: model2vec's own encode() sets it on the
        # shared tokeniser at each call, which two threads may not do at the same time.
        self._model = StaticModel(
            vectors, Tokenizer.from_file(str(files[1])), max_length=MAX_TOKENS
        )
        self._tokens = vectors
        self._identity = identity_of(f"static mean unit {MAX_TOKENS}", files)

    @property
    def identity(self) -> str:
        """The digest of weights, tokeniser, configuration and vocabulary."""
        return self._identity

    @property
    def dimensions(self) -> int:
        """The width D of a vector."""
        return int(self._tokens.shape[1])

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return the texts' vectors, shape (N, D), float32, of unit length."""
        ids = self._model.tokenize(cut(texts))
        lengths = np.fromiter(map(len, ids), np.intp, len(ids))
        flat = np.fromiter(chain.from_iterable(ids), np.intp, int(lengths.sum()))
        sums = np.zeros((len(ids), self.dimensions), np.int64)
        known = lengths > 0
        if flat.size:
            starts = (np.cumsum(lengths) - lengths)[known]
            sums[known] = np.add.reduceat(self._tokens[flat], starts, axis=0, dtype=np.int64)
        return unit_rows(sums)
