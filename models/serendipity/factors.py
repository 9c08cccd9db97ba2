"""Factors of a table's titles, and the way of a viewer to theirs: iALS as it serves.

Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback datasets". Titles' factors
are fitted when a table is made; a viewer's are solved for when they ask, from the titles they took,
so nothing is kept of a viewer and a viewer of a minute ago is known like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from keyart.models.artifacts.arrays import check_arrays, read_arrays
from keyart.models.artifacts.whole import appearing
from keyart.models.serendipity.world import Floats, Ints
from keyart.models.taste.features import F32
from keyart.schemas.errors import ModelRejected

MOST_TITLES: Final = 500_000
"""A table of more titles has no factors: at 48 numbers a title they would be 100 MB and more."""
MOST_FACTORS: Final = 256


@dataclass(frozen=True, kw_only=True)
class Factors:
    """Of T titles, in the order in which a table names them.

    Attributes
    ----------
    titles
        (T, D); zeros of a title that nobody engaged with.
    gram
        (D, D) `titles.T @ titles`, of all titles that they were fitted with.
    penalty
        Lambda of the paper, above 0.
    confidence
        Alpha: what an engagement weighs beside the 1 of everything not engaged with.
    """

    titles: F32
    gram: Floats
    penalty: float
    confidence: float

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(T,) whether anything is known of each title."""
        return np.asarray(self.titles.any(axis=1))

    @cached_property
    def base(self) -> Floats:
        """(D, D): what a viewer's system is made of before they took anything."""
        return self.gram + self.penalty * np.eye(len(self.gram))

    def viewer(self, taken: Sequence[int] | Ints) -> F32 | None:
        """Return (D,) the factors of a viewer who took these titles, each once (equation 4).

        None where nothing is known of any of them.
        """
        rows = np.unique(np.asarray(taken, np.int64))
        rows = rows[self.known[rows]]
        if not len(rows):
            return None
        its = self.titles[rows].astype(np.float64)
        system = self.base + self.confidence * (its.T @ its)
        made: F32 = np.linalg.solve(system, (1.0 + self.confidence) * its.sum(axis=0)).astype(
            np.float32
        )
        return made


def factors_of(titles: Floats, *, penalty: float, confidence: float) -> Factors:
    """Return fitted factors, (T, D), as they are kept."""
    kept = titles.astype(np.float32)
    wide = kept.astype(np.float64)
    return Factors(titles=kept, gram=wide.T @ wide, penalty=penalty, confidence=confidence)


def write_factors(path: Path, held: Factors) -> None:
    """Write them as safetensors, whole."""
    with appearing(path) as passing:
        save_file(
            {
                "titles": np.ascontiguousarray(held.titles, np.float32),
                "gram": np.ascontiguousarray(held.gram, np.float64),
                "weights": np.array([held.penalty, held.confidence], np.float64),
            },
            passing,
        )


def read_factors(path: Path, titles: int) -> Factors:
    """Return what stands in a file.

    Raises
    ------
    ModelRejected
        It is not of so many titles, or a number is none.
    """
    held = read_arrays(path)
    rows = held.get("titles")
    width = rows.shape[1] if rows is not None and rows.ndim == 2 else 0
    if not 0 < width <= MOST_FACTORS or titles > MOST_TITLES:
        raise ModelRejected(f"{path.name}: has {width} factors, not 1 to {MOST_FACTORS}")
    shapes = {"titles": (titles, width), "gram": (width, width), "weights": (2,)}
    check_arrays(held, shapes, path=path, of=f"{titles:,} titles")
    penalty, confidence = (float(each) for each in held["weights"])
    # then a viewer's system has one solution, whatever they took
    if penalty <= 0.0 or confidence < 0.0 or np.linalg.eigvalsh(held["gram"])[0] <= -penalty / 2:
        raise ModelRejected(f"{path.name}: no viewer's factors can be solved for")
    return Factors(
        titles=held["titles"].astype(np.float32),
        gram=held["gram"].astype(np.float64),
        penalty=penalty,
        confidence=confidence,
    )
