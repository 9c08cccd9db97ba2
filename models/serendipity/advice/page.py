"""A page of titles, place by place, with the probability of each given the places before it.

A place is a proposal with the probability of the dose, else it is free: the title closest to the
viewer of all that are left, whatever its cluster. Of proposals, a share is drawn from all clusters
that they have not explored, evenly; the others take the best cluster that is left. Within a cluster
the title closest to the viewer is taken, by their factors or their taste: restricted exactly, over
all its titles. The product of the places' probabilities is the page's, so what was served can be
judged off policy (Swaminathan et al. 2017, slates place by place).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.serendipity.advice.atlas import NOWHERE, Atlas
from keyart.models.serendipity.advice.interests import Interests
from keyart.models.serendipity.recommend.pages import best
from keyart.models.taste.features import F32, TasteVectors
from keyart.schemas.errors import InvalidRecord

MOST_PLACES: Final = 50
Rows = NDArray[np.intp]


class Place(NamedTuple):
    """One place of a page.

    `row` is of the atlas; `propensity` that of this title here, given the places before, whichever
    way it came; `new` that its cluster was not explored, `proposed` that it is here for that,
    `random` that it was drawn; `said` whether the table spoke for the cluster.
    """

    row: int
    cluster: int
    propensity: float
    proposed: bool
    random: bool
    said: bool
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """Shares: of places that are proposals, and of those that are drawn at random."""

    share: float = 1.0
    random: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not (0.0 <= self.share <= 1.0 and 0.0 <= self.random <= 1.0):
            raise InvalidRecord("a dose is a share from 0 to 1")


def compose(
    atlas: Atlas,
    interests: Interests,
    proposals: Sequence[int],
    taste: TasteVectors,
    *,
    count: int,
    dose: Dose,
    drawn: Random,
    among: Sequence[int] | None = None,
    factors: F32 | None = None,
) -> list[Place]:
    """Return up to `count` places; fewer where titles run out, none for whom nothing is known.

    Parameters
    ----------
    atlas, interests, taste
        The site's titles, and what is known of the viewer.
    proposals
        The clusters that the table speaks for, best first.
    count
        Places, 1 to 50.
    dose
        How much is proposed and drawn.
    drawn
        Where chance comes from.
    among
        The rows that may be taken; None for all.
    factors
        (D,) of the viewer, to whose product with a title's it is close; None: taste says what is.
    """
    if not interests.explored:
        return []
    left = _Left(atlas, interests, _closeness(atlas, taste, factors), among)
    closed = {*interests.explored, *interests.declined}
    new = [each for each in range(len(atlas.names)) if each not in closed and left.has(each)]
    open_now = set(new)
    said = dict.fromkeys(each for each in proposals if each in open_now)
    page: list[Place] = []
    for _ in range(count):
        share = dose.share if new else 0.0
        free = left.closest() if share < 1.0 else None
        if free is None:
            if not new:
                break
            share = 1.0
        first = next(iter(said), None)
        random = 1.0 if first is None else dose.random
        proposed = drawn.random() < share
        at_random = proposed and (first is None or drawn.random() < random)
        if not proposed:
            assert free is not None
            row = free
        elif first is None or at_random:
            row = left.closest_of(drawn.choice(new))
        else:
            row = left.closest_of(first)
        cluster = int(atlas.clusters[row])
        is_new = cluster in open_now
        chance = (1.0 - share) * (row == free)
        if cluster in new and row == left.closest_of(cluster):
            chance += share * (random / len(new) + (1.0 - random) * (cluster == first))
        page.append(Place(row, cluster, chance, proposed, at_random, cluster in said, is_new))
        left.take(row)
        if cluster in new:
            # a cluster is proposed once on a page: the next one tells of something else
            new.remove(cluster)
            said.pop(cluster, None)
    return page


class _Left:
    """The rows that may still be taken, closest to the viewer first: of all, and of a cluster."""

    def __init__(
        self,
        atlas: Atlas,
        interests: Interests,
        scores: Callable[[Rows], F32],
        among: Sequence[int] | None,
    ) -> None:
        self._atlas, self._scores = atlas, scores
        self._declined = interests.declined
        self._gone = set(interests.seen)
        self._best: list[int] | None = None
        self._ordered: dict[int, list[int]] = {}
        self._among: dict[int, list[int]] | None = None
        if among is not None:
            self._among = {}
            for row in among:
                if (cluster := int(atlas.clusters[row])) != NOWHERE:
                    self._among.setdefault(cluster, []).append(row)

    def has(self, cluster: int) -> bool:
        """Whether a title of the cluster is left."""
        return any(row not in self._gone for row in self._rows(cluster))

    def closest(self) -> int | None:
        """Return the row closest to the viewer of all that are left; None: none is."""
        if self._best is None:
            self._best = self._whole_order()
        return next((row for row in self._best if row not in self._gone), None)

    def closest_of(self, cluster: int) -> int:
        """Return the row closest to the viewer in a cluster that `has` some left."""
        return next(row for row in self._order(cluster) if row not in self._gone)

    def take(self, row: int) -> None:
        """Take a row."""
        self._gone.add(row)

    def _rows(self, cluster: int) -> Sequence[int]:
        if self._among is not None:
            return self._among.get(cluster, ())
        return self._atlas.rows[cluster]  # type: ignore[return-value]

    def _whole_order(self) -> list[int]:
        """Return the closest rows of all that may be shown, as many as a page can take."""
        if self._among is None:
            rows = np.flatnonzero(self._atlas.clusters != NOWHERE)
        else:
            rows = np.array(sorted(row for its in self._among.values() for row in its), np.intp)
        shut = np.isin(self._atlas.clusters[rows], [*self._declined])
        rows = rows[~(shut | np.isin(rows, [*self._gone]))]
        if not len(rows):
            return []
        order = best(self._scores(rows).astype(np.float64), np.zeros(0, np.int64), MOST_PLACES)
        closest: list[int] = rows[order].tolist()
        return closest

    def _order(self, cluster: int) -> list[int]:
        if cluster not in self._ordered:
            rows = [int(row) for row in self._rows(cluster)]
            scores = self._scores(np.array(rows, np.intp)) if rows else np.zeros(0, np.float32)
            self._ordered[cluster] = [rows[at] for at in np.argsort(-scores, kind="stable")]
        return self._ordered[cluster]


def _closeness(atlas: Atlas, taste: TasteVectors, factors: F32 | None) -> Callable[[Rows], F32]:
    if factors is not None and atlas.factors is not None:
        titles, its = atlas.factors, factors
        return lambda rows: np.asarray(titles[rows] @ its)
    vectors, directions = atlas.vectors, taste.directions

    def by_taste(rows: Rows) -> F32:
        alike = directions @ vectors[rows].T
        # the closest interest, what was taken lately, and against it what was rejected
        return np.asarray(np.maximum(alike[3:].max(axis=0), alike[0]) + 0.5 * alike[1] - alike[2])

    return by_taste
