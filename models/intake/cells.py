"""A cell as text or as a count, whatever the file held: text, numbers, decimals, bytes, dates."""

import math
import re
from datetime import date, time
from decimal import Decimal
from typing import Any, Final

from keyart.schemas.errors import InvalidRecord

MOST: Final = 10**12
"""Largest count; sums of counts stay exact in a float."""
_WHOLE: Final = re.compile(r"\+?([0-9]{1,15})(?:\.(0*))?(?:[eE]\+?([0-9]{1,2}))?")
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[,.' _\u00a0\u202f\u2019][0-9]{3})+")
_SHOWN: Final = 40


class WrongCell(InvalidRecord):
    """A cell is not what its column is for; the message follows the column's name."""


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing: null, a float that is no number, or text without a letter."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: Any) -> str:
    """Return a cell as text, as a CSV of the same table has it; whole numbers without a point.

    Raises
    ------
    WrongCell
        It holds bytes that are not UTF-8, a number that is none, or is a list, a map or a struct.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as wrong:
            raise WrongCell(
                f"holds bytes that are not UTF-8 (0x{value[wrong.start]:02x} at byte "
                f"{wrong.start + 1})"
            ) from None
    if isinstance(value, bool | int | date | time):
        return str(value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise WrongCell(f"holds {value}")
        return str(int(value)) if value == int(value) else str(value)
    raise WrongCell(f"holds {_kind(value)}, not text")


def count_of(value: Any) -> int:
    """Return a cell as a whole number of at least 0.

    Text may have a point with zeros behind it (`12.0`) or an exponent; `1,000` is refused, and so
    is `1.000`, which is one to some and a thousand to others.

    Raises
    ------
    WrongCell
        It is none, or above `MOST`.
    """
    if isinstance(value, bytes):
        value = text_of(value)
    if is_empty(value):
        raise WrongCell("is empty, where a whole number of at least 0 is needed")
    if isinstance(value, str):
        found = _from_text(value.strip())
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise WrongCell(f"holds {_kind(value)}, no whole number of at least 0")
    elif not math.isfinite(value) or value != int(value) or value < 0:
        raise WrongCell(f"holds {_cut(str(value))}, no whole number of at least 0")
    else:
        found = int(value)
    if found > MOST:
        raise WrongCell(f"holds {_cut(str(value))}; the bound is {MOST:,}")
    return found


def _from_text(text: str) -> int:
    if _GROUPED.fullmatch(text):
        raise WrongCell(f"holds {text!r}: write numbers without separators of thousands")
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise WrongCell(f"holds {_cut(text)!r}, no whole number of at least 0")
    return int(found[1]) * int(10 ** int(found[3] or 0))


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", dict: "a struct or a map", list: "a list", tuple: "a list"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
