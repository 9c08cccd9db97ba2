"""What is believed of pictures that stood at other places of a page, where the truth is known.

Titles whose artworks are all truly alike; of each, one stood at the top and the others below, or
all stood alike; takes fall with the place, or do not. Through the board, with positions counted and
without (docs/decisions/0370).
"""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

import numpy as np
from rich.console import Console
from rich.table import Table

from keyart.models.belief.positions import BANDS
from tests.unit.models.decide.test_positions import FALLING, believed, bias, told

SEEDS = range(100, 120)


def main() -> list[Row]:
    """Print the table, and return its rows."""
    table = Table(title=f"positions, {len(SEEDS)} seeds", title_justify="left")
    for heading in ("", "bias", "quartiles", "error of all"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = []
    for words, factor in (("takes fall", FALLING), ("places do nothing", np.ones(BANDS))):
        for apart in (True, False):
            worlds = [told(seed, factor, apart=apart) for seed in SEEDS]
            for position in (False, True):
                owns = [believed(world, position=position)[0] for world in worlds]
                low, median, high = np.quantile([bias(own) for own in owns], (0.25, 0.5, 0.75))
                error = float(np.mean([_error(own) for own in owns]))
                name = f"{words}, {'one at the top' if apart else 'all alike'}, "
                name += "positions counted" if position else "without"
                row = Row(
                    bench="position",
                    name=name,
                    unit="log of believed over true",
                    median=float(median),
                    low=float(low),
                    high=float(high),
                    note=f"root mean square of all artworks {error:.4f}",
                )
                table.add_row(name, f"{median:+.3f}", f"{low:+.3f} - {high:+.3f}", f"{error:.4f}")
                rows.append(row)
    Console(width=150).print(table)
    return rows


def _error(own: np.ndarray) -> float:
    return float(np.sqrt((np.log(own / own.mean(axis=1, keepdims=True)) ** 2).mean()))


if __name__ == "__main__":
    main()
