"""Pages to decide, for benchmarks: a site's index and catalogue in memory, after some traffic."""

import numpy as np

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.coding import Coding
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import (
    ANY_SURFACE,
    BELIEF_COLUMNS,
    IndexedTitle,
    ServingIndex,
)
from keyart.models.decide.record import columns_of
from keyart.models.decide.weights import SITUATED, Shared
from keyart.models.taste.crossing import Usual
from keyart.models.taste.features import FEATURES, TasteVectors
from keyart.schemas.catalogue import Artwork, StoredArtwork, StoredTitle
from keyart.schemas.context import Context
from keyart.schemas.ids import ViewerKey
from keyart.schemas.slates import Slate

TITLES, ARTWORKS = 75, 10
ROW = 40
VALUES = {"mood": 5, "cast": 3, "hue": 7, "face": 1000, "place": 1000, "look": 1000}
CATALOGUE = 2000
NOW = 1_700_000_000_000


def beliefs_after_traffic(rng: np.random.Generator, titles: int) -> np.ndarray:
    """Return (titles, ARTWORKS, columns): what is believed after a few thousand impressions."""
    shape = (titles, ARTWORKS)
    level = np.broadcast_to(rng.lognormal(np.log(0.02), 0.5, (titles, 1)), shape)
    prior = np.exp(rng.normal(0.0, 0.1, shape))
    seen = rng.lognormal(np.log(300.0), 1.0, shape)
    taken = rng.poisson(seen * level * prior * rng.gamma(16.0, 1.0 / 16.0, shape))
    columns = {
        "level": level,
        "prior": prior,
        "own": (6.25 + taken) / (6.25 + seen * level * prior),
        "relative_variance": 1.0 / (6.25 + taken),
        "seen": seen,
        "taken": taken,
        "trust": np.full(shape, 0.8),
        "strength": np.full(shape, 300.0),
    }
    table: np.ndarray = np.stack([columns[name] for name in BELIEF_COLUMNS], axis=2)
    return table.astype(np.float32)


class Keyart:
    """A page from features, and a page from a viewer's taste."""

    def __init__(self, x: np.ndarray, rng: np.random.Generator) -> None:
        self.x = np.ascontiguousarray(x.transpose(2, 1, 0))  # (D, K, T)
        self.x -= self.x.mean(axis=1, keepdims=True)
        self.decider = Decider(policy=build_policy("optimistic"), explore_share=0.05)
        self.shared = Shared(
            weights=rng.normal(0.0, 0.05, len(self.x)).astype(np.float32),
            covariance=np.eye(len(self.x), dtype=np.float32) * np.float32(1e-4),
        )
        table = beliefs_after_traffic(rng, CATALOGUE)
        self.beliefs = np.ascontiguousarray(table[:TITLES].transpose(2, 1, 0))
        self.mask = np.ones((ARTWORKS, TITLES), dtype=np.bool_)
        self.counts = np.full(TITLES, ARTWORKS)
        self.index = self._index(table, rng)
        self.titles = [f"title-{at}" for at in rng.choice(CATALOGUE, TITLES, replace=False)]
        places = self.index.arrays.find(self.titles)
        self.numbers = np.array([place.number for place in places], np.uint64)
        rows = rng.normal(size=(6, 64)).astype(np.float32)
        self.taste = TasteVectors(directions=rows / np.linalg.norm(rows, axis=1, keepdims=True))
        self.viewer = 0
        self.usual = Usual()
        self.coding, self.catalogue = Coding(), self._catalogue(rng)

    def _catalogue(self, rng: np.random.Generator) -> dict[str, StoredTitle]:
        def artwork(at: int) -> StoredArtwork:
            its = {name: f"v{rng.integers(many)}" for name, many in VALUES.items()}
            return StoredArtwork(artwork=Artwork(id=f"artwork-{at}", attributes=its), history=())

        return {
            title: StoredTitle(
                id=title, artworks=tuple(map(artwork, range(ARTWORKS))), updated_at_ms=NOW
            )
            for title in self.titles
        }

    def _index(self, table: np.ndarray, rng: np.random.Generator) -> ServingIndex:
        index = ServingIndex()
        names = tuple(f"artwork-{at}" for at in range(ARTWORKS))
        for at, rows in enumerate(table):
            vectors = rng.normal(size=(ARTWORKS, 64)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            attributes = tuple({"mood": f"m{k % 5}", "cast": f"c{at % 3}"} for k in range(ARTWORKS))
            index.put(
                [
                    IndexedTitle(
                        id=f"title-{at}", artworks=names, vectors=vectors, attributes=attributes
                    )
                ]
            )
            index.believe(f"title-{at}", names, {ANY_SURFACE: rows})
        index.shared = Shared(
            weights=rng.normal(0.0, 0.05, len(FEATURES)).astype(np.float32),
            covariance=np.eye(len(FEATURES), dtype=np.float32) * np.float32(1e-4),
            situated=Shared(
                weights=rng.normal(0.0, 0.05, 1 + SITUATED).astype(np.float32),
                covariance=np.eye(1 + SITUATED, dtype=np.float32) * np.float32(1e-4),
            ),
        )
        return index

    def from_features(self) -> int:
        """Decide one page whose features are there."""
        self.viewer += 1
        self.decider.choose(
            self.x,
            self.beliefs,
            mask=self.mask,
            shared=self.shared,
            surface="home",
            viewer=str(self.viewer),
            now_ms=NOW,
            counts=self.counts,
            numbers=self.numbers,
            titles=self.titles,
            artworks=(),
        )
        return TITLES

    def from_taste(self, values: int = 0) -> int:
        """Decide one page of ids for one viewer: look up, features, choice, what is logged.

        With so many values of a context, no two pages' alike.
        """
        self.viewer += 1
        context: Context = {f"name-{at}": f"v{self.viewer * at % 23}" for at in range(values)}
        page = self.decider.decide(
            self.index,
            titles=self.titles,
            taste=self.taste,
            surface="home",
            viewer=str(self.viewer),
            now_ms=NOW,
            context=context,
            side=self.usual.meet(context),
        )
        assert len(page.features) == TITLES
        return TITLES

    def row(self, slate: Slate | None = None, *, log: bool = False) -> int:
        """Decide a row of ids as the service does: with a slate from the catalogue's attributes.

        `log` makes the columns that are logged, too.
        """
        self.viewer += 1
        at = self.viewer * 7 % len(self.titles)
        titles = [*self.titles[at:], *self.titles[:at]][:ROW]
        slating = None
        places = self.index.arrays.find(titles)  # the service does, with a slate or without
        if slate is not None:
            asked = [(title, its.artworks) for title, its in zip(titles, places, strict=True)]
            slating = self.coding.slating(slate, self.catalogue, asked, [])
        page = self.decider.decide(
            self.index,
            titles=titles,
            taste=self.taste,
            surface="home",
            viewer=str(self.viewer),
            now_ms=NOW,
            slating=slating,
        )
        if log:
            viewer = ViewerKey(f"{self.viewer:032x}")
            assert len(columns_of(page, viewer, range(1, 1 + ROW))) == ROW
        else:
            assert len(page.features) == ROW
        return ROW
