"""What deciding reads: all titles' artworks and beliefs, in arrays that are swapped, never torn.

Rows are ragged: the artworks of a title stand together, and a title has a place: where they begin,
and which they are. A changed title is written to new rows at the end, and only then gets its new
place; arrays that are full are replaced by larger ones, with places of their own. A reader takes
`arrays` once, so it sees each title whole, old or new. One writer at a time.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.uniforms import title_number
from keyart.models.decide.weights import Shared, no_weights
from keyart.models.priors.personal import ViewerSide
from keyart.models.taste.crossing import CROSSED, artwork_sides
from keyart.models.taste.features import F32, relations
from keyart.schemas.context import SIZE
from keyart.schemas.errors import InvalidRecord, NotFound
from keyart.schemas.taste import TASTE_DIMENSIONS

BELIEF_COLUMNS: Final = (
    "level",
    "prior",
    "own",
    "relative_variance",
    "seen",
    "taken",
    "trust",
    "strength",
)
"""Per artwork. level, prior, own: factors of the expected take. relative_variance: of the own
deviation, sd^2 / mean^2. seen, taken: effective impressions and takes. trust: rho, 1 is full, 0
none, below 0 upside down. strength: what the prior is worth, in impressions."""
MAX_TAKE: Final = 0.999
"""The largest take probability that is believed, of a title or an artwork."""
LARGEST_SIDE: Final = 20.0
"""A log relative take that a prior tells one viewer counts up to this size."""
NEUTRAL: Final = np.array([0.01, 1.0, 1.0, 0.16, 0.0, 0.0, 0.0, 0.0], dtype=np.float32)
"""Belief about an artwork of which nothing is known: relative spread 0.4, as on headline tests."""
ANY_SURFACE: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedTitle:
    """A title's artworks that may be chosen: ids, and unit vectors (K, 64) in the same order.

    `attributes` are theirs in that order, or none at all.
    """

    id: str
    artworks: tuple[str, ...]
    vectors: F32
    attributes: tuple[Mapping[str, str], ...] = ()


class Place(NamedTuple):
    """Where a title's artworks stand. `number` is of `title_number`."""

    offset: int
    size: int
    number: int
    artworks: tuple[str, ...]


class Personal(NamedTuple):
    """What the prior says viewer by viewer: its way from taste to viewer, artworks (rows, P)."""

    viewer: ViewerSide
    artworks: F32


@dataclass(slots=True)
class Arrays:
    """One generation: arrays, and the place of each title in them.

    `sides` (rows, CROSSED) are what artworks show, to meet a context;
    `beliefs` holds one (rows, len(BELIEF_COLUMNS)) per surface; `personal` is None when the prior
    knows no viewers; `responses` (rows, SIZE) are how artworks respond to situations, None while
    none does. `shared` and `prior`, the name of the prior whose word the beliefs hold, are swapped
    with the arrays: who takes one generation decides by one prior alone.
    """

    vectors: F32
    related: F32
    sides: F32
    beliefs: dict[str, F32]
    places: dict[str, Place]
    personal: Personal | None = None
    responses: F32 | None = None
    shared: Shared = field(default_factory=no_weights)
    prior: str = ""

    def find(self, titles: Sequence[str]) -> list[Place]:
        """Return (T,) the titles' places.

        Raises
        ------
        NotFound
            A title is not in the index.
        """
        places = self.places
        try:
            return [places[title] for title in titles]
        except KeyError as missing:
            raise NotFound(f"no title {missing.args[0]!r}") from None

    def rows(self, title: str) -> slice:
        """Return the rows of one title's artworks; raises NotFound as `find` does."""
        (place,) = self.find([title])
        return slice(place.offset, place.offset + place.size)


