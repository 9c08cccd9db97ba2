"""A table as it serves: written, read back, and asked as the service asks it."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from keyart.models.serendipity.advice.plan import worth_of
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.making import Fitted, make_table
from keyart.models.serendipity.table import Table, read_table
from keyart.models.serendipity.world import Floats, World


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


def as_served(world: World, fitted: Fitted) -> list[AsServed]:
    """Return the table of a planner as it serves, and as it would if it knew pairs alone."""
    with TemporaryDirectory(prefix="keyart-") as folder:
        make_table(Path(folder), world, fitted)
        table = read_table(Path(folder))
    alone = msgspec.structs.replace(table, collective=None)
    return [AsServed("table as served", table), AsServed("table of pairs alone", alone)]
