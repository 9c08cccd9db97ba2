"""What is wrong with a file, and where."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from keyart.schemas.errors import InvalidRecord

MOST_SHOWN: Final = 20
MOST_KEPT: Final = 1000
"""A file with so many faults is not read on."""

Place = Callable[[int, int], str]
"""Names a place by its row, from 1 without the heading, and its line, 0 where there are none."""


def by_line(row: int, line: int) -> str:
    """Return `line 7`, or `row 6` of a file without lines."""
    return f"line {line}" if line else f"row {row}"


def by_row(row: int, line: int) -> str:
    """Return `row 6 (line 7)`, or `row 6` of a file without lines."""
    if not row:
        return f"line {line}"
    return f"row {row} (line {line})" if line else f"row {row}"


class Fault(NamedTuple):
    """What is wrong, and where: `line 17`, `row 17`, `columns`; "" is the file as a whole."""

    where: str
    message: str


class WrongFile(InvalidRecord):
    """A file has faults; nothing of it was taken. `faults` holds them, `MOST_KEPT` at most.

    Parameters
    ----------
    listed
        Whether those after the first follow, one a line; else they are counted in its line.
    """

    def __init__(self, path: Path, faults: list[Fault], *, listed: bool = False) -> None:
        first, others = faults[0], len(faults) - 1
        said = f"{path}{', ' if first.where else ''}{first.where}: {first.message}"
        if others:
            said += f" (and {_more(others)}{', below' if listed else ''})"
        if listed:
            shown = [f"{each.where}: {each.message}" for each in faults[1:MOST_SHOWN]]
            if len(faults) > MOST_SHOWN:
                shown.append(f"and {len(faults) - MOST_SHOWN} more")
            said = "\n  ".join([f"{said}; nothing was loaded", *shown])
        super().__init__(said)
        self.faults = faults


def _more(count: int) -> str:
    if count + 1 >= MOST_KEPT:
        return f"{count} more faults, where reading stopped"
    return f"{count} more fault{'' if count == 1 else 's'}"
