"""Item-item ridge over clusters, in closed form (EASE: Steck 2019, 1905.03375, equation 8)."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from keyart.models.serendipity.histories import History, counts_of
from keyart.models.serendipity.memory import Memory
from keyart.models.serendipity.world import Floats

PENALTY: Final = 0.3
"""Times the number of viewers who teach: what an explaining away must be worth."""


class Ridge:
    """Explains each cluster's depth by the other clusters' depths, all at once.

    Unlike co-occurrence it counts nothing twice: a cluster that merely goes along with another
    explains nothing of its own. Depth is log(1 + titles), so a passing visit speaks softly.
    """

    name = "ridge"

    def __init__(self, memory: Memory, *, penalty: float = PENALTY) -> None:
        self.weights: Floats = weights_of(memory, penalty=penalty)

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K): what is expected, for the root of the history's own depth."""
        deep = np.log1p(counts_of(histories, len(self.weights)))
        return in_proportion(deep @ self.weights, deep)


def weights_of(memory: Memory, *, penalty: float = PENALTY) -> Floats:
    """Return what explains each cluster's depth, (K, K), the explaining one first; 0 of itself."""
    deep = np.log1p(memory.depth)
    gram = deep.T @ deep
    gram[np.diag_indices_from(gram)] += penalty * len(deep) + 1.0
    inverse = np.linalg.inv(gram)
    weights: Floats = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


def in_proportion(expected: Floats, deep: Floats) -> Floats:
    """Return what is expected for the root of the history's own depth, both (N, K)."""
    made: Floats = expected / np.sqrt(deep.sum(axis=1, keepdims=True))
    return made
