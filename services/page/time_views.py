"""What the page says of policies over time. Times in ms since 1970 UTC; takes in 0 to 1."""

from msgspec import Struct


class Point(Struct, frozen=True, kw_only=True):
    """Take fraction of what was shown up to `at`."""

    at: int
    mean: float
    low: float
    high: float
    n: int


class Series(Struct, frozen=True, kw_only=True):
    """One policy over time."""

    policy: str
    name: str
    role: str
    place: int
    points: tuple[Point, ...]


class LiftPoint(Struct, frozen=True, kw_only=True):
    """How far above its control a policy was in all up to `at`; 0.1 is 10 % above."""

    at: int
    mean: float
    low: float
    high: float
    n: int


class LiftSeries(Struct, frozen=True, kw_only=True):
    """A policy over its control, so far, over time; intervals hold at every look."""

    policy: str
    name: str
    place: int
    points: tuple[LiftPoint, ...]


class MarkView(Struct, frozen=True, kw_only=True):
    """From `at_ms` on another version of the prior served; `words` say which, and by whom."""

    at_ms: int
    words: str


class Timeline(Struct, frozen=True, kw_only=True):
    """All policies over time; a point of view "moving" covers `window_impressions` of all.

    In a hole (after, until) nothing was shown. View "lift" has `lifts` and no series. `marks` are
    the newest changes of the version that serves, in the order of time.
    """

    view: str
    window_impressions: int
    holes: tuple[tuple[int, int], ...]
    series: tuple[Series, ...]
    lifts: tuple[LiftSeries, ...] = ()
    marks: tuple[MarkView, ...] = ()
