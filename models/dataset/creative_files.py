"""Reading a table of creative tests: one row a creative, with what was shown and clicked."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.creative_table import MAX_CREATIVES, CreativeTable
from keyart.models.intake.cells import WrongCell, count_of, is_empty, text_of
from keyart.models.intake.faults import MOST_KEPT, Fault, WrongFile, by_row
from keyart.models.intake.rows import Row, Table
from keyart.models.intake.table import open_table
from keyart.schemas.errors import InvalidRecord

KNOWN: Final = {
    "test": ("test", "clickability_test_id"),
    "text": ("text", "headline"),
    "impressions": ("impressions",),
    "clicks": ("clicks",),
}
"""Names a column is looked for under, in this order."""
FAULTY_WEEKS: Final = (201325, 201402)
"""Upworthy weeks whose randomisation its archive says was faulty, ends included."""
WEEK: Final = "test_week"
AT_MS: Final = "at_ms"
MAX_TEXT: Final = 10_000
MAX_ID: Final = 500
MAX_MS: Final = 4_102_444_800_000
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")


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
    """Return a table of tests from a CSV, TSV, JSON Lines (also .gz) or Parquet file.

    Tests are ordered by a column `at_ms`, if there is one; else, if all of their ids are Mongo
    ObjectIds, by the time in them; else by the row in which they first appear.

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
    WrongFile
        A row cannot be read: a count is no whole number of at least 0, clicks are above
        impressions, a test or a text is missing. Each row is named with its column.
    InvalidRecord
        The file cannot be read, a column is missing, or no test is left.
    """
    given = {"test": test, "text": text, "impressions": impressions, "clicks": clicks}
    faults: list[Fault] = []
    table = _opened(path, faults)
    rows = _Rows(path, faults)
    names = {role: _column(path, table, role, name) for role, name in given.items()}
    extra = [name for name in (WEEK, AT_MS) if name in table.names and name not in names.values()]
    _once(path, table, [*names.values(), *extra])
    for row in table.rows(list(dict.fromkeys([*names.values(), *extra]))):
        rows.add(row, names, extra)
        if len(faults) >= MOST_KEPT:
            break
    if faults:
        raise WrongFile(path, faults)
    return rows.ordered(faulty_weeks, set(without))


def test_ids(path: Path, *, test: str = "") -> set[str]:
    """Return the ids of a table's tests; raises as `read_creatives` does."""
    faults: list[Fault] = []
    table = _opened(path, faults)
    name = _column(path, table, "test", test)
    _once(path, table, [name])
    found = set()
    for row in table.rows([name]):
        try:
            found.add(_name(row.cells[name]))
        except WrongCell as wrong:
            faults.append(Fault(row.where, f"column {name!r} {wrong}"))
    if faults:
        raise WrongFile(path, faults)
    if not found:
        raise InvalidRecord(f"{path}: there is no row in it")
    return found


def read_distinct(path: Path, *, without: Collection[str] = ()) -> CreativeTable:
    """Return a table as `read_creatives` does, texts that stand twice in a test as one."""
    table = read_creatives(path, without=without)
    try:
        return table.distinct()
    except InvalidRecord as same:
        raise InvalidRecord(f"{path}: {same}") from None


def _opened(path: Path, faults: list[Fault]) -> Table:
    table = open_table(path, faults, by_row)
    if faults:
        raise WrongFile(path, faults)
    return table


def _column(path: Path, table: Table, role: str, given: str) -> str:
    for name in (given,) if given else KNOWN[role]:
        if name in table.names:
            return name
    if not table.names:
        raise InvalidRecord(f"{path}: there is no row in it")
    looked = given or " or ".join(KNOWN[role])
    there = ", ".join(name[:40] for name in table.names[:20])
    more = f" and {len(table.names) - 20} more" if len(table.names) > 20 else ""
    raise InvalidRecord(
        f"{path}: no column {looked} for {role}; there are {there}{more}{table.hint}"
    )


def _once(path: Path, table: Table, names: list[str]) -> None:
    for name in names:
        if list(table.names).count(name) > 1:
            raise InvalidRecord(f"{path}: column {name!r} stands twice")


def _name(value: Any) -> str:
    if is_empty(value):
        raise WrongCell("is empty, where the name of a test is needed")
    name = text_of(value)
    if len(name) > MAX_ID:
        raise WrongCell(f"holds a name of {len(name):,} characters; the bound is {MAX_ID}")
    return name


def _words(value: Any) -> str:
    if is_empty(value):
        raise WrongCell("is empty, where a text is needed")
    text = text_of(value)
    if len(text) > MAX_TEXT:
        raise WrongCell(f"holds a text of {len(text):,} characters; the bound is {MAX_TEXT:,}")
    return text


def _instant(value: Any) -> int:
    found = count_of(value)
    if found > MAX_MS:
        raise WrongCell("is no time in milliseconds since 1970, up to the year 2100")
    return found


def _week(value: Any) -> int:
    """Return the week; one that is no number is none that is known to be faulty."""
    try:
        return count_of(value)
    except WrongCell:
        return 0


