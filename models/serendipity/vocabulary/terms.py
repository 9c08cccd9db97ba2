"""What is said of titles, as vectors: terms weighed by rarity, then projected.

Salton & Buckley 1988 (TF-IDF, logarithmic counts, cosine normalised); Deerwester et al. 1990.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

from keyart.models.serendipity.world import Floats, Ints
from keyart.schemas.errors import InvalidRecord

DIMENSIONS: Final = 64
LEAST_TITLES: Final = 2
"""A term that fewer titles have groups nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The way from terms to a vector.

    Attributes
    ----------
    terms
        T terms.
    rarity
        (T,) what each weighs.
    axes
        (T, D).
    """

    terms: tuple[str, ...]
    rarity: Floats
    axes: Floats

    def weigh(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return (N, T) counts as weights, rows of unit length; rows without a term stay zero."""
        weighed = counts.astype(np.float64)
        weighed.data = 1.0 + np.log(weighed.data)
        weighed = sparse.csr_matrix(weighed @ sparse.diags(self.rarity))
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        lengths[lengths == 0.0] = 1.0
        return sparse.csr_matrix(sparse.diags(1.0 / lengths) @ weighed)

    def place(self, counts: sparse.csr_matrix) -> Floats:
        """Return (N, T) counts as vectors, (N, D), of unit length, or of zeros."""
        return unit(np.asarray(self.weigh(counts) @ self.axes))


def unit(rows: NDArray[np.float64]) -> Floats:
    """Return the rows at unit length; rows of zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    made: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)
    return made


def count_terms(said_of: Ints, said: Ints, *, titles: int, terms: int) -> sparse.csr_matrix:
    """Return how often each term was said of each title, (titles, terms)."""
    ones = np.ones(len(said))
    return sparse.csr_matrix((ones, (said_of, said)), (titles, terms))


def fit_projection(
    counts: sparse.csr_matrix, names: tuple[str, ...], *, dimensions: int = DIMENSIONS
) -> tuple[Projection, Ints]:
    """Return a projection that keeps most of the titles' differences, and the terms it reads.

    Parameters
    ----------
    counts
        (N, T'), over all terms.
    names
        The T' terms.

    Raises
    ------
    InvalidRecord
        No two titles share a term.
    """
    told = np.asarray((counts > 0).sum(axis=0)).ravel()
    kept = np.flatnonzero(told >= LEAST_TITLES)
    if not len(kept):
        raise InvalidRecord("no two titles have a term in common: there is nothing to group by")
    some = sparse.csr_matrix(counts[:, kept])
    described = int((np.asarray(some.sum(axis=1)).ravel() > 0).sum())
    rarity = np.log((described + 1.0) / (told[kept] + 1.0)) + 1e-3
    bare = Projection(
        terms=tuple(names[at] for at in kept), rarity=rarity, axes=np.zeros((len(kept), 0))
    )
    weighed = bare.weigh(some)
    most = min(weighed.shape) - 1
    if most >= dimensions:
        start = np.ones(min(weighed.shape))
        _, _, axes = svds(weighed, dimensions, v0=start, random_state=0)
        made: Floats = np.ascontiguousarray(axes.T)
    else:
        made = np.linalg.svd(weighed.toarray(), full_matrices=False)[2].T
    return Projection(terms=bare.terms, rarity=rarity, axes=made), kept
