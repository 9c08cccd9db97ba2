"""How everything here is measured: contenders in turn, round after round, in one process.

A round gives each contender the same short time, and a ratio is taken within a round; so whatever
else the machine does in that moment, it does to all of them. Time is the process's own processor
time, all threads together, so a busy machine costs no contender its turn. Medians and quartiles
over the rounds. Import this module first: it keeps numerical libraries to one thread.
"""

import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import time  # noqa: E402
from collections.abc import Callable, Mapping, Sequence  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

Contender = Callable[[], int]
"""Does some work and returns how many units of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; rates in `unit`, ratios against the row named `against`."""

    bench: str
    name: str
    unit: str
    median: float
    low: float
    high: float
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    against: str = ""
    note: str = ""


def rates(
    contenders: Mapping[str, Contender], *, rounds: int = 15, seconds: float = 0.2
) -> dict[str, list[float]]:
    """Return each contender's units per second in each round, after one round that is not kept."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        for name, contender in contenders.items():
            done, began = 0, time.process_time()
            while (spent := time.process_time() - began) < seconds:
                done += contender()
            if round_:
                found[name].append(done / spent)
    return found


def rows_of(
    bench: str,
    found: Mapping[str, Sequence[float]],
    *,
    unit: str,
    against: str,
    notes: Mapping[str, str] | None = None,
) -> list[Row]:
    """Return one row for each contender, its ratio taken within each round."""
    rows = []
    base = np.array(found[against])
    for name, values in found.items():
        low, median, high = np.percentile(values, (25, 50, 75))
        ratios = np.percentile(np.array(values) / base, (25, 50, 75))
        rows.append(
            Row(
                bench=bench,
                name=name,
                unit=unit,
                median=float(median),
                low=float(low),
                high=float(high),
                ratio=float(ratios[1]),
                ratio_low=float(ratios[0]),
                ratio_high=float(ratios[2]),
                against=against,
                note=(notes or {}).get(name, ""),
            )
        )
    return rows


def show(title: str, rows: Sequence[Row], console: Console | None = None) -> None:
    """Print the rows as one table."""
    table = Table(title=title, title_justify="left")
    for heading in ("", "median", "quartiles", "unit", "ratio", "quartiles", "note"):
        right = heading in ("median", "quartiles", "ratio")
        table.add_column(heading, justify="right" if right else "left")
    for row in rows:
        ratio = f"{row.ratio:,.2f} x" if row.ratio is not None else ""
        spread = (
            f"{row.ratio_low:,.2f} - {row.ratio_high:,.2f}"
            if row.ratio_low is not None and row.ratio_high is not None
            else ""
        )
        table.add_row(
            row.name,
            f"{row.median:,.0f}",
            f"{row.low:,.0f} - {row.high:,.0f}",
            row.unit,
            ratio,
            spread,
            row.note,
        )
    (console or Console(width=150)).print(table)


def as_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return the rows as plain values."""
    return [asdict(row) for row in rows]
