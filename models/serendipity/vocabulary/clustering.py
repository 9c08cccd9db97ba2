"""Spherical k-means (Dhillon & Modha 2001), started apart (Arthur & Vassilvitskii 2007)."""

from typing import Final

import numpy as np

from keyart.models.serendipity.vocabulary.terms import unit
from keyart.models.serendipity.world import Floats, Ints

ROUNDS: Final = 60


def cluster(vectors: Floats, clusters: int, *, seed: int = 0) -> Floats:
    """Return the centres of groups of unit vectors.

    Parameters
    ----------
    vectors
        (N, D), of unit length.
    clusters
        K, at most as many as there are distinct vectors; fewer are made otherwise.

    Returns
    -------
    (K', D), of unit length, none of them without a vector. The same vectors give the same centres.
    """
    rng = np.random.default_rng(seed)
    centres = _apart(vectors, clusters, rng)
    labels = nearest(vectors, centres)
    for _ in range(ROUNDS):
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, vectors)
        empty = np.flatnonzero(np.bincount(labels, minlength=len(centres)) == 0)
        if len(empty):
            # an empty group takes the vectors that fit worst where they are
            fit = np.einsum("nd,nd->n", vectors, centres[labels])
            sums[empty] = vectors[np.argsort(fit, kind="stable")[: len(empty)]]
        centres = unit(sums)
        before, labels = labels, nearest(vectors, centres)
        if (before == labels).all():
            break
    held = np.bincount(labels, minlength=len(centres)) > 0
    kept: Floats = centres[held]
    return kept


def nearest(vectors: Floats, centres: Floats) -> Ints:
    """Return the index of each vector's nearest centre, (N,)."""
    found: Ints = (vectors @ centres.T).argmax(axis=1).astype(np.int64)
    return found


def _apart(vectors: Floats, clusters: int, rng: np.random.Generator) -> Floats:
    """Return starting centres: each drawn by its squared distance to those drawn before."""
    first = int(rng.integers(len(vectors)))
    chosen = [first]
    far = np.maximum(1.0 - vectors @ vectors[first], 0.0)
    while len(chosen) < clusters:
        if (total := far.sum()) <= 1e-9 * len(vectors):
            break
        at = int(np.searchsorted(np.cumsum(far), rng.random() * total))
        chosen.append(min(at, len(vectors) - 1))
        far = np.minimum(far, np.maximum(1.0 - vectors @ vectors[chosen[-1]], 0.0))
    return vectors[chosen]
