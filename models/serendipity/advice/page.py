"""A page of titles, place by place, with the probability of each given the places before it.

A place is a proposal with the probability of the dose, else it is of the clusters that the viewer
has explored. Of proposals, a share is drawn from all clusters that they have not, evenly; the
others take the best cluster that is left. Within a cluster the title closest to the viewer is
taken, by their factors or their taste: restricted exactly, over all its titles. The product of the
places' probabilities is the page's, so what was served can be judged off policy (Swaminathan et al.
2017, slates place by place).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

import numpy as np

from keyart.models.serendipity.advice.atlas import NOWHERE, Atlas
from keyart.models.serendipity.advice.interests import Interests
from keyart.models.taste.features import F32, TasteVectors
from keyart.schemas.errors import InvalidRecord

MOST_PLACES: Final = 50


class Place(NamedTuple):
    """One place of a page.

    `row` is of the atlas; `propensity` that of this title here, given the places before;
    `proposed` that its cluster was not explored, `random` that it was drawn; `said` whether the
    table spoke for the cluster.
    """

    row: int
    cluster: int
    propensity: float
    proposed: bool
    random: bool
    said: bool


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
    known = [each for each in interests.explored if each not in interests.declined]
    new = [each for each in range(len(atlas.names)) if each not in closed and left.has(each)]
    open_now = set(new)
    said = dict.fromkeys(each for each in proposals if each in open_now)
    page: list[Place] = []
    for _ in range(count):
        familiar = left.closest(known)
        if not new and familiar is None:
            break
        share = dose.share if new and familiar is not None else float(bool(new))
        if familiar is not None and drawn.random() >= share:
            cluster = int(atlas.clusters[familiar])
            place = Place(familiar, cluster, 1.0 - share, False, False, False)
        else:
            place = _proposed(left, new, said, share, dose.random, drawn)
            # a cluster has one place on a page: the next one tells of something else
            new.remove(place.cluster)
            said.pop(place.cluster, None)
        left.take(place.row)
        page.append(place)
    return page


def _proposed(
    left: "_Left",
    new: Sequence[int],
    said: Collection[int],
    share: float,
    random: float,
    drawn: Random,
) -> Place:
    best = next(iter(said), None)
    random = 1.0 if best is None else random
    at_random = best is None or drawn.random() < random
    cluster = drawn.choice(new) if best is None or at_random else best
    chance = random / len(new) + (1.0 - random) * (cluster == best)
    row = left.closest([cluster])
    assert row is not None
    return Place(row, cluster, share * chance, True, at_random, cluster in said)


class _Left:
    """The rows of each cluster that may still be taken, closest to the viewer first."""

    def __init__(
        self,
        atlas: Atlas,
        interests: Interests,
        scores: Callable[[list[int]], F32],
        among: Sequence[int] | None,
    ) -> None:
        self._atlas, self._scores = atlas, scores
        self._gone = set(interests.seen)
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

    def closest(self, clusters: Sequence[int]) -> int | None:
        """Return the row closest to the viewer that is left in any of these clusters."""
        found: list[tuple[float, int]] = []
        for cluster in clusters:
            row = next((each for each in self._order(cluster) if each not in self._gone), None)
            if row is not None:
                found.append((-float(self._scores([row])[0]), row))
        return min(found)[1] if found else None

    def take(self, row: int) -> None:
        """Take a row."""
        self._gone.add(row)

    def _rows(self, cluster: int) -> Sequence[int]:
        if self._among is not None:
            return self._among.get(cluster, ())
        return self._atlas.rows[cluster]  # type: ignore[return-value]

    def _order(self, cluster: int) -> list[int]:
        if cluster not in self._ordered:
            rows = [int(row) for row in self._rows(cluster)]
            scores = self._scores(rows) if rows else np.zeros(0, np.float32)
            self._ordered[cluster] = [rows[at] for at in np.argsort(-scores, kind="stable")]
        return self._ordered[cluster]


def _closeness(
    atlas: Atlas, taste: TasteVectors, factors: F32 | None
) -> Callable[[list[int]], F32]:
    if factors is not None and atlas.factors is not None:
        titles, its = atlas.factors, factors
        return lambda rows: np.asarray(titles[rows] @ its)
    vectors, directions = atlas.vectors, taste.directions

    def by_taste(rows: list[int]) -> F32:
        alike = directions @ vectors[rows].T
        # the closest interest, what was taken lately, and against it what was rejected
        return np.asarray(np.maximum(alike[3:].max(axis=0), alike[0]) + 0.5 * alike[1] - alike[2])

    return by_taste
