"""What a policy's parameters may be: stated once with each field, checked and told from there."""

import math
from dataclasses import Field, field, fields
from typing import Any

from keyart.schemas.errors import SettingsError

MOST = 1e6
"""No parameter is above this: beyond it an index would overflow, and every choice fail."""


def number(
    default: float, *, low: float = 0.0, high: float = MOST, low_included: bool = True
) -> Any:
    """Return the field of a number from `low` to `high`."""
    return field(default=default, metadata={"low": low, "high": high, "low_included": low_included})


def word(default: str, one_of: tuple[str, ...]) -> Any:
    """Return the field of a text that is one of these."""
    return field(default=default, metadata={"one_of": one_of})


def check_parameters(policy: Any) -> None:
    """Look at every parameter of a policy.

    Raises
    ------
    SettingsError
        One is out of its range; names it and what would be right.
    """
    for each in fields(policy):
        value = getattr(policy, each.name)
        if not _fits(each, value):
            raise SettingsError(
                f"{policy.name}: {each.name} is {value!r}, must be {bounds_of(each)}"
            )


def bounds_of(parameter: "Field[Any]") -> str:
    """Return in words what the parameter may be."""
    meta = parameter.metadata
    if one_of := meta.get("one_of"):
        return f"one of {', '.join(one_of)}"
    start = f"from {meta['low']:g}" if meta["low_included"] else f"above {meta['low']:g}, up"
    return f"{start} to {meta['high']:g}"


def _fits(parameter: "Field[Any]", value: object) -> bool:
    meta = parameter.metadata
    if one_of := meta.get("one_of"):
        return value in one_of
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    least = meta["low"] <= value if meta["low_included"] else meta["low"] < value
    return bool(least and value <= meta["high"])
