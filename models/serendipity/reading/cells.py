"""Cells of events: a time, and a value."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from keyart.models.intake.cells import WrongCell, is_empty, text_of

SECONDS_BELOW: Final = 10**11
"""A whole number below is a time in seconds since 1970, above in milliseconds."""
MAX_MS: Final = 4_102_444_800_000.0
NEVER: Final = float("nan")


def time_of(value: Any) -> float:
    """Return a cell as milliseconds since 1970, UTC; NaN if it is empty.

    Takes dates and times as ISO 8601, those of Parquet, and whole numbers of seconds or
    milliseconds.

    Raises
    ------
    WrongCell
        It is none of these, or lies after 2100.
    """
    if is_empty(value):
        return NEVER
    if not isinstance(value, date):
        text = text_of(value).strip()
        try:
            number = float(text)
        except ValueError:
            number = NEVER
        if math.isfinite(number):
            return _bounded(number * 1000.0 if abs(number) < SECONDS_BELOW else number, text)
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise WrongCell(
                f"holds {text[:40]!r}, no date or time as 2026-01-31 or 2026-01-31T20:15:00"
            ) from None
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _bounded(moment.timestamp() * 1000.0, str(value))


def number_of(value: Any) -> float:
    """Return a cell as a finite number.

    Raises
    ------
    WrongCell
        It is none.
    """
    if isinstance(value, bool | int | float | Decimal):
        number = float(value)
    else:
        text = "" if is_empty(value) else text_of(value)
        try:
            number = float(text)
        except ValueError:
            raise WrongCell(f"holds {text[:40]!r}, no number") from None
    if not math.isfinite(number):
        raise WrongCell(f"holds {number}, no number")
    return number


def _bounded(at_ms: float, said: str) -> float:
    if not -MAX_MS <= at_ms <= MAX_MS:
        raise WrongCell(f"holds {said[:40]}, which lies after the year 2100")
    return at_ms
