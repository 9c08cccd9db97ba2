"""What the exposures of a log are worth by where on the page they stood.

As serving counts them (`models.belief.positions`): one factor for each band of places, over all
titles, within each artwork on a surface; an impression at factor f is worth f of an average one. On
a log it is learned anew from whatever rows are asked, so that none is judged by what it taught.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.belief.positions import BANDS, learn
from keyart.schemas.posterior import BAND_STARTS, band_of
from keyart.schemas.training import columns

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

COLUMNS: Final = columns("surface", "position")
"""What has to be read for it; an earlier keyart did not write the position."""
MOST_SURFACES: Final = 16
"""So many have factors of their own, those with the most takes; all others are counted together."""
UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Factors:
    """What places do.

    Parameters
    ----------
    surfaces
        (S,) those with factors of their own.
    table
        (S + 1, B + 1) factors, around 1 on average over what was shown; the last row is of all
        other surfaces, the last column of places that are not known: 1.
    """

    surfaces: tuple[str, ...]
    table: Array

    def at(self, surface: str, position: int) -> float:
        """Return the factor of a position, from 1; 0: it is not known."""
        row = self.surfaces.index(surface) if surface in self.surfaces else -1
        return float(self.table[row, band_of(position)])

    def words(self) -> list[str]:
        """Return a sentence for each surface on which places differ."""
        said = []
        for surface, factors in zip((*self.surfaces, "others"), self.table, strict=True):
            if np.abs(factors - 1.0).max() < 0.005:
                continue
            pairs = zip(BAND_STARTS, factors, strict=False)
            told = ", ".join(f"{factor:.2f} from {start}" for start, factor in pairs)
            said.append(f"on {surface}, places take so many times what an average one does: {told}")
        return said


NOTHING: Final = Factors((), np.ones((1, BANDS + 1)))
"""Of a log that does not say where anything stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where each of N exposures stood: (N,) each.

    Parameters
    ----------
    cell
        Number of the artwork on its surface.
    surface
        Row of the factors.
    band
        Band of places; `UNKNOWN` where the log does not say.
    surfaces
        (S,) surfaces with factors of their own.
    """

    cell: Numbers
    surface: Numbers
    band: Numbers
    surfaces: tuple[str, ...]

    def learn(self, takes: Array, expected: Array) -> Factors:
        """Return what places do, from takes and expected takes (N,); 0 and 0 say nothing."""
        known = self.band != UNKNOWN
        owner = np.zeros(int(self.cell.max(initial=-1)) + 1, np.intp)
        owner[self.cell] = self.surface
        at = self.cell[known] * BANDS + self.band[known]
        taken, shown = (
            np.bincount(at, mass[known], len(owner) * BANDS).reshape(len(owner), BANDS)
            for mass in (takes, expected)
        )
        table = np.ones((len(self.surfaces) + 1, BANDS + 1))
        for row, factors in enumerate(table):
            factors[:BANDS] = learn(taken[owner == row], shown[owner == row]).factor
        return Factors(self.surfaces, table)

    def worth(self, factors: Factors) -> Array:
        """Return (N,) what each exposure is worth; 1 where nobody knows where it stood."""
        return np.asarray(factors.table[self.surface, self.band])


def standing_of(rows: "pl.DataFrame") -> Standing | None:
    """Return where rewards stood; None where the log says it of none.

    Parameters
    ----------
    rows
        With the columns `title`, `artwork` and `value`, and where the log has them `COLUMNS`.
    """
    import polars as pl  # not in every image: the reader says so

    if any(name not in rows.columns for name in COLUMNS):
        return None
    position = rows["position"].fill_null(0).cast(pl.Int64).to_numpy()
    if not (position > 0).any():
        return None
    rows = rows.with_columns(pl.col("surface").fill_null(""))
    strongest = (
        rows.group_by("surface")
        .agg(pl.col("value").sum())
        .sort("value", "surface", descending=[True, False])["surface"]
    )
    own = tuple(sorted(strongest.head(MOST_SURFACES).to_list()))
    band = np.searchsorted(BAND_STARTS, position, side="right") - 1
    return Standing(
        cell=_numbers(rows, ("title", "artwork", "surface")),
        surface=_rows_of(rows["surface"], own),
        band=band.astype(np.intp),
        surfaces=own,
    )


def _numbers(rows: "pl.DataFrame", names: Sequence[str]) -> Numbers:
    """Return (N,) numbers of the combinations of some columns."""
    keys = rows.select(names).unique(maintain_order=True).with_row_index("number")
    joined = rows.select(names).join(keys, on=list(names), how="left", maintain_order="left")
    return joined["number"].to_numpy().astype(np.intp)


def _rows_of(surface: "pl.Series", own: tuple[str, ...]) -> Numbers:
    import polars as pl

    places = {name: at for at, name in enumerate(own)}
    found = surface.replace_strict(places, default=len(own), return_dtype=pl.Int64)
    return found.to_numpy().astype(np.intp)