class _Rows:
    """The rows of a file, as columns."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        self._path = path
        self._faults = faults
        self._tests: list[int] = []
        self._texts: list[str] = []
        self._shown: list[int] = []
        self._clicked: list[int] = []
        self._weeks: list[int] = []
        self._number: dict[str, int] = {}
        self._at_ms: dict[str, int] = {}
        self._first: dict[str, str] = {}
        # a text that stands in many rows is kept once
        self._kept: dict[str, str] = {}

    def add(self, row: Row, names: Mapping[str, str], extra: Collection[str]) -> None:
        """Take a row, or note what is wrong with it."""
        readers = {"test": _name, "text": _words, "impressions": count_of, "clicks": count_of}
        read: dict[str, Any] = {}
        for role, reader in readers.items():
            try:
                read[role] = reader(row.cells[names[role]])
            except WrongCell as wrong:
                self._faults.append(Fault(row.where, f"column {names[role]!r} {wrong}"))
                return
        if read["clicks"] > read["impressions"]:
            said = (
                f"has more clicks than impressions: {read['clicks']:,} of {read['impressions']:,}"
            )
            self._faults.append(Fault(row.where, said))
            return
        name = read["test"]
        if AT_MS in extra:
            try:
                at_ms = _instant(row.cells[AT_MS])
            except WrongCell as wrong:
                self._faults.append(Fault(row.where, f"column {AT_MS!r} {wrong}"))
                return
            self._at_ms[name] = min(at_ms, self._at_ms.get(name, at_ms))
        self._first.setdefault(name, row.where)
        self._tests.append(self._number.setdefault(name, len(self._number)))
        self._texts.append(self._kept.setdefault(read["text"], read["text"]))
        self._shown.append(read["impressions"])
        self._clicked.append(read["clicks"])
        self._weeks.append(_week(row.cells[WEEK]) if WEEK in extra else 0)

    def ordered(self, faulty: tuple[int, int] | None, unseen: set[str]) -> CreativeTable:
        """Return the tests that are a contest, in the order of time."""
        if not self._tests:
            raise InvalidRecord(f"{self._path}: there is no row in it")
        names = list(self._number)
        number = np.array(self._tests, np.intp)
        shown = np.array(self._shown, np.float64)
        clicked = np.array(self._clicked, np.float64)
        unwanted = np.array([name in unseen for name in names])
        keep = (shown > 0) & ~unwanted[number]
        in_faulty = np.zeros(len(number), bool)
        if faulty is not None:
            weeks = np.array(self._weeks)
            in_faulty = (weeks >= faulty[0]) & (weeks <= faulty[1])
            keep &= ~in_faulty
        creatives = np.bincount(number[keep], minlength=len(names))
        clicks = np.bincount(number, clicked * keep, len(names))
        self._bounded(names, creatives)
        use = (creatives >= 2) & (clicks > 0)
        why = _why(unwanted, np.bincount(number, in_faulty, len(names)) > 0, creatives >= 2)
        reasons = {
            each: int(((why == each) & ~use).sum()) for each in np.unique(why[~use]).tolist()
        }
        if not use.any():
            said = "; ".join(f"{count:,} {reason}" for reason, count in reasons.items())
            raise InvalidRecord(
                f"{self._path}: no test has two creatives that were shown, and a click ({said})"
            )
        at_ms = self._times(names)
        order = sorted(np.flatnonzero(use).tolist(), key=lambda each: (at_ms[each], each))
        rank = np.full(len(names), -1, np.intp)
        rank[order] = np.arange(len(order))
        placed = rank[number]
        rows = np.flatnonzero(keep & (placed >= 0))
        rows = rows[np.argsort(placed[rows], kind="stable")]
        return CreativeTable(
            test=placed[rows],
            texts=tuple(self._texts[at] for at in rows),
            impressions=shown[rows],
            clicks=clicked[rows],
            ids=tuple(names[each] for each in order),
            at_ms=np.array([at_ms[each] for each in order], np.int64),
            reasons=reasons,
        )

    def _bounded(self, names: list[str], creatives: NDArray[np.integer]) -> None:
        for at in np.flatnonzero(creatives > MAX_CREATIVES).tolist():
            said = f"test {names[at][:40]!r} has {int(creatives[at])} creatives"
            where = self._first[names[at]]
            self._faults.append(Fault(f"from {where} on", f"{said}; the bound is {MAX_CREATIVES}"))
        if self._faults:
            raise WrongFile(self._path, self._faults)

    def _times(self, names: list[str]) -> list[int]:
        """Return each test's time, in ms; 0 of all of them where they are not known."""
        if self._at_ms:
            return [self._at_ms[name] for name in names]
        if all(_OBJECT_ID.fullmatch(name) for name in names):
            # seconds since 1970 are the first four bytes of an ObjectId
            return [int(name[:8], 16) * 1000 for name in names]
        return [0] * len(names)


def _why(
    unwanted: NDArray[np.bool_], faulty: NDArray[np.bool_], contest: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """Return, of every test, why it would be left out."""
    reasons = np.where(contest, "without a click", "with one creative shown")
    return np.where(unwanted, "of the other table", np.where(faulty, "of a faulty week", reasons))
