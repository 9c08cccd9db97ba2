"""A table as it serves: written, read back, and asked as the service asks it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import numpy as np
from numpy.random import default_rng

from keyart.models.serendipity.advice.plan import worth_of
from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.comings import Comings
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.making import Fitted, collective_of, make_table
from keyart.models.serendipity.planners.fitted import fit_planners
from keyart.models.serendipity.scorer import Scorer, best_of, scorer_of
from keyart.models.serendipity.table import Table, read_table
from keyart.models.serendipity.world import Floats, World

BEST_OF: Final = (4, 16)


class AsServed:
    """A planner that is a table; what the table does not speak for comes last, all alike."""

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self._table = table

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        worth = np.stack([worth_of(self._table, *history) for history in histories])
        spoken = np.isfinite(worth)
        least = worth[spoken].min() - 1.0 if spoken.any() else 0.0
        made: Floats = np.where(spoken, worth, least)
        return made


class Chosen(AsServed):
    """A table of whose proposals a scorer picks the best; best of 1 is the table itself."""

    def __init__(self, name: str, table: Table, scorer: Scorer, n: int) -> None:
        super().__init__(name, table)
        self._scorer, self._n = scorer, n

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        told = super().scores(histories)
        return np.stack(
            [
                best_of(worth, self._scorer.scores(history), history.order, self._n)
                for worth, history in zip(told, histories, strict=True)
            ]
        )


class Shuffled(AsServed):
    """A table whose rows are dealt to other clusters: popular ones stay so, and nothing follows."""

    def __init__(self, name: str, table: Table, *, seed: int = 0) -> None:
        super().__init__(name, table)
        self._dealt = default_rng(seed).permutation(len(table.words.names)).tolist()

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        dealt = self._dealt
        return super().scores(
            [History(tuple(dealt[at] for at in order), counts) for order, counts in histories]
        )


def written(world: World, fitted: Fitted) -> Table:
    """Return a table as it is read where it serves."""
    with TemporaryDirectory(prefix="keyart-") as folder:
        make_table(Path(folder), world, fitted)
        return read_table(Path(folder))


def earlier(world: World, teaching: Sequence[int]) -> World | None:
    """Return a world of what was done up to the middle of what the teaching did in time.

    What has no time cannot be said to be earlier, and is not in it. None where nothing has a time.
    """
    its = world.at_ms[np.isin(world.viewer, list(teaching))]
    timed = its[np.isfinite(its)]
    if not len(timed):
        return None
    kept = world.at_ms <= np.median(timed)
    return replace(
        world, viewer=world.viewer[kept], title=world.title[kept], at_ms=world.at_ms[kept]
    )


def stale(
    table: Table, world: World, fitted: Fitted, centres: Floats, *, seed: int = 0
) -> AsServed | None:
    """Return a table as it would serve, had it been made when half of it had been done.

    Of the same clusters, by the same planner; what it knows of pairs alone is not asked. None where
    nothing has a time.
    """
    before = earlier(world, fitted.teaching)
    if before is None:
        return None
    labels, teaching = fitted.labels, fitted.teaching
    planners, memory = fit_planners(before, labels, centres, teaching, seed=seed)
    ways = Ways(before, labels, seed=seed)
    comings = Comings([ways.sequence(viewer).order for viewer in teaching], memory.clusters)
    planner = next(each for each in planners if each.name == fitted.planner.name)
    known = collective_of(planner, memory, comings)
    return AsServed("stale table", msgspec.structs.replace(table, collective=known))


def as_served(table: Table, *, seed: int = 0) -> list[AsServed]:
    """Return a table made of opinions as it serves, with pairs alone, shuffled, and with a scorer.

    The scorer's control has its labels shuffled.
    """
    collective = table.collective
    assert collective is not None
    labels = scorer_of(collective.after), scorer_of(collective.after, shuffled=default_rng(seed))
    chosen = [
        Chosen(f"{said}, best of {n}", table, scorer, n)
        for said, scorer in zip(("scorer", "shuffled scorer"), labels, strict=True)
        for n in BEST_OF
    ]
    alone = msgspec.structs.replace(table, collective=None)
    return [
        AsServed("table as served", table),
        AsServed("table of pairs alone", alone),
        Shuffled("shuffled table", table, seed=seed),
        *chosen,
    ]
