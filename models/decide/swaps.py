"""A viewer's budget of swaps: how many pictures may change for them in a day."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

DAY_MS: Final = 86_400_000


class Swaps(NamedTuple):
    """How many pictures may change for a viewer in a day, and after how long one is forgotten."""

    a_day: int
    horizon_ms: int


class Shown(NamedTuple):
    """One decision of a viewer: where (title and surface), what, when."""

    place: int
    artwork: int
    decided_at_ms: int


def swaps_on(shown: Iterable[Shown], *, now_ms: int, horizon_ms: int) -> int:
    """Return how many pictures changed on the UTC day of `now_ms`.

    A picture changed where a decision has another artwork than the one before it in the same place.
    One that came later than `horizon_ms` after it is no change: the one before is forgotten.
    """
    day_ms = now_ms - now_ms % DAY_MS
    by_place: dict[int, list[Shown]] = {}
    for each in shown:
        by_place.setdefault(each.place, []).append(each)
    return sum(
        before.artwork != after.artwork
        and after.decided_at_ms - before.decided_at_ms <= horizon_ms
        and day_ms <= after.decided_at_ms < day_ms + DAY_MS
        for its in by_place.values()
        for before, after in pairwise(sorted(its, key=lambda each: each.decided_at_ms))
    )


def stays(changes: Sequence[bool | None], left: int) -> list[bool]:
    """Return (T,) whether the picture of before stays, in the order in which titles were asked for.

    Parameters
    ----------
    changes
        (T,) whether what was drawn for the title is another picture than the one of before; None
        where none was before, which costs nothing.
    left
        Swaps that the viewer has left.

    Notes
    -----
    Whether a title stays depends on what was drawn for titles before it, and never on what was
    drawn for itself: one that stays does so even where the same picture was drawn. Draws of titles
    are independent, so what is decided anew has just the propensities that are logged. Would the
    same picture be logged and another not, the pictures of before would seem to be chosen always.
    """
    found = []
    for change in changes:
        kept = change is not None and left <= 0
        found.append(kept)
        if change and not kept:
            left -= 1
    return found
