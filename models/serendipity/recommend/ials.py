"""iALS (Hu, Koren & Volinsky 2008): titles and viewers as factors of implicit engagement."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import sparse

from keyart.models.serendipity.world import Floats, Ints, World

FACTORS: Final = 48
ROUNDS: Final = 8
PENALTY: Final = 8.0
CONFIDENCE: Final = 12.0
"""What an engagement weighs beside the 1 of everything not engaged with."""
_CHUNK: Final = 512


class Ials:
    """Factors of titles, and the way of a viewer's titles to theirs.

    Parameters
    ----------
    engaged
        (V, T), 1 where a viewer engaged.
    seed
        Of the starting factors.
    """

    name = "ials"

    def __init__(self, engaged: sparse.csr_matrix, *, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.titles: Floats = rng.normal(0.0, 0.1, (engaged.shape[1], FACTORS))
        across = sparse.csr_matrix(engaged.T)
        for _ in range(ROUNDS):
            viewers = _solve(engaged, self.titles)
            self.titles = _solve(across, viewers)

    def scores(self, engaged: sparse.csr_matrix) -> Floats:
        """Return (N, T) for viewers by what they engaged with, (N, T)."""
        made: Floats = _solve(engaged, self.titles) @ self.titles.T
        return made


def engaged_rows(viewers: Ints, titles: Ints, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return a matrix with 1 at each (viewer, title)."""
    return sparse.csr_matrix((np.ones(len(viewers)), (viewers, titles)), shape)


def engaged_by(world: World, labels: Ints, viewers: Sequence[int]) -> sparse.csr_matrix:
    """Return what these viewers engaged with, (V, T), titles in a cluster only."""
    place = np.full(len(world.viewers), -1, np.int64)
    place[list(viewers)] = np.arange(len(viewers))
    mine = (place[world.viewer] >= 0) & (labels[world.title] >= 0)
    shape = (len(viewers), len(world.titles))
    return engaged_rows(place[world.viewer[mine]], world.title[mine], shape)


def _solve(engaged: sparse.csr_matrix, others: Floats) -> Floats:
    """Return the factors of the rows, given those of the columns (equation 4)."""
    width = others.shape[1]
    base = others.T @ others + PENALTY * np.eye(width)
    made = np.zeros((engaged.shape[0], width))
    starts = engaged.indptr
    for first in range(0, len(made), _CHUNK):
        last = min(first + _CHUNK, len(made))
        systems = np.tile(base, (last - first, 1, 1))
        sums = np.zeros((last - first, width))
        for row in range(first, last):
            its = others[engaged.indices[starts[row] : starts[row + 1]]]
            systems[row - first] += CONFIDENCE * (its.T @ its)
            sums[row - first] = (1.0 + CONFIDENCE) * its.sum(axis=0)
        made[first:last] = np.linalg.solve(systems, sums[:, :, None])[:, :, 0]
    return made
