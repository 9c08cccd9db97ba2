"""What is learned from a log of pictures that stood at other places, where the truth is known.

A prior fitted as `keyart retrain` does (`tests/poisons.py`: 40 titles of 4 artworks whose true
takes follow from their vectors), and the direct and the doubly robust estimate of the policy that
shows what stood at the top, with positions counted and without, paired by seed. What stood at the
top goes with a direction of the vectors, so that a prior could learn it; or all stood alike; takes
fall with the place, or do not (docs/decisions/0410).
"""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from keyart.models.belief.positions import BANDS
from keyart.models.dataset.influence import Bounds
from tests.placed import judged, write_placed
from tests.poisons import World, learned
from tests.unit.models.decide.test_positions import FALLING

SEEDS: Final = range(100, 120)
ROWS: Final = 30_000
FIGURES: Final = (
    "prior: rank correlation with the truth",
    "prior: root mean square of log over true",
    "direct method: estimate over true, less 1",
    "doubly robust: estimate over true, less 1",
    "doubly robust: width of the interval over true",
)


def main() -> list[Row]:
    """Print the table, and return its rows."""
    table = Table(title=f"positions of a log, {len(SEEDS)} seeds: means, difference with 95 %")
    for heading in ("", "without", "with positions", "difference"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = []
    for words, factor in (("takes fall", FALLING), ("places do nothing", np.ones(BANDS))):
        for apart in (True, False):
            found = np.array([_figures(seed, factor, apart=apart) for seed in SEEDS])
            where = f"{words}, {'some at the top' if apart else 'all alike'}"
            for at, figure in enumerate(FIGURES):
                without, counted = found[:, 0, at], found[:, 1, at]
                more = counted - without
                half = stats.sem(more) * stats.t.ppf(0.975, len(more) - 1)
                low, high = more.mean() - half, more.mean() + half
                name = f"{where}; {figure}"
                table.add_row(
                    name,
                    f"{without.mean():.3f}",
                    f"{counted.mean():.3f}",
                    f"{more.mean():+.3f} ({low:+.3f} to {high:+.3f})",
                )
                rows.append(
                    Row(
                        bench="position_log",
                        name=name,
                        unit="with positions less without",
                        median=float(more.mean()),
                        low=float(low),
                        high=float(high),
                        note=f"without {without.mean():.4f}, with {counted.mean():.4f}",
                    )
                )
    Console(width=150).print(table)
    return rows


def _figures(seed: int, factor: np.ndarray, *, apart: bool) -> list[list[float]]:
    """Return `FIGURES` without positions, and with them."""
    world, found = World.made(seed), []
    with tempfile.TemporaryDirectory() as folder:
        log, truth = write_placed(Path(folder), world, seed, rows=ROWS, factor=factor, apart=apart)
        for positions in (False, True):
            prior = learned(log, world, Bounds(positions=positions))
            value = judged(log, world, positions=positions)
            direct, robust = value["dm"], value["dr"]
            found.append(
                [
                    prior.correlation(world),
                    prior.error(world),
                    direct.estimate / truth - 1.0,
                    robust.estimate / truth - 1.0,
                    (robust.high - robust.low) / truth,
                ]
            )
    return found


if __name__ == "__main__":
    main()
