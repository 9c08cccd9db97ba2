"""Decide a page of 75 titles x 10 artworks with 32 features, in process, on one core.

Beside Vowpal Wabbit (`--cb_explore_adf --squarecb`) and MABWiser's LinTS, same features. A unit is
one title decided: ten artworks scored, ten exact propensities, one drawn. keyart starts from arrays
of features. Vowpal Wabbit has three rows: from the same arrays, by its example builder (faster here
than writing text); from its text, written beforehand and not counted; and from examples parsed
beforehand, where input costs nothing at all, which only an input that never changes can have.
MABWiser knows no features of arms, so it sees one context of 32 numbers for each title.
"""

from tests.benchmarks.common import Row, rates, rows_of, show  # isort: skip (sets threads)

import sys
from functools import partial

import numpy as np
import vowpalwabbit
from mabwiser.mab import MAB, LearningPolicy

from tests.benchmarks.pages import ARTWORKS, TITLES, Keyart

FEATURE_COUNT = 32
ARRAYS, TEXT, PARSED = "VW, from arrays", "VW, text written before", "VW, examples parsed before"


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
    return rows


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
