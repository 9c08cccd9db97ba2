"""The titles of a site by cluster, each with a vector: what a table is grounded in.

A title that the table does not know, because it came later, is of the cluster whose titles' mean
is closest to it, and has the factors that are expected of its vector (Gantner et al. 2010,
"Learning attribute-to-feature mappings for cold-start recommendations").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.serendipity.factors import Factors
from keyart.models.serendipity.table import Table
from keyart.models.serendipity.world import Ints
from keyart.models.taste.features import F32
from keyart.schemas.explored import DECLINED, HID, TOOK, mark_of

NOWHERE = -1
EXPECTED: Final = 1.0
"""Penalty of what vectors say of factors: few titles say little, and then little is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Atlas:
    """A table on a site's titles.

    Attributes
    ----------
    table
        What is proposed after what.
    titles
        N ids, in the order of the rows.
    vectors
        (N, 64) of unit length, or of zeros.
    clusters
        (N,) cluster of each; `NOWHERE` of a title that is like none.
    rows
        K times (n,) the rows of each cluster.
    places
        Title to row.
    took, hid
        Mark to row, of the marks that a viewer's record has.
    declined
        (K,) mark of each cluster's name.
    fitted
        (N,) the place of each title among the table's; `NOWHERE` of one that it does not know.
    factors
        (N, D) of each title, or what is expected of it; None where the table has none.
    """

    table: Table
    titles: tuple[str, ...]
    vectors: F32
    clusters: Ints
    rows: tuple[NDArray[np.intp], ...]
    places: dict[str, int]
    took: dict[int, int]
    hid: dict[int, int]
    declined: tuple[int, ...]
    fitted: Ints
    factors: F32 | None

    @property
    def names(self) -> tuple[str, ...]:
        """The K clusters' names."""
        return self.table.words.names


def atlas_of(table: Table, titles: Sequence[str], vectors: F32) -> Atlas:
    """Return a table on these titles.

    Parameters
    ----------
    table
        As it was read.
    titles
        N ids, each once.
    vectors
        (N, 64) of unit length, or of zeros where nothing is known.
    """
    names = table.words.names
    clusters = np.array([table.titles.get(title, NOWHERE) for title in titles], np.int64)
    clusters = _with_newcomers(clusters, vectors, len(names))
    of = {title: at for at, title in enumerate(table.titles)}
    fitted = np.array([of.get(title, NOWHERE) for title in titles], np.int64)
    order = np.argsort(clusters, kind="stable")
    starts = np.searchsorted(clusters[order], np.arange(len(names) + 1))
    return Atlas(
        table=table,
        titles=tuple(titles),
        vectors=vectors,
        clusters=clusters,
        rows=tuple(order[starts[at] : starts[at + 1]] for at in range(len(names))),
        places={title: at for at, title in enumerate(titles)},
        took={mark_of(title, TOOK): at for at, title in enumerate(titles)},
        hid={mark_of(title, HID): at for at, title in enumerate(titles)},
        declined=tuple(mark_of(name, DECLINED) for name in names),
        fitted=fitted,
        factors=None if table.factors is None else _factors(table.factors, fitted, vectors),
    )


def _factors(held: Factors, fitted: Ints, vectors: F32) -> F32:
    made = np.zeros((len(fitted), held.titles.shape[1]), np.float32)
    there = fitted != NOWHERE
    made[there] = held.titles[fitted[there]]
    known = made.any(axis=1)
    new = ~known & vectors.any(axis=1)
    if known.any() and new.any():
        seen = vectors[known].astype(np.float64)
        system = seen.T @ seen + EXPECTED * np.eye(seen.shape[1])
        made[new] = vectors[new] @ np.linalg.solve(system, seen.T @ made[known])
    return made


def _with_newcomers(clusters: Ints, vectors: F32, count: int) -> Ints:
    told = vectors.any(axis=1)
    known, new = told & (clusters != NOWHERE), told & (clusters == NOWHERE)
    if not known.any() or not new.any():
        return clusters
    means = np.zeros((count, vectors.shape[1]), np.float32)
    np.add.at(means, clusters[known], vectors[known])
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means /= np.maximum(lengths, 1e-9)
    close = vectors[new] @ means.T
    close[:, lengths[:, 0] < 1e-9] = -np.inf
    placed = clusters.copy()
    placed[new] = close.argmax(axis=1)
    return placed
