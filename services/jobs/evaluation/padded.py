"""Rewards with their candidates as arrays: every row of a training log at once, none in Python."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.context.sums import Array, Numbers
from keyart.models.decide.believed import LoggedTaste
from keyart.models.ope.rows import Mask
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.training import columns

if TYPE_CHECKING:
    import polars as pl

TASTE: Final = columns("taste_factors", "doubts")
"""What taste did to each candidate, and how sure that is; null where it was not logged."""
_TITLE, _NAME, _COLUMN = "title", "candidate", "column"


@dataclass(frozen=True, slots=True, kw_only=True)
class Padded:
    """N rewards; K is as many artworks as any title has.

    Parameters
    ----------
    titles, artworks
        (T,) ids; and for each of a title's artworks its column. Both in the order in which they
        first stood in the rows.
    title
        (N,) number of the title.
    action
        (N,) column of what was shown.
    allowed, logged
        (N, K) whether an artwork was a candidate, and its propensity.
    taste
        (N, K) factors and doubts; 1 and 0 where they were not logged.
    """

    titles: list[str]
    artworks: list[dict[str, int]]
    title: Numbers
    action: Numbers
    allowed: Mask
    logged: Array
    taste: LoggedTaste


def padded(frame: "pl.DataFrame") -> Padded:
    """Return rewards as arrays.

    Parameters
    ----------
    frame
        With `id`, `title`, `artwork`, `candidates`, `propensities` and `TASTE`.

    Raises
    ------
    InvalidRecord
        A reward has no candidates, or what stands beside them, or was shown, does not fit them.
    """
    import polars as pl  # not in every image: the reader says so

    sizes = _sizes(frame["candidates"])
    _fits(frame, sizes > 0, "has no candidates")
    _fits(frame, _sizes(frame["propensities"]) == sizes, "has not a propensity for each candidate")
    row = np.repeat(np.arange(frame.height), sizes)
    titles = frame[_TITLE].unique(maintain_order=True)
    title = _joined(frame.select(_TITLE), titles.to_frame().with_row_index(_COLUMN), [_TITLE])
    flat = pl.DataFrame({_TITLE: title[row], _NAME: _flat(frame["candidates"])})
    # artworks of a title in the order in which they first stood
    known = flat.unique(maintain_order=True).with_columns(
        pl.int_range(pl.len()).over(_TITLE).alias(_COLUMN)
    )
    column = _joined(flat, known, [_TITLE, _NAME])
    shown = pl.DataFrame({_TITLE: title, _NAME: frame["artwork"]})
    action = _joined(shown, known, [_TITLE, _NAME])
    _fits(frame, action >= 0, "shows what is no candidate")
    shape = (frame.height, int(column.max()) + 1)
    logged, allowed = np.zeros(shape), np.zeros(shape, np.bool_)
    factors, doubts = np.ones(shape), np.zeros(shape)
    allowed[row, column], logged[row, column] = True, _flat(frame["propensities"]).to_numpy()
    told = frame.select(pl.all_horizontal(pl.col(TASTE).is_not_null())).to_series().to_numpy()
    if told.any():
        its = told[row]
        for name, table in zip(TASTE, (factors, doubts), strict=True):
            _fits(frame, (_sizes(frame[name]) == sizes) | ~told, f"does not fit its {name}")
            table[row[its], column[its]] = _flat(frame[name].filter(told)).to_numpy()
    places: list[dict[str, int]] = [{} for _ in range(titles.len())]
    for number, name, at in known.select(_TITLE, _NAME, _COLUMN).iter_rows():
        places[number][name] = at
    return Padded(
        titles=titles.to_list(),
        artworks=places,
        title=title,
        action=action,
        allowed=allowed,
        logged=logged,
        taste=LoggedTaste(factors, doubts),
    )


def _sizes(lists: "pl.Series") -> Numbers:
    """Return (N,) how long each list is; 0 where there is none."""
    return lists.list.len().fill_null(0).to_numpy().astype(np.intp)


def _flat(lists: "pl.Series") -> "pl.Series":
    """Return what stands in the lists, one after the other."""
    full = lists.filter(lists.list.len() > 0)
    return full.explode()


def _joined(rows: "pl.DataFrame", known: "pl.DataFrame", on: list[str]) -> Numbers:
    """Return (N,) the column `column` of what is known, where each row stands there; else -1."""
    found = rows.join(known, on=on, how="left", maintain_order="left")[_COLUMN]
    return found.cast(int).fill_null(-1).to_numpy().astype(np.intp)


def _fits(frame: "pl.DataFrame", fits: NDArray[np.bool_], what: str) -> None:
    if not fits.all():
        raise InvalidRecord(f"reward {frame['id'][int(fits.argmin())]} {what}")
