"""Columns of any kind to numbers: a scale is found, categories are counted, gaps are told.

Numbers of any scale are made robust (median and quartiles; beyond four of them they are bent), so
that one absurd value does not set the scale. A category that is common has a column of its own;
the rest share buckets by a hash, so a column of a million names costs no more than one of fifty.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]
Column = NDArray[np.float64] | NDArray[np.object_]
"""Numbers, nan where missing; or texts, None where missing."""

MOST_FEATURES: Final = 128
MOST_OWN: Final = 40
BUCKETS: Final = 8
LEAST_SHARE: Final = 0.002
BEND: Final = 4.0
LARGEST: Final = 1e140
"""What lies beyond is taken for this: squares and sums of numbers stay finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A column of numbers: its middle and its scale; `gaps` when some are missing."""

    name: str
    middle: float
    scale: float
    gaps: bool

    @property
    def width(self) -> int:
        """Features it makes."""
        return 1 + self.gaps

    def encode(self, column: Column) -> Array:
        """Return (N, width): bent, scaled numbers, 0 where missing; then whether it is missing."""
        values = _bounded(column)
        missing = np.isnan(values)
        with np.errstate(over="ignore"):  # a scale may be as small as numbers get
            scaled = (np.where(missing, self.middle, values) - self.middle) / self.scale
        scaled = np.clip(scaled, -LARGEST, LARGEST)
        over = np.abs(scaled) > BEND
        bent = np.sign(scaled) * (BEND + np.log1p(np.maximum(np.abs(scaled) - BEND, 0.0)))
        made = np.where(over, bent, scaled)
        return np.column_stack((made, missing.astype(np.float64)) if self.gaps else (made,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A column of texts: those with a feature of their own, and buckets for the rest."""

    name: str
    own: tuple[str, ...]
    buckets: int

    @property
    def width(self) -> int:
        """Features it makes."""
        return len(self.own) + self.buckets

    def encode(self, column: Column) -> Array:
        """Return (N, width): one 1 a row; a missing value is a category of its own."""
        texts = np.array(["" if each is None else str(each) for each in column.tolist()], object)
        names, at = np.unique(texts.astype(str), return_inverse=True)
        place = {name: number for number, name in enumerate(self.own)}
        where = np.array([self._place(str(name), place) for name in names], np.intp)[at]
        made = np.zeros((len(texts), self.width))
        rows = np.flatnonzero(where >= 0)
        made[rows, where[rows]] = 1.0
        return made

    def _place(self, name: str, own: dict[str, int]) -> int:
        if name in own:
            return own[name]
        if not self.buckets:
            return -1
        digest = hashlib.blake2b(f"{self.name}\x1f{name}".encode(), digest_size=8).digest()
        return len(self.own) + int.from_bytes(digest) % self.buckets


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a table's columns become features; the first feature is 1."""

    columns: tuple[Number | Category, ...]

    @property
    def width(self) -> int:
        """D, the constant included."""
        return 1 + sum(each.width for each in self.columns)

    def encode(self, table: Mapping[str, Column], rows: int) -> Array:
        """Return (N, D) features of a table with these columns."""
        parts = [np.ones((rows, 1))]
        parts += [each.encode(table[each.name]) for each in self.columns]
        return np.hstack(parts)


def encoding_of(table: Mapping[str, Column], *, most: int = MOST_FEATURES) -> Encoding:
    """Return an encoding of at most `most` features for these columns.

    Looks at the columns alone, never at what came of a row. A column that never varies is left
    out. Where there would be too many features, categories share buckets first, and then the
    columns with the least to tell (the smallest entropy of what is present) are left out.

    Raises
    ------
    InvalidRecord
        `most` is below 1.
    """
    if most < 1:
        raise InvalidRecord(f"most is {most}, must be at least 1")
    made = [each for name, column in table.items() if (each := _of(name, column, MOST_OWN))]
    room = most - 1
    for own in (20, 8, 3, 1):
        if sum(each.width for each in made) <= room:
            break
        made = [each for name, column in table.items() if (each := _of(name, column, own))]
    while made and sum(each.width for each in made) > room:
        dull = min(range(len(made)), key=lambda at: (_told(table[made[at].name]), -at))
        made.pop(dull)
    return Encoding(tuple(made))


def _of(name: str, column: Column, own: int) -> Number | Category | None:
    if column.dtype.kind == "f":
        return _number(name, column)
    texts = np.array(["" if each is None else str(each) for each in column.tolist()])
    names, counts = np.unique(texts, return_counts=True)
    if len(names) < 2:
        return None
    order = np.argsort(-counts, kind="stable")
    least = max(LEAST_SHARE * len(texts), 2.0)
    common = [str(names[at]) for at in order[:own] if counts[at] >= least]
    rest = len(names) - len(common)
    if rest == 0:
        # one less: the constant says the last of them
        return Category(name=name, own=tuple(common[:-1]) or tuple(common), buckets=0)
    return Category(name=name, own=tuple(common), buckets=min(rest, BUCKETS))


def _number(name: str, column: Column) -> Number | None:
    values = _bounded(column)
    finite = values[~np.isnan(values)]
    gaps = len(finite) < len(values)
    if not len(finite) or (float(finite.min()) == float(finite.max()) and not gaps):
        return None
    low, middle, high = np.quantile(finite, [0.25, 0.5, 0.75])
    scale = float(high - low) / 1.35
    if not scale > 0.0:
        # most values are one value: what is rare sets the scale, but for its own extremes
        kept = np.clip(finite, *np.quantile(finite, [0.005, 0.995]))
        kept = kept if kept.min() < kept.max() else finite
        middle, scale = float(kept.mean()), float(kept.std())
    return Number(name=name, middle=float(middle), scale=scale or 1.0, gaps=gaps)


def _bounded(column: Column) -> Array:
    """Return numbers within `LARGEST`, nan where one is missing."""
    values = column.astype(np.float64)
    return np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), np.nan)


def _told(column: Column) -> float:
    """Return the entropy, in nats, of a column's values in at most 16 classes."""
    if column.dtype.kind == "f":
        values = _bounded(column)
        finite = values[~np.isnan(values)]
        counts = np.histogram(finite, bins=16)[0] if len(finite) else np.zeros(1)
    else:
        counts = np.unique([str(each) for each in column.tolist()], return_counts=True)[1]
        counts = np.sort(counts)[::-1][:16]
    share = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(share * np.log(share)).sum())
