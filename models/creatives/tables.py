"""Tables of creative tests: one row a creative, with what was shown and clicked."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord, NotFound

Array = NDArray[np.float64]

KNOWN = {
    "test": ("test", "clickability_test_id"),
    "text": ("text", "headline"),
    "impressions": ("impressions",),
    "clicks": ("clicks",),
}
"""Names a column is looked for under, in this order."""
FAULTY_WEEKS = (201325, 201402)
"""Upworthy weeks whose randomisation its archive says was faulty, ends included."""
MAX_CREATIVES = 40
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreativeTable:
    """N creatives of G tests, in the order of time.

    Parameters
    ----------
    test
        (N,) number of the test, 0 to G - 1, ascending in time and down the table.
    texts
        N texts.
    impressions, clicks
        (N,) counts; clicks are not above impressions.
    left_out
        Tests that were dropped: fewer than two creatives shown, no click, or a faulty week.
    """

    test: NDArray[np.intp]
    texts: tuple[str, ...]
    impressions: Array
    clicks: Array
    left_out: int = 0

    @property
    def tests(self) -> int:
        """G, the number of tests."""
        return int(self.test[-1]) + 1 if len(self.test) else 0

    def distinct(self) -> "CreativeTable":
        """Return the table with texts that stand twice in a test as one creative.

        Tests that are left with one text are no contest, and left out.
        """
        rows: dict[tuple[int, str], list[int]] = {}
        for at, key in enumerate(zip(self.test.tolist(), self.texts, strict=True)):
            rows.setdefault(key, []).append(at)
        many = np.bincount([test for test, _ in rows]) > 1
        kept = {key: its for key, its in rows.items() if many[key[0]]}
        test = np.array([key[0] for key in kept], np.intp)
        return CreativeTable(
            test=np.unique(test, return_inverse=True)[1],
            texts=tuple(text for _, text in kept),
            impressions=np.array([self.impressions[its].sum() for its in kept.values()]),
            clicks=np.array([self.clicks[its].sum() for its in kept.values()]),
            left_out=self.left_out + int((~many).sum()),
        )

    def part(self, first: int, last: int) -> "CreativeTable":
        """Return the tests `first` to `last` - 1, numbered from 0."""
        of = (self.test >= first) & (self.test < last)
        return CreativeTable(
            test=self.test[of] - first,
            texts=tuple(self.texts[at] for at in np.flatnonzero(of)),
            impressions=self.impressions[of],
            clicks=self.clicks[of],
        )


def read_creatives(
    path: Path,
    *,
    test: str = "",
    text: str = "",
    impressions: str = "",
    clicks: str = "",
    faulty_weeks: tuple[int, int] | None = FAULTY_WEEKS,
    without: Collection[str] = (),
) -> CreativeTable:
    """Return a table of tests from a CSV (also .gz) or Parquet file.

    Tests whose ids are all Mongo ObjectIds are ordered by the time in them, others by the row in
    which they first appear.

    Parameters
    ----------
    test, text, impressions, clicks
        Names of the columns; "" looks for the `KNOWN` ones.
    faulty_weeks
        First and last `test_week` to leave out, where there is such a column; None leaves all in.
    without
        Ids of tests to leave out.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidRecord
        The file cannot be read, a column is missing, a count is no whole number of at least 0, or
        no test is left.
    """
    frame = _read(path)
    names = {
        role: _column(frame, role, given)
        for role, given in (
            ("test", test),
            ("text", text),
            ("impressions", impressions),
            ("clicks", clicks),
        )
    }
    ids = frame[names["test"]].cast(pl.String).to_list()
    if any(each is None for each in ids):
        raise InvalidRecord(f"{path}: a row has no test in column {names['test']!r}")
    texts = frame[names["text"]].cast(pl.String).fill_null("").to_list()
    shown, clicked = (_counts(frame, names[role], path) for role in ("impressions", "clicks"))
    if (clicked > shown).any():
        row = int(np.flatnonzero(clicked > shown)[0])
        raise InvalidRecord(f"{path}: row {row + 1} has more clicks than impressions")
    keep = shown > 0
    faulty = np.zeros(len(ids), bool)
    if faulty_weeks is not None and "test_week" in frame.columns:
        week = frame["test_week"].cast(pl.Int64, strict=False).fill_null(0).to_numpy()
        faulty = (week >= faulty_weeks[0]) & (week <= faulty_weeks[1])
    unwanted = set(without)
    keep &= ~faulty & np.array([each not in unwanted for each in ids], bool)
    return _ordered(path, ids, texts, shown, clicked, keep)


def test_ids(path: Path, *, test: str = "") -> set[str]:
    """Return the ids of a table's tests; raises as `read_creatives` does."""
    frame = _read(path)
    return set(frame[_column(frame, "test", test)].cast(pl.String).drop_nulls().to_list())


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False, encoding="utf8-lossy")
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise InvalidRecord(f"{path} cannot be read as a table: {error}") from error


def _column(frame: pl.DataFrame, role: str, given: str) -> str:
    for name in (given,) if given else KNOWN[role]:
        if name in frame.columns:
            return name
    looked = given or " or ".join(KNOWN[role])
    raise InvalidRecord(f"no column {looked} for {role}; there are {', '.join(frame.columns)}")


def _counts(frame: pl.DataFrame, name: str, path: Path) -> Array:
    values = frame[name].cast(pl.Float64, strict=False).to_numpy()
    bad = ~np.isfinite(values) | (values < 0) | (values != np.rint(values))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InvalidRecord(f"{path}: row {row + 1} of {name!r} is no whole number of at least 0")
    return np.asarray(values, np.float64)


def _ordered(
    path: Path,
    ids: list[str],
    texts: list[str],
    shown: Array,
    clicked: Array,
    keep: NDArray[np.bool_],
) -> CreativeTable:
    timed = all(_OBJECT_ID.fullmatch(each) for each in set(ids))
    first: dict[str, int] = {}
    for each in ids:
        first.setdefault(each, len(first))
    # seconds since 1970 are the first four bytes of an ObjectId
    time = {each: (int(each[:8], 16) if timed else 0, at) for each, at in first.items()}
    number = np.array([first[each] for each in ids], np.intp)
    creatives = np.bincount(number, keep, len(first))
    clicks = np.bincount(number, clicked * keep, len(first))
    if (creatives > MAX_CREATIVES).any():
        raise InvalidRecord(f"{path}: a test has more than {MAX_CREATIVES} creatives")
    use = (creatives >= 2) & (clicks > 0)
    order = sorted((each for each in first if use[first[each]]), key=time.__getitem__)
    if not order:
        raise InvalidRecord(f"{path}: no test has two creatives that were shown, and a click")
    rank = np.full(len(first), -1, np.intp)
    rank[[first[each] for each in order]] = np.arange(len(order))
    placed = rank[number]
    rows = np.flatnonzero(keep & (placed >= 0))
    rows = rows[np.argsort(placed[rows], kind="stable")]
    return CreativeTable(
        test=placed[rows],
        texts=tuple(texts[at] for at in rows),
        impressions=shown[rows],
        clicks=clicked[rows],
        left_out=len(first) - len(order),
    )