class ServingIndex:
    """The snapshot in memory that requests are answered from.

    Parameters
    ----------
    neutral
        (len(BELIEF_COLUMNS),) belief about an artwork nobody has rewards for.
    """

    def __init__(self, neutral: F32 = NEUTRAL) -> None:
        self._neutral = neutral
        self._rows = 0
        self._live = 0
        self.often: Set[str] = frozenset()
        """Titles shown so often that decisions teach their artworks' own responses."""
        self.arrays = self._empty(rows=1024, surfaces=(ANY_SURFACE,), places={})

    @property
    def shared(self) -> Shared:
        """The weights that all titles share."""
        return self.arrays.shared

    @shared.setter
    def shared(self, shared: Shared) -> None:
        self.arrays.shared = shared

    @property
    def prior(self) -> str:
        """The name of the prior whose word the beliefs hold."""
        return self.arrays.prior

    @prior.setter
    def prior(self, name: str) -> None:
        self.arrays.prior = name

    def become(self, other: "ServingIndex") -> None:
        """Hold all that another one holds, which is not used any more; readers see old or new."""
        self._rows, self._live = other._rows, other._live
        self.often, self.arrays = other.often, other.arrays

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self.arrays.places)

    def __contains__(self, title: object) -> bool:
        """Return whether the title can be decided."""
        return title in self.arrays.places

    def artworks(self, title: str) -> tuple[str, ...]:
        """Return the ids of the title's artworks, in the order of its rows."""
        return self.arrays.find([title])[0].artworks

    def put(self, titles: Iterable[IndexedTitle]) -> None:
        """Add titles or replace them; artworks that stay keep their beliefs."""
        for title in titles:
            self._put(title)
        if self._rows > 4096 and self._live < self._rows // 2:
            self._compact()

    def remove(self, title: str) -> None:
        """Forget a title; one that is not there is no error."""
        place = self.arrays.places.pop(title, None)
        if place is not None:
            self._live -= place.size

    def believe(self, title: str, artworks: Sequence[str], beliefs: dict[str, F32]) -> None:
        """Take over what is now believed of a title.

        Parameters
        ----------
        title
            One that is not in the index is ignored: it was removed since.
        artworks
            The ids the rows of `beliefs` stand for; ids that the title no longer has are ignored.
        beliefs
            Surface -> (len(artworks), len(BELIEF_COLUMNS)). `ANY_SURFACE` serves surfaces that are
            not named.
        """
        place = self.arrays.places.get(title)
        if place is None:
            return
        current, start = place.artworks, place.offset
        for surface, rows in beliefs.items():
            table = self._table(surface)
            if tuple(artworks) == current:
                table[start : start + len(current)] = rows
                continue
            for artwork, row in zip(artworks, rows, strict=True):
                if artwork in current:
                    table[start + current.index(artwork)] = row

    def keep_surfaces(self, surfaces: Iterable[str]) -> None:
        """Forget what is believed of all surfaces but these; `ANY_SURFACE` serves them then."""
        for surface in set(self.arrays.beliefs) - {ANY_SURFACE, *surfaces}:
            del self.arrays.beliefs[surface]

    def personalise(self, viewer: ViewerSide | None) -> None:
        """See viewers this way from now on, None for not at all; `opine` has to follow."""
        if viewer is None:
            self.arrays.personal = None
            return
        rows = np.zeros((len(self.arrays.vectors), viewer.width), np.float32)
        self.arrays.personal = Personal(viewer, rows)

    def opine(self, title: str, artworks: Sequence[str], sides: F32) -> None:
        """Take over the artworks' sides (len(artworks), P) of what the prior says to viewers.

        A title that is not in the index is ignored, and so are artworks that it no longer has.
        """
        place, personal = self.arrays.places.get(title), self.arrays.personal
        if place is None or personal is None:
            return
        bounded = np.clip(np.nan_to_num(sides), -LARGEST_SIDE, LARGEST_SIDE)
        for artwork, side in zip(artworks, bounded, strict=True):
            if artwork in place.artworks:
                personal.artworks[place.offset + place.artworks.index(artwork)] = side

    def _table(self, surface: str) -> F32:
        tables = self.arrays.beliefs
        if surface not in tables:
            tables[surface] = tables[ANY_SURFACE].copy()
        return tables[surface]

    def _put(self, title: IndexedTitle) -> None:
        count = len(title.artworks)
        if title.vectors.shape != (count, TASTE_DIMENSIONS) or not count:
            raise InvalidRecord(
                f"title {title.id!r} has {count} artworks and vectors {title.vectors.shape}"
            )
        arrays = self.arrays
        if self._rows + count > len(arrays.vectors):
            arrays = self._grown(arrays, rows=2 * (self._rows + count))
        at = slice(self._rows, self._rows + count)
        arrays.vectors[at] = title.vectors
        arrays.related[at] = relations(title.vectors)
        arrays.sides[at] = artwork_sides(title.attributes, title.vectors)
        for table in arrays.beliefs.values():
            table[at] = self._neutral
        if (old := arrays.places.get(title.id)) is not None:
            self._carry_over(arrays, old, title.artworks)
            self._live -= old.size
        number = title_number(title.id)
        arrays.places[title.id] = Place(self._rows, count, number, title.artworks)
        self._rows += count
        self._live += count
        self.arrays = arrays

    def _carry_over(self, arrays: Arrays, old: Place, artworks: tuple[str, ...]) -> None:
        tables = list(arrays.beliefs.values())
        if arrays.personal is not None:
            tables.append(arrays.personal.artworks)
        if arrays.responses is not None:
            tables.append(arrays.responses)
        for at, artwork in enumerate(artworks):
            if artwork in old.artworks:
                for table in tables:
                    table[self._rows + at] = table[old.offset + old.artworks.index(artwork)]

    def _empty(self, *, rows: int, surfaces: Iterable[str], places: dict[str, Place]) -> Arrays:
        return Arrays(
            vectors=np.zeros((rows, TASTE_DIMENSIONS), np.float32),
            related=np.zeros((rows, 2), np.float32),
            sides=np.zeros((rows, CROSSED), np.float32),
            beliefs={
                surface: np.tile(self._neutral, (rows, 1)).astype(np.float32)
                for surface in surfaces
            },
            places=places,
        )

    def _grown(self, old: Arrays, *, rows: int) -> Arrays:
        """Return larger arrays that begin with what the old ones hold."""
        return self._copied(old, slice(0, self._rows), rows=rows, places=dict(old.places))

    def _compact(self) -> None:
        """Copy the rows in use into new arrays; who reads the old ones still finds all there."""
        old = self.arrays
        places, kept, used = {}, [], 0
        for title, place in old.places.items():
            kept.append(np.arange(place.offset, place.offset + place.size))
            places[title] = place._replace(offset=used)
            used += place.size
        rows = np.concatenate(kept)
        self.arrays = self._copied(old, rows, rows=2 * used + 1024, places=places)
        self._rows = used

    def _copied(
        self,
        old: Arrays,
        kept: slice | NDArray[np.int64],
        *,
        rows: int,
        places: dict[str, Place],
    ) -> Arrays:
        new = self._empty(rows=rows, surfaces=old.beliefs, places=places)
        vectors = old.vectors[kept]
        used = slice(0, len(vectors))
        new.vectors[used], new.related[used] = vectors, old.related[kept]
        new.sides[used] = old.sides[kept]
        for surface, table in old.beliefs.items():
            new.beliefs[surface][used] = table[kept]
        new.shared, new.prior = old.shared, old.prior
        if old.responses is not None:
            new.responses = np.zeros((rows, SIZE), np.float32)
            new.responses[used] = old.responses[kept]
        if old.personal is not None:
            viewer, artworks = old.personal
            sides = np.zeros((rows, viewer.width), np.float32)
            sides[used] = artworks[kept]
            new.personal = Personal(viewer, sides)
        return new
