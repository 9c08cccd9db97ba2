"""Titles from a file: JSON Lines, CSV, TSV or Parquet, with every wrong row named.

JSON Lines has one title a line, as `PUT /v1/titles/{id}` takes it. CSV and TSV have one artwork a
row, in the columns of `COLUMNS`, `attribute.NAME` and those of rules (`rule_cells`); the rows of a
title may stand anywhere.
Parquet has either. Text may be packed by gzip.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from keyart.models.intake.cells import WrongCell, is_empty, text_of
from keyart.models.intake.faults import MOST_KEPT, MOST_SHOWN, Fault, WrongFile
from keyart.models.intake.json_lines import JsonLinesTable
from keyart.models.intake.rows import Row, Table
from keyart.models.intake.rule_cells import COLUMNS as RULE_COLUMNS
from keyart.models.intake.rule_cells import ONLY, is_rule, rules_in
from keyart.models.intake.table import open_table
from keyart.schemas import strict
from keyart.schemas.catalogue import Title
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rules import fault_of

COLUMNS: Final = ("title", "name", "group", "default", "artwork", "image", "description")
NEEDED: Final = ("title", "artwork")
ATTRIBUTE: Final = "attribute."
MAX_TITLES: Final = 1_000_000


def read_titles(path: Path) -> list[Title]:
    """Return the titles of a file, in its order.

    Raises
    ------
    WrongFile
        A row cannot be read, has a field that is unknown, breaks a bound, or repeats a title or an
        artwork.
    InvalidRecord
        The file is not there, cannot be read, or is of no known kind; or there is no title in it.
    """
    faults: list[Fault] = []
    table = open_table(path, faults)
    found = _Titles(faults)
    if faults and not table.names:
        raise WrongFile(path, faults, listed=True)
    if isinstance(table, JsonLinesTable):
        _take(table.objects(), found, faults)
    elif "artworks" in table.names:
        _take(_unrepeated(table, faults), found, faults)
    elif wrong := _wrong_columns(table):
        faults.append(Fault(table.heading, wrong))
    else:
        _by_artwork(table.rows(table.names), found, faults)
    if faults:
        raise WrongFile(path, faults, listed=True)
    if not found.titles:
        raise InvalidRecord(f"{path}: there is no title in it")
    return found.titles


def _take(rows: Iterable[Row], found: "_Titles", faults: list[Fault]) -> None:
    """Take titles that stand whole in a row."""
    for row in rows:
        given = {name: value for name, value in row.cells.items() if value is not None}
        try:
            found.add(row.where, strict.read(given, Title))
        except strict.Refused as wrong:
            faults += [Fault(row.where, _said(each)) for each in wrong.faults]
        if len(faults) >= MOST_KEPT:
            return


def _unrepeated(table: Table, faults: list[Fault]) -> Iterable[Row]:
    if twice := _twice(table.names):
        faults.append(Fault(table.heading, twice))
        return ()
    return table.rows(table.names)


def _wrong_columns(table: Table) -> str:
    names = list(table.names)
    missing = [name for name in NEEDED if name not in names]
    unknown = [
        name
        for name in names
        if name not in COLUMNS and not name.startswith(ATTRIBUTE) and not is_rule(name)
    ]
    said = []
    if missing and names:
        said.append(f"column {', '.join(missing)} is missing{table.hint}")
    for name in unknown[:MOST_SHOWN] if not table.hint else ():
        near = strict.nearest(name, (*COLUMNS, *RULE_COLUMNS))
        known = f"did you mean {near!r}?" if near else f"there are {_KNOWN}"
        said.append(f"column {strict.shortened(name)!r} is unknown; {known}")
    if twice := _twice(names):
        said.append(twice)
    return "; ".join(said)


_KNOWN: Final = f"{', '.join(COLUMNS)}, {ATTRIBUTE}NAME, {', '.join(RULE_COLUMNS)} and {ONLY}NAME"


def _twice(names: Sequence[str]) -> str:
    twice = [name for name, count in Counter(names).items() if count > 1]
    return f"column {', '.join(sorted(twice))} stands twice" if twice else ""


def _by_artwork(rows: Iterable[Row], found: "_Titles", faults: list[Fault]) -> None:
    """Take the titles of rows of one artwork each."""
    titles: dict[str, dict[str, Any]] = {}
    first: dict[str, str] = {}
    for row in rows:
        given = _texts(row, faults)
        if given is not None:
            _place(row.where, given, titles, first, faults)
        if len(faults) >= MOST_KEPT:
            break
    if faults:
        return
    for name, title in titles.items():
        try:
            found.add(first[name], strict.read(title, Title))
        except strict.Refused as wrong:
            faults.append(Fault(first[name], f"title {name!r}: {_said(wrong.faults[0])}"))


def _texts(row: Row, faults: list[Fault]) -> dict[str, str] | None:
    """Return the cells that hold something, as text; None, and a fault, if one cannot be read."""
    given: dict[str, str] = {}
    for name, value in row.cells.items():
        try:
            if not is_empty(value):
                given[name] = text_of(value)
        except WrongCell as wrong:
            faults.append(Fault(row.where, f"column {name!r} {wrong}"))
            return None
    lacking = [name for name in NEEDED if name not in given]
    if lacking:
        faults.append(Fault(row.where, f"{' and '.join(lacking)} is empty"))
        return None
    return given


def _place(
    where: str,
    given: dict[str, str],
    titles: dict[str, dict[str, Any]],
    first: dict[str, str],
    faults: list[Fault],
) -> None:
    """Put an artwork with its title, and note what is wrong with either at its own row."""
    start = len(ATTRIBUTE)
    try:
        rules = rules_in(given)
    except WrongCell as wrong:
        faults.append(Fault(where, str(wrong)))
        return
    attributes = {key[start:]: each for key, each in given.items() if key.startswith(ATTRIBUTE)}
    artwork: dict[str, Any] = {"id": given["artwork"], "attributes": attributes}
    artwork |= {key: given[key] for key in ("image", "description") if key in given}
    artwork |= {"rules": rules} if rules else {}
    own: dict[str, Any] = {key: given[key] for key in ("name", "group", "default") if key in given}
    title = titles.setdefault(given["title"], {"id": given["title"], "artworks": [], **own})
    first.setdefault(given["title"], where)
    differ = [key for key, value in own.items() if title.setdefault(key, value) != value]
    if differ:
        other = first[given["title"]]
        faults.append(Fault(where, f"{' and '.join(differ)} is another one than at {other}"))
    try:
        (its,) = strict.read(title | {"artworks": [artwork]}, Title).artworks
        title["artworks"].append(artwork)
    except strict.Refused as refused:
        said = _said(refused.faults[0]).replace("$.artworks[0].rules", "column rules")
        faults.append(Fault(where, said.replace("$.artworks[0]", "artwork")))
        return
    if its.rules is not None and (said := fault_of(its.rules)):
        faults.append(Fault(where, f"rules of artwork {its.id!r}: {said}"))


class _Titles:
    """Titles so far; repeats become faults."""

    def __init__(self, faults: list[Fault]) -> None:
        self.titles: list[Title] = []
        self._faults = faults
        self._seen: dict[str, str] = {}

    def add(self, where: str, title: Title) -> None:
        """Take a title, or note what it repeats."""
        if (other := self._seen.setdefault(title.id, where)) != where:
            self._faults.append(Fault(where, f"title {title.id!r} stands at {other} already"))
        counts = Counter(artwork.id for artwork in title.artworks)
        for name in sorted(name for name, count in counts.items() if count > 1):
            self._faults.append(Fault(where, f"artwork {name!r} stands twice in {title.id!r}"))
        for artwork in title.artworks:
            if artwork.rules is not None and (wrong := fault_of(artwork.rules)):
                said = f"artwork {artwork.id!r} of {title.id!r}: {wrong}"
                self._faults.append(Fault(where, said))
        if len(self.titles) == MAX_TITLES:
            self._faults.append(Fault(where, f"there are more than {MAX_TITLES:,} titles"))
        self.titles.append(title)


def _said(fault: strict.Fault) -> str:
    return f"{fault.message} - at {fault.path}" if fault.path != "$" else fault.message
