"""What a title's group says of its level, where the truth is known; and what that does to choices.

240 titles of 5 artworks in 8 groups, a third of them new, with and without levels that groups share
(docs/decisions/0372). Differences are taken world by world.
"""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.unit.models.belief.test_group_levels import TITLES, believed, error, world

SEEDS = range(100, 130)
BETWEEN = (0.0, 0.7, 1.2)
"""Standard deviation of the groups' log levels; that of titles within one is 0.35."""
NEW = (0.0, 15.0, 60.0)
"""Impressions of each artwork of a new title; the others' have 400."""


def main() -> list[Row]:
    """Print the table, and return its rows."""
    table = Table(title=f"levels of groups, {len(SEEDS)} seeds", title_justify="left")
    for heading in ("", "error alone", "shared", "difference (95 %)", "takes, shared over alone"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = []
    for between in BETWEEN:
        for new in NEW:
            found = np.array([_played(seed, between, new) for seed in SEEDS])
            alone, shared, takes = found.T
            off = shared - alone
            wide = 1.96 * off.std(ddof=1) / np.sqrt(len(off))
            gain, around = takes.mean(), 1.96 * takes.std(ddof=1) / np.sqrt(len(takes))
            name = f"groups differ by {between:g}, {new:.0f} impressions"
            row = Row(
                bench="groups",
                name=name,
                unit="difference of the root mean square of log level, new titles",
                median=float(off.mean()),
                low=float(off.mean() - wide),
                high=float(off.mean() + wide),
                note=f"takes {gain:+.2%} ± {around:.2%}",
            )
            table.add_row(
                name,
                f"{alone.mean():.3f}",
                f"{shared.mean():.3f}",
                f"{off.mean():+.4f} ± {wide:.4f}",
                f"{gain:+.2%} ± {around:.2%}",
            )
            rows.append(row)
    Console(width=150).print(table)
    return rows


def _played(seed: int, between: float, new: float) -> tuple[float, float, float]:
    """Return the errors of new titles' levels, alone and shared, and what is taken more."""
    its = world(seed, between, new=new)
    alone, shared = (believed(its.sums, shared=each) for each in (False, True))
    taken = [
        its.takes[np.arange(TITLES), found.log_relative.argmax(axis=1)].sum()
        for found in (alone, shared)
    ]
    return error(its, alone, its.new), error(its, shared, its.new), taken[1] / taken[0] - 1.0


if __name__ == "__main__":
    main()
