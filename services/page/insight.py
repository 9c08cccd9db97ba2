"""What the page's endpoints ask: figures worked out at most once a second, however many look."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from keyart.services.page.decisions import decisions_of
from keyart.services.page.fractions import Track, in_order, leading, over_time, tracks
from keyart.services.page.overview import PageRules, overview_of
from keyart.services.page.source import Source
from keyart.services.page.titles import title_of, titles_of
from keyart.services.page.views import DecisionList, Overview, Timeline, TitleList, TitleView

T = TypeVar("T")
KEPT_MS = 1000


class Lately(Generic[T]):
    """A value that is made again only when it is older than `KEPT_MS`; safe between threads."""

    def __init__(self, make: Callable[[], T], clock: Callable[[], int]) -> None:
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[int, T] | None = None

    def __call__(self) -> T:
        """Return the value, a new one if it is time."""
        with self._lock:
            now_ms = self._clock()
            if self._held is None or not 0 <= now_ms - self._held[0] < KEPT_MS:
                self._held = (now_ms, self._make())
            return self._held[1]


@dataclass(frozen=True, kw_only=True)
class Insight:
    """Everything the page may ask."""

    source: Source
    rules: PageRules
    _tracks: Lately[dict[str, Track]] = field(init=False, repr=False)
    _overview: Lately[Overview] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Set up what is kept for a second."""
        clock = self.source.clock
        held = Lately(lambda: tracks(self.source.timeline()), clock)
        object.__setattr__(self, "_tracks", held)
        made = Lately(lambda: overview_of(self.source, self.rules, held()), clock)
        object.__setattr__(self, "_overview", made)

    def overview(self) -> Overview:
        """Return the headline and how the service runs."""
        return self._overview()

    def timeline(self, view: str) -> Timeline:
        """Return the take fraction over time; `view` is "moving" or "total"."""
        held = self._tracks()
        return over_time(in_order(held, leading(held, self.rules.policy)), view=view)

    def titles(self, *, search: str, limit: int) -> TitleList:
        """Return the titles that match, the most shown first."""
        return titles_of(self.source, search=search, limit=limit)

    def title(self, title: str) -> TitleView:
        """Return one title.

        Raises
        ------
        NotFound
            There is no such title.
        """
        return title_of(self.source, title)

    def decisions(self, *, limit: int) -> DecisionList:
        """Return recent decisions with their reasons."""
        return decisions_of(self.source, limit=limit, explore_share=self.rules.explore_share)
