"""Figures over worlds of several seeds: what was taken so far, means with intervals, a table."""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

Array = NDArray[np.float64]
WIDTH: Final = 150


def summed(got: Array, marks: Sequence[int]) -> Array:
    """Return (len(marks),) what was taken until each mark."""
    return np.asarray(got.ravel().cumsum()[np.array(marks) - 1])


def row_over_seeds(bench: str, name: str, values: Array, *, against: str) -> Row:
    """Return the mean of per cents, (seeds,), with its 95 % interval; none of a single seed."""
    middle, half = float(values.mean()), float("nan")
    if len(values) > 1:
        half = float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))
    return Row(
        bench=bench,
        name=name,
        unit="per cent",
        median=middle,
        low=middle - half,
        high=middle + half,
        against=against,
        note=f"mean over {len(values)} seeds, 95 % interval",
    )


def show_over_seeds(rows: Sequence[Row], marks: Sequence[int], seeds: int) -> None:
    """Print one line for each name, a column for each mark; rows are in that order."""
    table = Table(title=f"{rows[0].bench}: per cent over uniform, {seeds} seeds, 95 % intervals")
    table.add_column("")
    for mark in marks:
        table.add_column(f"{mark:,} impressions", justify="right")
    for first in range(0, len(rows), len(marks)):
        its = rows[first : first + len(marks)]
        cells = [f"{row.median:+.1f} ({row.low:+.1f} to {row.high:+.1f})" for row in its]
        table.add_row(its[0].name.rpartition(" at ")[0], *cells)
    Console(width=WIDTH).print(table)
