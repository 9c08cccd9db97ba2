"""Decide a page of 75 titles x 10 artworks with 32 features, in process, on one core.

Beside Vowpal Wabbit (`--cb_explore_adf --squarecb`) and MABWiser's LinTS, same features. A unit is
one title decided: ten artworks scored, ten exact propensities, one drawn. keyart starts from arrays
of features. Vowpal Wabbit has three rows: from the same arrays, by its example builder (faster here
than writing text); from its text, written beforehand and not counted; and from examples parsed
beforehand, where input costs nothing at all, which only an input that never changes can have.
MABWiser knows no features of arms, so it sees one context of 32 numbers for each title.

A second table has pages of 40 titles x 10 artworks with and without a slate, whose attributes have
few values (5, 3 and 7: soon all that a title has are taken) or many (1,000: few are taken).
"""

from tests.benchmarks.common import Row, rates, rows_of, show  # isort: skip (sets threads)

import sys
from functools import partial

import numpy as np
import vowpalwabbit
from mabwiser.mab import MAB, LearningPolicy

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.coding import Coding
from keyart.models.decide.engine import Decider
from keyart.models.decide.index import (
    ANY_SURFACE,
    BELIEF_COLUMNS,
    IndexedTitle,
    ServingIndex,
)
from keyart.models.decide.weights import SITUATED, Shared
from keyart.models.taste.crossing import Usual
from keyart.models.taste.features import FEATURES, TasteVectors
from keyart.schemas.catalogue import Artwork, StoredArtwork, StoredTitle
from keyart.schemas.context import Context
from keyart.schemas.slates import Slate

TITLES, ARTWORKS, FEATURE_COUNT = 75, 10, 32
ROW = 40
SLATES = {
    "one attribute, few values": Slate(alike={"mood": 1.0}),
    "one attribute, many values": Slate(alike={"face": 1.0}),
    "three attributes, few values": Slate(alike={"mood": 1.0, "cast": 0.5, "hue": 0.5}),
    "the same, half may be shared": Slate(alike={"mood": 1.0, "cast": 0.5, "hue": 0.5}, most=0.5),
    "three attributes, many values": Slate(alike={"face": 1.0, "place": 0.5, "look": 0.5}),
    "the same, explored once": Slate(
        alike={"face": 1.0, "place": 0.5, "look": 0.5}, explore_once=True
    ),
}
VALUES = {"mood": 5, "cast": 3, "hue": 7, "face": 1000, "place": 1000, "look": 1000}
CATALOGUE = 2000
NOW = 1_700_000_000_000
ARRAYS, TEXT, PARSED = "VW, from arrays", "VW, text written before", "VW, examples parsed before"


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

    def row(self, slate: Slate | None = None) -> int:
        """Decide a row of ids as the service does: with a slate from the catalogue's attributes."""
        self.viewer += 1
        at = self.viewer * 7 % len(self.titles)
        titles = [*self.titles[at:], *self.titles[:at]][:ROW]
        slating = None
        if slate is not None:
            places = self.index.arrays.find(titles)
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
        assert len(page.features) == ROW
        return ROW


