"""What a slate costs: a page of 40 titles x 10 artworks in process with one, beside one without.

From titles' ids to the choice, and on to the columns that are logged, as the service does both.
Attributes have few values (5, 3 and 7: soon all that a title has are taken) or many (1,000: few
are taken). Vectors are random, so that a cosine of 0.45 is rare and of 0.2 is not: soon all are
too near. Pages of both are timed in turn, one by one, so that what else the machine does it does to
both; the ratio is that of their medians, its interval of a bootstrap over the pairs (95 %).
"""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

import time
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from keyart.schemas.slates import Slate
from tests.benchmarks.pages import ARTWORKS, ROW, TITLES, Keyart

PAIRS: Final = 1500
DRAWS: Final = 500
SLATES: Final = {
    "one attribute, few values": Slate(alike={"mood": 1.0}),
    "one attribute, many values": Slate(alike={"face": 1.0}),
    "three attributes, few values": Slate(alike={"mood": 1.0, "cast": 0.5, "hue": 0.5}),
    "the same, half may be shared": Slate(alike={"mood": 1.0, "cast": 0.5, "hue": 0.5}, most=0.5),
    "three attributes, many values": Slate(alike={"face": 1.0, "place": 0.5, "look": 0.5}),
    "the same, explored once": Slate(
        alike={"face": 1.0, "place": 0.5, "look": 0.5}, explore_once=True
    ),
    "by vectors, few near": Slate(cosine=0.45),
    "by vectors, many near": Slate(cosine=0.2),
    "by vectors and one attribute": Slate(alike={"face": 1.0}, cosine=0.45),
}


def main() -> list[Row]:
    """Measure, print and return the table."""
    rng = np.random.default_rng(1)
    x = rng.normal(0.0, 0.7, (TITLES, ARTWORKS, 32)).astype(np.float32)
    ours = Keyart(x, rng)
    title = f"slates: {ROW} titles x {ARTWORKS} artworks, {PAIRS} pairs of pages"
    table = Table("", "ms without", "ms with", "times as long", "95 %", title=title)
    rows = []
    for (name, slate), log in product(SLATES.items(), (False, True)):
        name += ", with its log" if log else ""
        without, with_it = _pairs(partial(ours.row, log=log), partial(ours.row, slate, log=log))
        ratio, low, high = _ratio(without, with_it, rng)
        table.add_row(
            name,
            f"{1000 * np.median(without):.3f}",
            f"{1000 * np.median(with_it):.3f}",
            f"{ratio:.2f}",
            f"{low:.2f} to {high:.2f}",
        )
        rows.append(
            Row(
                bench="slates",
                name=name,
                unit="times as long as without a slate",
                median=ratio,
                low=low,
                high=high,
                note="ratio of medians, 95 % interval over pairs",
            )
        )
    Console(width=150).print(table)
    return rows


def _pairs(one: Callable[[], int], other: Callable[[], int]) -> tuple[np.ndarray, np.ndarray]:
    """Return (PAIRS,) seconds of the process's own time of each, in turn, after some that warm."""
    found = np.empty((2, PAIRS))
    for at in range(-100, PAIRS):
        for number, page in enumerate((one, other)):
            began = time.process_time()
            page()
            if at >= 0:
                found[number, at] = time.process_time() - began
    return found[0], found[1]


def _ratio(one: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> tuple[float, ...]:
    """Return the ratio of medians, and its interval."""
    drawn = rng.integers(PAIRS, size=(DRAWS, PAIRS))
    ratios = np.median(other[drawn], axis=1) / np.median(one[drawn], axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(np.median(other) / np.median(one)), float(low), float(high)


if __name__ == "__main__":
    main()
