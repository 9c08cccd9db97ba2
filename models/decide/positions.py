"""What positions have done on every surface, over all titles, and what exposures are worth so."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from keyart.models.belief.positions import BANDS, Array, Positions, learn
from keyart.models.sums.adding import OTHER_SURFACE
from keyart.schemas.posterior import Cell, TitleSums

MATTERS: Final = 1e-3
"""Factors that moved by a smaller part are kept: every title would be worked out anew for them."""


class Places:
    """Sums of every title by surface and band of positions, and what was learned of them.

    Attributes
    ----------
    learned
        Surface -> what positions do there; one for all surfaces that are counted together.
    """

    def __init__(self) -> None:
        self.learned: Mapping[str, Positions] = {}
        self._held: dict[str, dict[str, _Bands]] = {}

    def forget(self, title: str) -> None:
        """Forget a title; one that is not there is no error."""
        self._held.pop(title, None)

    def hold(self, sums: TitleSums, artworks: Sequence[str]) -> None:
        """Take the sums of a title, as far as it is known where its artworks stood."""
        self.forget(sums.title)
        found: dict[str, _Bands] = {}
        for at, artwork in enumerate(artworks):
            for surface, cell in sums.artworks.get(artwork, {}).items():
                if not cell.bands:
                    continue
                if surface not in found:
                    found[surface] = _Bands.empty(len(artworks))
                found[surface].put(at, cell)
        if found:
            self._held[sums.title] = found

    def learn(self, own: Collection[str]) -> bool:
        """Learn anew from all titles; return whether that moves what exposures are worth.

        Parameters
        ----------
        own
            The surfaces that stand alone; all others are counted together.
        """
        cells: dict[str, list[_Bands]] = {}
        for its in self._held.values():
            for surface, bands in its.items():
                cells.setdefault(_counted(surface, own), []).append(bands)
        found = {
            name: learn(
                np.concatenate([each.takes for each in its]),
                np.concatenate([each.expected for each in its]),
            )
            for name, its in sorted(cells.items())
        }
        before = self.learned
        moved = found.keys() != before.keys() or any(
            np.abs(its.factor / before[name].factor - 1.0).max() > MATTERS
            for name, its in found.items()
        )
        if moved:
            self.learned = found
        return moved

    def worth(self, title: str, own: Collection[str]) -> dict[str, Array]:
        """Return surface -> (K,) what a title's exposures are worth, around 1; 1 where not there.

        Of what was shown nobody knows where, an exposure is worth one.
        """
        return {
            surface: 1.0 + bands.shares @ (learned.factor - 1.0)
            for surface, bands in self._held.get(title, {}).items()
            if (learned := self.learned.get(_counted(surface, own))) is not None
        }


class _Bands(NamedTuple):
    """Of K artworks on one surface (K, B): takes, expected takes, and these as parts of all."""

    takes: Array
    expected: Array
    shares: Array

    @classmethod
    def empty(cls, artworks: int) -> "_Bands":
        return cls(*np.zeros((3, artworks, BANDS)))

    def put(self, at: int, cell: Cell) -> None:
        """Take over the sums of artwork `at`."""
        bands = np.array(cell.bands[: len(cell.bands) // 2 * 2][: 2 * BANDS]).reshape(-1, 2)
        self.takes[at, : len(bands)], self.expected[at, : len(bands)] = bands.T
        if cell.expected > 0.0:
            self.shares[at] = self.expected[at] / cell.expected


def _counted(surface: str, own: Collection[str]) -> str:
    return surface if surface in own else OTHER_SURFACE
