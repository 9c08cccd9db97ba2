"""A vocabulary of interest clusters: frozen, with an identity, each with a name of its own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy import sparse

from keyart.models.serendipity.vocabulary.clustering import cluster, nearest
from keyart.models.serendipity.vocabulary.terms import (
    DIMENSIONS,
    Projection,
    count_terms,
    fit_projection,
)
from keyart.models.serendipity.world import MOST_CLUSTERS, Floats, Ints
from keyart.schemas.errors import InvalidRecord

NOWHERE: Final = -1
KEYWORDS: Final = 5
LEAST_WORDS: Final = 2
"""A name has so many keywords at least, and more where they are needed to tell it apart."""


class Report(NamedTuple):
    """What a vocabulary does with titles.

    `coverage` is the share of titles that are in a cluster, `entropy` that of the sizes in bits
    (log2 of the number of clusters when all are of one size).
    """

    clusters: int
    smallest: int
    median: float
    largest: int
    coverage: float
    entropy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Named clusters and the way of a title to its own.

    Attributes
    ----------
    projection
        From terms to vectors of D.
    centres
        (K, D), of unit length.
    names
        K names, no two alike: the leading keywords, as many as tell it apart.
    keywords
        K times up to 5 terms that the cluster's titles have more than others do.
    """

    projection: Projection
    centres: Floats
    names: tuple[str, ...]
    keywords: tuple[tuple[str, ...], ...]

    @property
    def identity(self) -> str:
        """16 hex digits over all that can change where a title falls, and what it is called."""
        digest = hashlib.blake2b(digest_size=8)
        for part in (*self.projection.terms, "\x00", *self.names):
            digest.update(part.encode() + b"\x1f")
        for rows in (self.projection.rarity, self.projection.axes, self.centres):
            digest.update(np.ascontiguousarray(rows, np.float64).tobytes())
        return digest.hexdigest()

    def vectors(self, counts: sparse.csr_matrix) -> Floats:
        """Return titles, (N, T) counts of the projection's terms, as vectors (N, D)."""
        return self.projection.place(counts)

    def labels(self, vectors: Floats) -> Ints:
        """Return each vector's cluster, (N,); `NOWHERE` for one of zeros."""
        found = nearest(vectors, self.centres)
        found[~vectors.any(axis=1)] = NOWHERE
        return found

    def count(self, titles: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """Return the terms of titles as counts, (N, T); unknown terms are passed over."""
        place = {term: at for at, term in enumerate(self.projection.terms)}
        pairs = [
            (row, place[term]) for row, said in enumerate(titles) for term in said if term in place
        ]
        both = np.array(pairs, np.int64).reshape(-1, 2)
        return count_terms(both[:, 0], both[:, 1], titles=len(titles), terms=len(place))


def build_vocabulary(
    said_of: Ints,
    said: Ints,
    *,
    titles: int,
    terms: tuple[str, ...],
    clusters: int,
    seed: int = 0,
    dimensions: int = DIMENSIONS,
) -> tuple[Vocabulary, Floats, Ints]:
    """Return a vocabulary of these sayings, with the titles' vectors (N, D) and clusters (N,).

    Parameters
    ----------
    said_of, said
        (M,) title and term of each saying.
    clusters
        How many to make, 2 to 2,000; fewer come of fewer distinct titles.

    Raises
    ------
    InvalidRecord
        The number is out of bounds, or no two titles share a term.
    """
    if not 2 <= clusters <= MOST_CLUSTERS:
        raise InvalidRecord(f"clusters must be 2 to {MOST_CLUSTERS:,}, is {clusters}")
    counts = count_terms(said_of, said, titles=titles, terms=len(terms))
    projection, kept = fit_projection(counts, terms, dimensions=dimensions)
    counts = sparse.csr_matrix(counts[:, kept])
    vectors = projection.place(counts)
    described = vectors.any(axis=1)
    centres = cluster(vectors[described], clusters, seed=seed)
    labels = np.full(titles, NOWHERE, np.int64)
    labels[described] = nearest(vectors[described], centres)
    keywords = _keywords(projection.weigh(counts), labels, len(centres), projection.terms)
    vocabulary = Vocabulary(
        projection=projection, centres=centres, names=unique_names(keywords), keywords=keywords
    )
    return vocabulary, vectors, labels


def report_on(labels: Ints, clusters: int) -> Report:
    """Return the sizes of K clusters over these titles, (N,) labels."""
    sizes = np.bincount(labels[labels >= 0], minlength=clusters)
    shares = sizes[sizes > 0] / max(int(sizes.sum()), 1)
    return Report(
        clusters=clusters,
        smallest=int(sizes.min()),
        median=float(np.median(sizes)),
        largest=int(sizes.max()),
        coverage=float((labels >= 0).mean()) if len(labels) else 0.0,
        entropy=float(-(shares * np.log2(shares)).sum()),
    )


def unique_names(keywords: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return a name for each cluster: its leading keywords, as many as no other name begins with.

    Clusters with the very same keywords are numbered.
    """
    names: list[str] = []
    taken: set[str] = set()
    for words in keywords:
        options = [", ".join(words[:most]) for most in range(LEAST_WORDS, len(words) + 1)]
        options = options or [", ".join(words) or "other"]
        name = next((each for each in options if each not in taken), "")
        number = 1
        while not name:
            number += 1
            name = "" if (each := f"{options[-1]} {number}") in taken else each
        taken.add(name)
        names.append(name)
    return tuple(names)


def _keywords(
    weighed: sparse.csr_matrix, labels: Ints, clusters: int, terms: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    """Return the terms of which each cluster has most beyond what titles have of it on average."""
    inside = labels >= 0
    sizes = np.bincount(labels[inside], minlength=clusters)
    member = sparse.csr_matrix(
        (np.ones(inside.sum()), (labels[inside], np.flatnonzero(inside))),
        (clusters, len(labels)),
    )
    means = np.asarray((member @ weighed).todense()) / np.maximum(sizes, 1)[:, None]
    usual = np.asarray(weighed[inside].mean(axis=0)).ravel()
    said = []
    for mean in means:
        more = mean - usual
        best = np.argsort(-more, kind="stable")[:KEYWORDS]
        said.append(tuple(terms[at] for at in best if more[at] > 0.0))
    return tuple(said)
