"""Several spaces read side by side, and many texts at a time."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from keyart.models.embed.protocol import FloatArray, Space

TOLD_EVERY: Final = 512
"""Texts that are encoded between two words of progress."""

Told = Callable[[int, int], None]


class SideBySide:
    """Several spaces' vectors one after the other; not of unit length."""

    def __init__(self, parts: Sequence[Space]) -> None:
        self.parts = tuple(parts)
        self.identity = "+".join(part.identity for part in parts)

    @property
    def dimensions(self) -> int:
        """The sum of the parts' widths."""
        return sum(part.dimensions for part in self.parts)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (N, sum of D)."""
        return np.hstack([part.encode(texts) for part in self.parts])


def encode_all(
    space: Space, texts: Sequence[str], told: Told = lambda done, total: None
) -> FloatArray:
    """Return (N, D), each different text encoded once; `told` hears texts done and in all."""
    unique = sorted(set(texts), key=lambda text: (len(text), text))
    parts = []
    for start in range(0, len(unique), TOLD_EVERY):
        told(start, len(unique))
        parts.append(space.encode(unique[start : start + TOLD_EVERY]))
    told(len(unique), len(unique))
    place = {text: at for at, text in enumerate(unique)}
    if not parts:
        return np.zeros((0, space.dimensions), np.float32)
    vectors: FloatArray = np.concatenate(parts)[[place[text] for text in texts]]
    return vectors
