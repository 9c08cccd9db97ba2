"""What is due when: an index over the join's open windows, rebuilt from the state at a start."""

import heapq
from collections.abc import Iterable
from typing import NamedTuple


class Due(NamedTuple):
    """At `at_ms` the window `name` closes; an empty name means that the viewer may be forgotten."""

    at_ms: int
    name: str
    viewer: str


class DueIndex:
    """A heap of due moments. Entries that no longer hold are left in it; who pops them checks."""

    def __init__(self, entries: Iterable[Due] = ()) -> None:
        self._heap = list(entries)
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        """Return the number of entries, stale ones included."""
        return len(self._heap)

    def add(self, entries: Iterable[Due]) -> None:
        """Add moments."""
        for entry in entries:
            heapq.heappush(self._heap, entry)

    def until(self, now_ms: int, most: int) -> list[Due]:
        """Take out and return up to `most` entries that are due at `now_ms`, the oldest first."""
        found: list[Due] = []
        while self._heap and self._heap[0].at_ms <= now_ms and len(found) < most:
            found.append(heapq.heappop(self._heap))
        return found
