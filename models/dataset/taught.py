"""The training log as it may teach: each reward with what it counts (`influence`)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.influence import Bounds, Told, weights
from keyart.models.dataset.places import COLUMNS as STOOD
from keyart.models.dataset.places import NOTHING, Factors, standing_of
from keyart.models.dataset.training_log import read_rewards
from keyart.models.sums.bursts import MOST_TAKES, WINDOW
from keyart.models.sums.held import Seen, held_of
from keyart.schemas.errors import NotFound
from keyart.schemas.training import columns

if TYPE_CHECKING:
    import polars as pl

HOUR_MS: Final = 3_600_000
ERASED: Final = "0" * 32
COUNTS: Final = "counts"
"""The column of weights, 0 to 1; whoever fits sums with it."""
PLACE: Final = "place"
"""The column of what an exposure is worth by where it stood, around 1 (`models.dataset.places`)."""
_COLUMNS: Final = columns("viewer", "title", "artwork", "value")
_LATER: Final = columns("multiplier", "fresh", "logged_at_ms", "offset", "closed_at_ms")


def taught_sums() -> "dict[str, pl.Expr]":
    """Return what rewards of `Taught` add up to: `impressions`, expected relative takes; `takes`.

    Each counts what it may, and an impression what its place and its multiplier make of it.
    """
    import polars as pl  # not in every image: the reader says so

    shown = pl.col(COUNTS) * pl.col(PLACE) * pl.col("multiplier")
    return {"impressions": shown.sum(), "takes": (pl.col(COUNTS) * pl.col("value")).sum()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What the rewards of a log count.

    Parameters
    ----------
    counts
        Reward id -> what it counts, of those that do not count in full.
    places
        What exposures are worth by where they stood.
    """

    counts: dict[str, float] = field(default_factory=dict)
    places: Factors = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What may teach.

    Parameters
    ----------
    rows
        Rewards that count for something, in the order shown, with their `counts` and `place`.
    held
        Rewards that serving held back, left out.
    bounded
        So many of the others' rewards do not count, in all.
    warnings
        Of files that were left out.
    """

    rows: "pl.DataFrame"
    held: int
    bounded: float
    warnings: list[str]


def read_taught(root: Path, bounds: Bounds, *, since_ms: int = 0, known_ms: int = 0) -> Taught:
    """Return the rewards shown from then on, with what each counts.

    Bursts are found in the whole log, shares are those of what was shown from then on.

    Parameters
    ----------
    known_ms
        Rewards whose window closed then or later are as if they had not come, for what the others
        count, too; 0: all have.

    Raises
    ------
    NotFound, InvalidRecord, MissingExtra
        As `read_rewards`.
    """
    rows, _, warnings = _weighed(root, bounds, since_ms, known_ms)
    import polars as pl

    held = int(rows["held"].sum())
    left = rows.filter(~pl.col("held"))
    return Taught(
        rows=left.filter(pl.col(COUNTS) > 0.0),
        held=held,
        bounded=float((1.0 - left[COUNTS].to_numpy()).sum()),
        warnings=warnings,
    )


def _weighed(
    root: Path, bounds: Bounds, since_ms: int, known_ms: int = 0
) -> "tuple[pl.DataFrame, Factors, list[str]]":
    """Return all rewards shown from then on with `counts`, `place` and `held`; and warnings."""
    later = (*_LATER, *STOOD) if bounds.positions else _LATER
    rows, warnings = read_rewards(root, _COLUMNS, perhaps=later, newest=bounds.most)
    import polars as pl  # not in every image: the reader says so

    rows = _filled(rows)
    closed = pl.col("closed_at_ms").fill_null(pl.col("shown_at_ms"))
    if known_ms:
        rows = rows.filter(closed < known_ms)
    if bounds.hold_bursts:
        rows = rows.with_columns(_held(rows, bounds.half_life_ms))
    else:
        rows = rows.with_columns(pl.lit(False).alias("held"))
    rows = rows.filter(pl.col("shown_at_ms") >= since_ms)
    if not rows.height:
        raise NotFound(f"{root}: no reward in it yet")
    found = np.zeros(rows.height)
    free = ~rows["held"].to_numpy()
    found[free] = weights(_told(rows.filter(pl.col("held").not_())), bounds)
    worth, factors = np.ones(rows.height), NOTHING
    if (standing := standing_of(rows)) is not None:
        takes, shown = (rows[name].to_numpy() * found for name in ("value", "multiplier"))
        factors = standing.learn(takes, shown)
        worth = standing.worth(factors)
    rows = rows.with_columns(pl.Series(COUNTS, found), pl.Series(PLACE, worth))
    kept = rows.select("id", "shown_at_ms", closed, *_COLUMNS, "multiplier", COUNTS, PLACE, "held")
    return kept, factors, warnings


def _filled(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Return rewards with what an earlier keyart did not write."""
    import polars as pl

    given = {
        "multiplier": 1.0,
        "fresh": False,
        "logged_at_ms": None,
        "offset": "",
        "closed_at_ms": None,
    }
    for name, value in given.items():
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(value).alias(name))
    return rows.with_columns(
        pl.col("multiplier").fill_null(1.0),
        pl.col("fresh").fill_null(False),
        pl.col("logged_at_ms").fill_null(pl.col("closed_at_ms")).fill_null(pl.col("shown_at_ms")),
        pl.col("offset").fill_null(""),
    )


