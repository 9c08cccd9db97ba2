"""An artwork's rules from the cells of a flat row: columns named as the paths in a title's JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Final

from keyart.models.intake.cells import WrongCell

RULES: Final = "rules."
ONLY: Final = "rules.only."
SIGN: Final = "|"
"""Between the values of a cell of `rules.only.NAME`."""
TIMES: Final = ("rules.from", "rules.until", "rules.pin.from", "rules.pin.until")
NUMBERS: Final = ("rules.pin.share", "rules.least.share", "rules.least.impressions", "rules.most")
COLUMNS: Final = (*TIMES, *NUMBERS)
_TRUTHS: Final = {"true": True, "false": False}


def is_rule(column: str) -> bool:
    """Whether a column holds rules."""
    return column in COLUMNS or (column.startswith(ONLY) and len(column) > len(ONLY))


def rules_in(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the rules that a row's cells say, as JSON would; empty where none says anything.

    Parameters
    ----------
    cells
        By column; cells of other columns are left alone, and empty ones are not there.

    Raises
    ------
    WrongCell
        A cell is no time with a zone, no number or no list of values; the message names its column.
    """
    found: dict[str, Any] = {}
    for column, text in cells.items():
        if not column.startswith(RULES):
            continue
        try:
            if column.startswith(ONLY):
                found.setdefault("only", {})[column.removeprefix(ONLY)] = _values(text)
                continue
            value = _time(text) if column in TIMES else _number(text)
        except WrongCell as wrong:
            raise WrongCell(f"column {column!r} {wrong}") from None
        *path, name = column.removeprefix(RULES).split(".")
        inner = found
        for each in path:
            inner = inner.setdefault(each, {})
        inner[name] = value
    return found


def _time(text: str) -> str:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise WrongCell(f"holds {text!r}, no time such as 2026-12-24T18:00:00+01:00") from None
    if at.tzinfo is None:
        raise WrongCell(f"holds {text!r}, a time without a zone: 2026-12-24T18:00:00+01:00 has one")
    return at.isoformat()


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise WrongCell(f"holds {text!r}, no number such as 0.25") from None
    if not isfinite(value):
        raise WrongCell(f"holds {text!r}, no number such as 0.25")
    return value


def _values(text: str) -> list[str | float | bool]:
    parts = [part.strip() for part in text.split(SIGN)]
    if not all(parts):
        raise WrongCell(f"holds {text!r}, with a value that is empty between {SIGN!r}")
    return list(_either(parts))


def _either(parts: Iterable[str]) -> Iterable[str | float | bool]:
    """Yield each value as text, and as the number or truth that it may be: a cell does not say."""
    for part in dict.fromkeys(parts):
        yield part
        if (truth := _TRUTHS.get(part.lower())) is not None:
            yield truth
            continue
        try:
            number = float(part)
        except ValueError:
            continue
        if isfinite(number):
            yield number
