"""What poison turns in a prior that is fitted on a log, with and without bounds, and their cost.

Logs of `ROWS` honest rewards (`tests/poisons.py`: 40 titles, their true takes known) are poisoned
toward the worst artwork of one title: by one loud viewer, by new viewers within one hour, and by a
slow drip of viewers who look like any others. Winners that turn are titles' over `SEEDS`. The cost
is on clean logs, of titles that live for a fortnight and of news: rank correlation with the truth
and takes of the prior's favourites, with less without bounds, paired by seed. What a drip turns is
the limit that is left: nothing tells its makers from viewers who like what they see.

And what the gate then says of a prior that is right: whether its calibration passes.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

import tests.benchmarks.common  # noqa: F401 - first: it keeps numerical libraries to one thread
from keyart.models.dataset.influence import Bounds
from keyart.models.ope.gate.rules import PASSED, calibration
from keyart.services.jobs.priors.counting import UNBOUNDED
from tests.benchmarks.common import Row
from tests.poisons import (
    POISON,
    Learned,
    Shape,
    World,
    learned,
    slope_of_truth,
    write_log,
)

SEEDS: Final = 10
ROWS: Final = 20_000
DRIPS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01)


def main() -> list[Row]:
    """Print the tables."""
    return [*turned(), *cost(), *vetoed()]


def pairs(
    shape: Shape, *, share: float = POISON, news: bool = False
) -> Iterator[tuple[World, Learned, Learned]]:
    """Yield, by seed, what is true and what is learned without bounds and with them."""
    for seed in range(SEEDS):
        world = World.made(seed)
        with tempfile.TemporaryDirectory() as folder:
            log = write_log(
                Path(folder), world, seed, rows=ROWS, shape=shape, news=news, share=share
            )
            yield world, learned(log, world, UNBOUNDED), learned(log, world, Bounds())


def turned() -> list[Row]:
    """Print how often the target of a poison wins."""
    table = Table(
        "poison",
        "of the log, %",
        "without bounds",
        "with",
        title=f"logs of {SEEDS} whose worst artwork became the winner",
    )
    rows: list[Row] = []
    shapes: list[tuple[Shape, float]] = [("loud", POISON), ("burst", POISON), ("drip", POISON)]
    for shape, share in [*shapes, *(("drip", share) for share in DRIPS)]:
        won = np.zeros(2, np.intp)
        for world, *both in pairs(shape, share=share):
            won += [each.winner() == world.target for each in both]
        table.add_row(shape, f"{100 * share:g}", *(str(each) for each in won.tolist()))
        for kind, count in zip(("unbounded", "bounded"), won.tolist(), strict=True):
            rows.append(_row(f"{shape} {100 * share:g} %, {kind}", "logs turned", float(count)))
    Console().print(table)
    return rows


def cost() -> list[Row]:
    """Print what the bounds cost on clean logs."""
    rows: list[Row] = []
    for news in (False, True):
        found = [
            (
                both[1].correlation(world) - both[0].correlation(world),
                100.0 * (both[1].taken(world) / both[0].taken(world) - 1.0),
                100.0 * (1.0 - both[1].counts / both[0].counts),
            )
            for world, *both in pairs("clean", news=news)
        ]
        kind = "titles of an afternoon" if news else "titles of a fortnight"
        names = ("rank correlation", "takes of its favourites, %", "left out of the log, %")
        for name, its in zip(names, np.array(found).T, strict=True):
            mean, error = float(its.mean()), float(its.std(ddof=1) / np.sqrt(SEEDS))
            low, high = mean - 2.262 * error, mean + 2.262 * error  # t, 9 degrees of freedom
            Console().print(
                f"clean, {kind}: {name} {mean:+.3f} ({low:+.3f} to {high:+.3f})", highlight=False
            )
            made = Row(
                bench="influence", name=f"{name}, {kind}", unit="", median=mean, low=low, high=high
            )
            rows.append(made)
    return rows


def vetoed() -> list[Row]:
    """Print what the gate says of a prior that is right, of its calibration."""
    table = Table(
        "log", "without bounds", "with", title=f"logs of {SEEDS} on which a true prior passes"
    )
    rows: list[Row] = []
    shapes: tuple[Shape, ...] = ("clean", "loud", "burst", "drip")
    for shape in shapes:
        passed = np.zeros(2, np.intp)
        for seed in range(SEEDS):
            world = World.made(seed)
            with tempfile.TemporaryDirectory() as folder:
                log = write_log(Path(folder), world, seed, rows=ROWS, shape=shape)
                passed += [
                    calibration(slope_of_truth(log, world, bounds)).outcome == PASSED
                    for bounds in (None, Bounds())
                ]
        table.add_row(shape, *(str(each) for each in passed.tolist()))
        for kind, count in zip(("unbounded", "bounded"), passed.tolist(), strict=True):
            rows.append(_row(f"gate on {shape}, {kind}", "logs passed", float(count)))
    Console().print(table)
    return rows


def _row(name: str, unit: str, value: float) -> Row:
    return Row(bench="influence", name=name, unit=unit, median=value, low=value, high=value)
