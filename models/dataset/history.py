"""A viewer's past as the prompt tells it: the most recent and the most telling."""

import math
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from keyart.models.dataset.examples import Entry

KEPT_PER_VIEWER: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Liked:
    closed_at_ms: int
    shown_at_ms: int
    title: str
    entry: Entry
    telling: float


class Histories:
    """Every viewer's earlier engagements, fed in the order of time.

    An engagement is told only for decisions shown strictly after its own impression, and once its
    window had closed: what was not known then is not told. How telling a title is falls with the
    number of viewers who enjoyed it before (log of the inverse share); of `entries`, the first half
    are the most recent, the rest the most telling of what is left. Memory: `KEPT_PER_VIEWER` each.
    """

    def __init__(self, *, entries: int = 12) -> None:
        self._entries = entries
        self._liked: dict[str, deque[_Liked]] = {}
        self._takers: Counter[str] = Counter()
        self._total = 0

    def add(
        self, *, viewer: str, title: str, entry: Entry, shown_at_ms: int, closed_at_ms: int
    ) -> None:
        """Note that the viewer enjoyed this."""
        telling = math.log((self._total + 2) / (self._takers[title] + 1))
        self._takers[title] += 1
        self._total += 1
        kept = self._liked.setdefault(viewer, deque(maxlen=KEPT_PER_VIEWER))
        kept.append(
            _Liked(
                closed_at_ms=closed_at_ms,
                shown_at_ms=shown_at_ms,
                title=title,
                entry=entry,
                telling=telling,
            )
        )

    def before(self, viewer: str, at_ms: int) -> tuple[Entry, ...]:
        """Return what was known at that time, the most recent first, one entry a title."""
        seen: set[str] = set()
        known: list[_Liked] = []
        for liked in sorted(
            self._liked.get(viewer, ()), key=lambda liked: liked.shown_at_ms, reverse=True
        ):
            if (
                liked.closed_at_ms <= at_ms
                and liked.shown_at_ms < at_ms
                and liked.title not in seen
            ):
                seen.add(liked.title)
                known.append(liked)
        recent = (self._entries + 1) // 2
        telling = sorted(known[recent:], key=lambda liked: -liked.telling)
        told = known[:recent] + telling[: self._entries - recent]
        told.sort(key=lambda liked: liked.shown_at_ms, reverse=True)
        return tuple(liked.entry for liked in told)
