"""On which days a title's rewards were shown: how much of its sums is of the world of now."""

from collections.abc import Mapping, MutableMapping
from typing import Final

DAY_MS: Final = 86_400_000
DAYS_KEPT: Final = 32
"""Days with rewards that a title remembers."""


def count_day(days: MutableMapping[int, int], shown_at_ms: int) -> None:
    """Count one more reward; the newest `DAYS_KEPT` days are kept."""
    day = shown_at_ms // DAY_MS
    days[day] = days.get(day, 0) + 1
    if len(days) > DAYS_KEPT:
        del days[min(days)]


def share_since(days: Mapping[int, int], since_ms: int) -> float:
    """Return the share, 0 to 1, of a title's remembered rewards that were shown since then.

    Parameters
    ----------
    days
        Day since 1970 (UTC) -> rewards. None: it is not known when they were, and all count.
    since_ms
        A day counts if more than half of it lies after. Before all that is remembered, once
        something was forgotten: all count.
    """
    if not days or since_ms <= 0:
        return 1.0
    first = (since_ms + DAY_MS // 2) // DAY_MS
    if len(days) >= DAYS_KEPT and first <= min(days):
        return 1.0
    return sum(count for day, count in days.items() if day >= first) / sum(days.values())
