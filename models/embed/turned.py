"""A neural encoder as the space that tastes live in: turned, and cut.

The first `TASTE_DIMENSIONS` dimensions must carry taste: wider encoders are turned so that the
directions which tell the named interests apart come first, and cut to `WIDTH` (principal components
of the vocabulary).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.concepts import read_vocabulary
from keyart.models.embed.neural import NeuralSpace
from keyart.models.embed.protocol import FloatArray, identity_of, unit_rows
from keyart.schemas.errors import ModelRejected
from keyart.schemas.taste import TASTE_DIMENSIONS

WIDTH: Final = 128


class TurnedSpace:
    """An encoder's vectors, turned to at most `WIDTH` dimensions, of unit length.

    Raises
    ------
    ModelRejected
        The encoder is narrower than taste needs.
    """

    def __init__(self, encoder: NeuralSpace) -> None:
        self._encoder = encoder
        configs = [encoder.config] if encoder.config.is_file() else []
        settings = f"{encoder.kind} {encoder.settings} pca {WIDTH}"
        files = [*encoder.weights, encoder.tokeniser, *configs]
        self._identity = identity_of(settings, files)
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
        vectors = unit_rows(self._encoder.encode(texts))
        turned = (vectors - self._centre) @ self._turn
        turned[~vectors.any(axis=1)] = 0
        return unit_rows(turned)

    def _turned(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the centre, (H,), and the principal axes, (H, D), of the vocabulary's vectors."""
        told = self._encoder.encode([f"{name}: {words}" for name, words in read_vocabulary()])
        vectors = unit_rows(told).astype(np.float64)
        if vectors.shape[1] < TASTE_DIMENSIONS:
            raise ModelRejected(
                f"an encoder of {vectors.shape[1]} dimensions; taste needs {TASTE_DIMENSIONS}"
            )
        centre = vectors.mean(axis=0)
        axes = np.linalg.eigh((vectors - centre).T @ (vectors - centre))[1][:, ::-1][:, :WIDTH]
        # An eigenvector's sign is free; fix it, so that every machine has the same one.
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        return centre, np.ascontiguousarray(axes * signs)
