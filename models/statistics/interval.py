"""An estimate with the ends of its interval: the one form for all of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the ends of its interval, `low` <= `high`, all in one unit."""

    estimate: float
    low: float
    high: float
