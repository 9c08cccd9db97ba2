"""What the page's endpoints ask: figures worked out at most once a second, however many look."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from msgspec import structs

from keyart.models.statistics.timeline import Key
from keyart.schemas.posterior import PolicyBucket
from keyart.services.page.comparison import lifts_over_time
from keyart.services.page.decision_views import DecisionList
from keyart.services.page.decisions import decisions_of
from keyart.services.page.export import figures_csv, titles_csv
from keyart.services.page.fractions import Track, holes, in_order, leading, over_time, tracks
from keyart.services.page.overview import PageRules, overview_of
from keyart.services.page.positions import positions_of
from keyart.services.page.source import Source
from keyart.services.page.strata import Filter, Stratum, chosen, strata, surfaces
from keyart.services.page.time_views import MarkView, Timeline
from keyart.services.page.title_views import TitleList, TitleView
from keyart.services.page.titles import title_of, titles_of
from keyart.services.page.views import Overview
from keyart.services.page.watched import watched_of

T = TypeVar("T")
KEPT_MS = 1000
EVERYTHING = Filter()
MOST_FILTERS = 16


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


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one filter: its tracks and strata, and the overview made of them."""

    tracks: dict[str, Track]
    strata: list[Stratum]


@dataclass(frozen=True, kw_only=True)
class Insight:
    """Everything the page may ask."""

    source: Source
    rules: PageRules
    _buckets: Lately[dict[Key, PolicyBucket]] = field(init=False, repr=False)
    _marks: Lately[tuple[MarkView, ...]] = field(init=False, repr=False)
    _told: dict[Filter, Lately[Told]] = field(init=False, repr=False, default_factory=dict)
    _overviews: dict[Filter, Lately[Overview]] = field(init=False, repr=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Set up what is kept for a second."""
        held = Lately(self.source.timeline, self.source.clock)
        object.__setattr__(self, "_buckets", held)
        object.__setattr__(self, "_marks", Lately(self.source.marks, self.source.clock))

    def buckets(self) -> dict[Key, PolicyBucket]:
        """Return the timeline as it is stored, all lanes together."""
        return self._buckets()

    def told(self, wanted: Filter) -> Told:
        """Return the tracks and strata of a filter."""

        def make() -> Told:
            held = self._buckets()
            return Told(tracks(chosen(held, wanted)), strata(held, wanted))

        return self._kept(self._told, wanted, make)()

    def overview(self, wanted: Filter = EVERYTHING) -> Overview:
        """Return the headline and how the service runs."""

        def make() -> Overview:
            told = self.told(wanted)
            held = self._buckets()
            watched = watched_of(held, wanted, leading(told.tracks, self.rules.policy))
            names = tuple(surfaces(held))
            return overview_of(
                self.source,
                self.rules,
                told.tracks,
                told.strata,
                names,
                watched,
                positions_of(self.source.positions(), wanted.surface),
            )

        return self._kept(self._overviews, wanted, make)()

    def timeline(self, view: str, wanted: Filter = EVERYTHING) -> Timeline:
        """Return the take fraction over time, "moving" or "total", or the "lift" so far."""
        told = self.told(wanted)
        main = leading(told.tracks, self.rules.policy)
        if view == "lift":
            lifts = lifts_over_time(told.strata, main)
            starts = [track.starts for track in told.tracks.values()]
            return Timeline(
                view=view,
                window_impressions=0,
                holes=tuple(holes(starts)),
                series=(),
                lifts=lifts,
                marks=self._marks(),
            )
        return structs.replace(
            over_time(in_order(told.tracks, main), view=view), marks=self._marks()
        )

    def _kept(
        self, held: dict[Filter, Lately[T]], wanted: Filter, make: Callable[[], T]
    ) -> Lately[T]:
        """Return what is kept of a filter; of those asked for longest ago, nothing is."""
        with self._lock:
            found = held.pop(wanted, None) or Lately(make, self.source.clock)
            held[wanted] = found
            while len(held) > MOST_FILTERS:
                del held[next(iter(held))]
            return found

    def titles(self, *, search: str, limit: int, surface: str = "") -> TitleList:
        """Return the titles that match, the most shown first, on one surface or on all."""
        return titles_of(self.source, search=search, limit=limit, surface=surface)

    def title(self, title: str, surface: str = "") -> TitleView:
        """Return one title, on one surface or on all.

        Raises
        ------
        NotFound
            There is no such title.
        """
        return title_of(self.source, title, surface)

    def figures_csv(self, wanted: Filter = EVERYTHING) -> Iterator[str]:
        """Yield the timeline as lines of CSV."""
        return figures_csv(self._buckets(), wanted)

    def titles_csv(self) -> Iterator[str]:
        """Yield every artwork on every surface as lines of CSV."""
        return titles_csv(self.source)

    def decisions(self, *, limit: int) -> DecisionList:
        """Return recent decisions with their reasons."""
        return decisions_of(self.source, limit=limit, explore_share=self.rules.explore_share)
