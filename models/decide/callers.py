"""What each caller's key has told of titles, and what of it counts (`models/sums/callers`).

Which keys are bounded follows from the sums alone: it is the same in every process, and after a
restart.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keyart.models.decide.surfaces import Cells
from keyart.models.sums.callers import weights
from keyart.models.sums.rates import Array
from keyart.schemas import posterior
from keyart.schemas.posterior import TitleSums


class Bound(NamedTuple):
    """Of a key that is bounded on a title: the expected takes that it told, and how many count."""

    told: float
    counts: float


class Callers:
    """Keys and titles.

    Attributes
    ----------
    bounds
        Title -> caller -> what is held back of what it told.
    """

    def __init__(self) -> None:
        self.bounds: dict[str, dict[str, Bound]] = {}
        self._cells: dict[str, Cells] = {}
        self._told: dict[str, dict[str, Cells]] = {}
        self._mass: dict[str, dict[str, float]] = {}
        self._total: defaultdict[str, float] = defaultdict(float)

    @property
    def several(self) -> Iterable[str]:
        """The titles that several keys have told."""
        return self._told.keys()

    def forget(self, title: str) -> None:
        """Forget a title; one that is not there is no error."""
        for caller, mass in self._mass.pop(title, {}).items():
            self._total[caller] -= mass
        for held in (self._cells, self._told, self.bounds):
            held.pop(title, None)

    def hold(self, sums: TitleSums, artworks: Sequence[str]) -> Cells:
        """Take the sums of a title; return those of all callers together, (2, K) by surface."""
        self.forget(sums.title)
        cells = _arrays(sums.artworks, artworks)
        if sums.callers:
            told = {name: _arrays(its, artworks) for name, its in sums.callers.items()}
            self._cells[sums.title], self._told[sums.title] = cells, told
            mass = {name: _shown(its) for name, its in told.items()}
        else:
            mass = {sums.caller: _shown(cells)}
        self._mass[sums.title] = mass
        for caller, its_mass in mass.items():
            self._total[caller] += its_mass
        return cells

    def bounded(self, title: str) -> Cells:
        """Return the sums of a title that several have told, as far as they count."""
        cells, told, mass = self._cells[title], self._told[title], self._mass[title]
        elsewhere = {name: self._total[name] - mass.get(name, 0.0) for name in self._total}
        size = next((table.shape[1] for table in cells.values()), 0)
        whole = {name: _over_surfaces(its, size) for name, its in told.items()}
        found = weights(whole, elsewhere)
        self.bounds.pop(title, None)
        if not found:
            return cells
        self.bounds[title] = {
            name: Bound(mass[name], float((weight * whole[name][1]).sum()))
            for name, weight in found.items()
        }
        left = {surface: table.copy() for surface, table in cells.items()}
        for name, weight in found.items():
            for surface, table in told[name].items():
                if surface in left:
                    # a surface beyond those kept may be another one's of all callers together
                    left[surface] = np.maximum(left[surface] - (1.0 - weight) * table, 0.0)
        return left

    def held_back(self) -> dict[str, float]:
        """Return caller -> expected takes that it told and that do not count now."""
        found: defaultdict[str, float] = defaultdict(float)
        for its in self.bounds.values():
            for name, each in its.items():
                found[name] += each.told - each.counts
        return dict(found)


def _arrays(cells: posterior.Cells, artworks: Sequence[str]) -> Cells:
    found: Cells = {}
    for at, artwork in enumerate(artworks):
        for surface, cell in cells.get(artwork, {}).items():
            if surface not in found:
                found[surface] = np.zeros((2, len(artworks)))
            found[surface][:, at] = cell.reward, cell.expected
    return found


def _over_surfaces(cells: Mapping[str, Array], size: int) -> Array:
    return np.asarray(sum(cells.values(), np.zeros((2, size))))


def _shown(cells: Mapping[str, Array]) -> float:
    return float(sum(table[1].sum() for table in cells.values()))
