"""Rows of one of several files of a folder, with every wrong row named."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from keyart.models.intake.cells import WrongCell, is_empty, text_of
from keyart.models.intake.faults import MOST_KEPT, Fault, WrongFile
from keyart.models.intake.source import KINDS
from keyart.models.intake.table import open_table
from keyart.schemas.errors import InvalidRecord, NotFound

MAX_NAME: Final = 500
_PACKED: Final = ("", ".gz")


def find(folder: Path, name: str) -> Path | None:
    """Return the file of this name in a folder, of whichever kind; None if there is none.

    Raises
    ------
    InvalidRecord
        There are several.
    """
    there = [
        path
        for kind in KINDS
        for packed in _PACKED
        if (path := folder / f"{name}{kind}{packed}").is_file()
    ]
    if len(there) > 1:
        raise InvalidRecord(f"{folder}: holds both {there[0].name} and {there[1].name}")
    return there[0] if there else None


def need(folder: Path, name: str) -> Path:
    """Return the file of this name in a folder.

    Raises
    ------
    NotFound
        There is none.
    """
    if (path := find(folder, name)) is None:
        raise NotFound(f"{folder}: there is no {name} ({', '.join(KINDS)}; text also as .gz) in it")
    return path


class Rows:
    """The rows of a table that has these columns.

    Parameters
    ----------
    needed, optional
        Columns; others are passed over. Those of `optional` that are not there are not in a row.

    Raises
    ------
    WrongFile
        At the end of the rows, if any of them is wrong; or a column is missing.
    """

    def __init__(self, path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> None:
        self._path = path
        self._faults: list[Fault] = []
        self._table = open_table(path, self._faults)
        names = list(self._table.names)
        missing = [name for name in needed if name not in names]
        if missing and not self._faults:
            said = f"column {', '.join(missing)} is missing{self._table.hint}"
            self._faults.append(Fault(self._table.heading, said))
        if self._faults:
            raise WrongFile(path, self._faults)
        self.columns = [*needed, *(name for name in optional if name in names)]

    def __iter__(self) -> Iterator["Cells"]:
        """Yield the rows; what a caller finds wrong in one is told by its `wrong`."""
        for row in self._table.rows(self.columns):
            yield Cells(row.where, row.cells, self._faults)
            if len(self._faults) >= MOST_KEPT:
                break
        if self._faults:
            raise WrongFile(self._path, self._faults)


class Cells:
    """The cells of one row."""

    def __init__(self, where: str, cells: dict[str, Any], faults: list[Fault]) -> None:
        self._where = where
        self._cells = cells
        self._faults = faults

    def raw(self, column: str) -> Any:
        """Return a cell as it stands; None if there is no such column."""
        return self._cells.get(column)

    def text(self, column: str) -> str:
        """Return a cell as text without blanks around it; "" if it is empty or not there.

        Raises
        ------
        WrongCell
            It is no text.
        """
        value = self._cells.get(column)
        return "" if is_empty(value) else text_of(value).strip()

    def name(self, column: str) -> str:
        """Return a cell that names something, 1 to 500 characters.

        Raises
        ------
        WrongCell
            It is empty, too long, or no text.
        """
        text = self.text(column)
        if not text:
            raise WrongCell("is empty")
        if len(text) > MAX_NAME:
            raise WrongCell(f"has {len(text):,} characters; the bound is {MAX_NAME}")
        return text

    def wrong(self, column: str, said: object) -> None:
        """Note what is wrong with a cell."""
        self._faults.append(Fault(self._where, f"column {column!r} {said}"))