def counts_among(root: Path, rows: "pl.DataFrame", bounds: Bounds) -> NDArray[np.float64]:
    """Return (N,) what each of these rewards counts, 0 to 1, where they alone are looked at.

    Bursts, which count nothing, are found in the whole log; shares are those of these rewards.

    Parameters
    ----------
    root
        The log that they are of.
    rows
        With the columns `viewer`, `title`, `artwork`, `value` and `shown_at_ms`, and where the log
        has them `multiplier` and `fresh`.
    """
    rows = _filled(rows)
    free = np.ones(rows.height, np.bool_)
    if bounds.hold_bursts:
        read, _ = read_rewards(root, _COLUMNS, perhaps=_LATER, newest=bounds.most)
        every = _filled(read)
        held = every["id"].filter(_held(every, bounds.half_life_ms))
        free = ~rows["id"].is_in(held.implode()).to_numpy()
    found = np.zeros(rows.height)
    found[free] = weights(_told(rows.filter(free)), bounds)
    return found


def shares_of(root: Path, bounds: Bounds, *, since_ms: int = 0) -> Shares:
    """Return what each reward shown from then on counts.

    Raises
    ------
    NotFound, InvalidRecord, MissingExtra
        As `read_rewards`.
    """
    import polars as pl

    rows, places, _ = _weighed(root, bounds, since_ms)
    some = rows.filter(pl.col(COUNTS) < 1.0)
    counts = dict(zip(some["id"].to_list(), some[COUNTS].to_list(), strict=True))
    return Shares(counts=counts, places=places)


def _held(rows: "pl.DataFrame", half_life_ms: float) -> "pl.Series":
    """Return whether serving held each reward back."""
    import polars as pl

    found = np.zeros(rows.height, np.bool_)
    told = rows.select(
        "title",
        "artwork",
        "value",
        "multiplier",
        "fresh",
        "shown_at_ms",
        "logged_at_ms",
        "offset",
        "id",
        pl.int_range(pl.len()).alias("number"),
        pl.col("fresh").sum().over("title").alias("new"),
        (pl.col("fresh") * pl.col("value")).sum().over("title").alias("taken"),
    ).filter((pl.col("new") >= WINDOW) | (pl.col("taken") >= MOST_TAKES))
    # offsets of one log have one form: the longer one is the later one
    told = told.sort("logged_at_ms", pl.col("offset").str.len_bytes(), "offset", "id")
    for (_,), its in told.group_by("title", maintain_order=True):
        seen = its.select(*Seen._fields).iter_rows()
        found[held_of(map(Seen._make, seen), half_life_ms=half_life_ms)] = True
    return pl.Series("held", found)


def _told(rows: "pl.DataFrame") -> Told:
    titles, artworks = (numbered(rows[name]) for name in ("title", "artwork"))
    erased = (rows["viewer"] == ERASED).to_numpy()
    _, owned = np.unique(titles * (artworks.max(initial=0) + 1) + artworks, return_inverse=True)
    return Told(
        title=titles,
        artwork=owned.astype(np.intp),
        viewer=np.where(erased, -1, numbered(rows["viewer"])),
        hour=(rows["shown_at_ms"].to_numpy() // HOUR_MS).astype(np.intp),
        fresh=rows["fresh"].to_numpy().astype(np.bool_),
        shown=rows["multiplier"].to_numpy().astype(np.float64),
        takes=rows["value"].to_numpy().astype(np.float64),
    )


def numbered(names: "pl.Series") -> NDArray[np.intp]:
    """Return (N,) the place of each name among the different ones in their order, from 0."""
    return names.rank("dense").to_numpy().astype(np.intp) - 1
