"""Which surfaces have a level of their own, over all titles.

Names of surfaces come with requests, and beliefs cost the square of their number. So at most
`MOST_SURFACES` have a level of their own; what happens on the others is counted together. Which
those are follows from the sums alone: it is the same in every process, and after a restart.
"""

from collections import Counter
from collections.abc import Mapping
from math import floor, log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.sums.adding import OTHER_SURFACE

MOST_SURFACES: Final = 16
LEAST_EVIDENCE: Final = 64.0
"""Expected takes below which a surface is not told from the rest, once there are too many."""

Cells = dict[str, NDArray[np.float64]]
"""Surface -> (2, K): reward and expected takes of each artwork of a title."""


class Surfaces:
    """Sums of every title by surface, and which surfaces stand alone."""

    def __init__(self) -> None:
        self.columns: tuple[str, ...] = ()
        self._held: dict[str, Cells] = {}
        self._titles: Counter[str] = Counter()
        self._place: dict[str, int] = {}

    @property
    def pooled(self) -> int:
        """How many surfaces are counted together."""
        return len(self._titles.keys() - set(self.columns))

    def hold(self, title: str, cells: Cells) -> None:
        """Take the sums of a title; none forgets it."""
        for surface in self._held.pop(title, ()):
            self._titles[surface] -= 1
            if not self._titles[surface]:
                del self._titles[surface]
        if cells:
            self._held[title] = cells
            self._titles.update(cells.keys())

    def choose(self) -> bool:
        """Choose anew which surfaces stand alone; return whether that changed."""
        names = self._titles.keys() - {OTHER_SURFACE}
        own = sorted(names) if len(names) <= MOST_SURFACES else self._strongest(names)
        rest = len(own) < len(self._titles)
        columns = (*own, *((OTHER_SURFACE,) if rest else ()))
        changed = columns != self.columns
        self.columns = columns
        self._place = {surface: at for at, surface in enumerate(columns)}
        return changed

    def fill(
        self,
        title: str,
        takes: NDArray[np.float64],
        expected: NDArray[np.float64],
        worth: Mapping[str, NDArray[np.float64]],
    ) -> None:
        """Write a title's sums into (K, S) tables, a column for each of `columns`.

        `worth` is, by surface, what each artwork's exposures count (K,); 1 where nothing is said.
        """
        takes[:] = expected[:] = 0.0
        rest = len(self.columns) - 1
        for surface, cells in self._held.get(title, {}).items():
            column, size = self._place.get(surface, rest), cells.shape[1]
            takes[:size, column] += cells[0]
            expected[:size, column] += cells[1] * worth.get(surface, 1.0)

    def _strongest(self, names: set[str]) -> list[str]:
        """Return the surfaces with the most evidence, by its order of magnitude, then by name.

        By magnitude, because a level of its own that comes and goes teaches nobody.
        """
        evidence: Mapping[str, float] = self._evidence()
        strong = [name for name in names if evidence[name] >= LEAST_EVIDENCE]
        strong.sort(key=lambda name: (-floor(log2(evidence[name])), name))
        return sorted(strong[:MOST_SURFACES])

    def _evidence(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for cells in self._held.values():
            for surface, table in cells.items():
                found[surface] += float(table[1].sum())  # type: ignore[assignment]
        return found