class VowpalWabbit:
    """One title after the other: it knows no pages."""

    def __init__(self, x: np.ndarray, rng: np.random.Generator) -> None:
        self.x = x
        self.rng = rng
        self.workspace = vowpalwabbit.Workspace(
            "--cb_explore_adf --squarecb --quiet -b 18 --random_seed 1"
        )
        for at in range(2000):  # so that it has something to weigh
            title, action = at % TITLES, int(rng.integers(ARTWORKS))
            lines = self._text(title)
            lines[action] = f"0:{-float(rng.random() < 0.05)}:{1.0 / ARTWORKS} {lines[action]}"
            self.workspace.learn(lines)
        self.lines = [self._text(title) for title in range(TITLES)]
        space = self.workspace.hash_space("a")
        self.hashed = [self.workspace.hash_feature(str(at), space) for at in range(x.shape[2])]
        by_array = self.workspace.predict(self._built(x[0]))
        np.testing.assert_allclose(by_array, self.workspace.predict(self.lines[0]), atol=1e-3)
        self.examples = [self.workspace.parse(lines) for lines in self.lines]

    def _text(self, title: int) -> list[str]:
        return [
            "|a " + " ".join(f"{at}:{value:.5g}" for at, value in enumerate(row))
            for row in self.x[title].tolist()
        ]

    def _draw(self, shares: list[float]) -> int:
        return int(np.searchsorted(np.cumsum(shares), self.rng.random()))

    def from_text(self) -> int:
        """Decide ten titles' worth of lines that are written already."""
        for lines in self.lines[:10]:
            self._draw(self.workspace.predict(lines))
        return 10

    def from_arrays(self) -> int:
        """Build and decide ten titles."""
        for title in self.x[:10]:
            self._draw(self.workspace.predict(self._built(title)))
        return 10

    def _built(self, title: np.ndarray) -> list[vowpalwabbit.Example]:
        examples = []
        for row in title.tolist():
            example = self.workspace.example({"a": list(zip(self.hashed, row, strict=True))})
            example.setup_example()
            examples.append(example)
        return examples

    def parsed(self) -> int:
        """Decide a page of parsed examples."""
        for example in self.examples:
            self._draw(self.workspace.predict(example))
        return TITLES


def mabwiser(x: np.ndarray, rng: np.random.Generator) -> tuple[MAB, np.ndarray]:
    """Return a LinTS over ten arms that has learned a little, and one context for each title."""
    contexts = x[:, 0].astype(np.float64)
    bandit = MAB(list(range(ARTWORKS)), LearningPolicy.LinTS(alpha=0.5), seed=1)
    picks = rng.integers(0, ARTWORKS, 2000)
    bandit.fit(picks, rng.random(2000) < 0.05, contexts[np.arange(2000) % TITLES])
    return bandit, contexts


def main() -> list[Row]:
    """Measure, print and return the table."""
    rng = np.random.default_rng(1)
    x = rng.normal(0.0, 0.7, (TITLES, ARTWORKS, FEATURE_COUNT)).astype(np.float32)
    ours, theirs = Keyart(x, rng), VowpalWabbit(x, rng)
    bandit, contexts = mabwiser(x, rng)

    def one_by_one() -> int:
        for at in range(10):
            bandit.predict(contexts[at : at + 1])
        return 10

    def batch() -> int:
        bandit.predict(contexts)
        return TITLES

    found = rates(
        {
            "keyart, features to choice": ours.from_features,
            "keyart, taste to choice and log": ours.from_taste,
            "the same, a context of 8 values": partial(ours.from_taste, 8),
            "the same, a context of 32 values": partial(ours.from_taste, 32),
            ARRAYS: theirs.from_arrays,
            TEXT: theirs.from_text,
            PARSED: theirs.parsed,
            "MABWiser LinTS, one by one": one_by_one,
            "MABWiser LinTS, a page at once": batch,
        }
    )
    notes = {
        "keyart, taste to choice and log": "24 features computed",
        "the same, a context of 8 values": "64 features computed",
        "the same, a context of 32 values": "64 features computed",
        TEXT: "writing not counted",
        PARSED: "writing and parsing not counted",
        "MABWiser LinTS, a page at once": "no propensities",
    }
    rows = rows_of("decide", found, unit="artwork decisions/s", against=ARRAYS, notes=notes)
    show(f"decide: {TITLES} titles x {ARTWORKS} artworks, {FEATURE_COUNT} features, 1 core", rows)
    without = "without a slate"
    found = rates(
        {without: ours.row, **{name: partial(ours.row, each) for name, each in SLATES.items()}}
    )
    slates = rows_of("decide", found, unit="artwork decisions/s", against=without)
    show(f"decide: {ROW} titles x {ARTWORKS} artworks, taste to choice and log, slates", slates)
    return rows + slates


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
