"""What is watched beside unique pairs: the dose as it was seen, novelty, satisfaction.

Unique pairs alone would reward pages of what nobody finishes. So two guardrails stand beside them
(2506.08283 watches both): that what is seen is as new as the dose meant it to be, and that what
viewers engage with of proposals satisfies them as what they find by themselves does.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from keyart.models.serendipity.measure.lived import (
    FREE,
    PER,
    RANDOM,
    Lived,
    Seen,
    by_kind,
    pairs_of,
    seen_of,
)
from keyart.models.serendipity.world import Floats
from keyart.models.statistics.bootstrap import Worlds, percentile, ratio_interval
from keyart.models.statistics.interval import Interval
from keyart.models.taste.strength import QUALITY_MINUTES
from keyart.schemas.events import Event, Finish, Like, Play

FINE, LOOK, UNTOLD = "fine", "look", "cannot be told yet"
NOVELTY, SATISFACTION = "novelty", "satisfaction"
LEAST_VIEWERS: Final = 30
"""Of fewer a bootstrap says nothing: all of three viewers alike have an interval without width."""
MARGINS: Final = {NOVELTY: 0.05, SATISFACTION: 0.10}
"""How far below what it is held against a guardrail may be and still be fine."""
MOST_SURFACES: Final = 20


class Guard(Struct, frozen=True, kw_only=True):
    """A guardrail: `share` is held against `beside`, and lies `over` it (below 0: under it).

    Novelty: the share of places seen that are proposals, of clusters not explored, against the dose
    of their pages. Satisfaction: the share of proposals engaged with that were finished or liked,
    against that of all else the same viewers engaged with. `says` is `fine`, `look` or `cannot be
    told yet`; `viewers` are those that it stands on.
    """

    name: str
    says: str = UNTOLD
    viewers: int = 0
    share: Interval | None = None
    beside: float = 0.0
    over: Interval | None = None


class OnSurface(Struct, frozen=True, kw_only=True):
    """Of a surface's places seen: the shares proposed, drawn at random, and meant (`dose`)."""

    surface: str
    places: int
    dose: float
    proposed: float
    random: float


class Came(Struct, frozen=True, kw_only=True):
    """What came of the pages of a time, in ms since 1970: `seen` places, `new` of them proposals.

    `more` is by how many unique engaged pairs per 1,000 places proposals have more than places that
    were not proposed; None where one of them was not seen. Surfaces have the most seen first.
    """

    since_ms: int
    at_ms: int
    seen: int
    new: int
    kinds: dict[str, Lived]
    more: Interval | None = None
    surfaces: tuple[OnSurface, ...] = ()
    guards: tuple[Guard, ...] = ()


Elsewhere = Mapping[str, tuple[int, int]]
"""By viewer, how many titles they engaged with that no place of theirs showed, and of those how
many they finished or liked."""


def watched(
    events: Iterable[Event],
    elsewhere: Elsewhere | None = None,
    *,
    since_ms: int = 0,
    at_ms: int = 0,
    seed: int = 0,
) -> Came:
    """Return what came of the pages among these events, which may be in any order."""
    by_viewer = seen_of(events)
    seen = list(by_viewer.values())
    told = {} if elsewhere is None else elsewhere
    others = [told.get(viewer, (0, 0)) for viewer in by_viewer]
    kinds = by_kind(seen, seed=seed)
    places = sum(map(len, seen))
    return Came(
        since_ms=since_ms,
        at_ms=at_ms,
        seen=places,
        new=places - kinds[FREE].places,
        kinds=kinds,
        more=_more(seen, seed),
        surfaces=_surfaces(seen),
        guards=(_novelty(seen, seed), _satisfaction(seen, others, seed)),
    )


def engaged_elsewhere(
    events: Iterable[Event], viewers: Collection[str], shown: Collection[tuple[str, str]]
) -> dict[str, tuple[int, int]]:
    """Return what these viewers engaged with beside the (viewer, title) that they were shown."""
    played: dict[str, dict[str, bool]] = {}
    for each in events:
        satisfied = isinstance(each, Finish | Like)
        if not satisfied and not (isinstance(each, Play) and each.minutes >= QUALITY_MINUTES):
            continue
        assert isinstance(each, Finish | Like | Play)
        if each.viewer in viewers and (each.viewer, each.title) not in shown:
            its = played.setdefault(each.viewer, {})
            its[each.title] = satisfied or its.get(each.title, False)
    return {viewer: (len(its), sum(its.values())) for viewer, its in played.items()}


def _more(seen: Sequence[Sequence[Seen]], seed: int) -> Interval | None:
    new, known = _counted(seen, _was_proposed), _counted(seen, lambda each: not _was_proposed(each))
    pairs = [
        np.array(
            [float(pairs_of([each for each in its if _was_proposed(each) == side])) for its in seen]
        )
        for side in (True, False)
    ]
    over = _difference(pairs[0], new, pairs[1], known, seed)
    if over is None:
        return None
    return Interval(estimate=PER * over.estimate, low=PER * over.low, high=PER * over.high)


def _surfaces(seen: Sequence[Sequence[Seen]]) -> tuple[OnSurface, ...]:
    by_surface: dict[str, list[Seen]] = {}
    for its in seen:
        for each in its:
            by_surface.setdefault(each.surface, []).append(each)
    most = sorted(by_surface.items(), key=lambda one: (-len(one[1]), one[0]))[:MOST_SURFACES]
    return tuple(
        OnSurface(
            surface=surface,
            places=len(its),
            dose=sum(each.dose for each in its) / len(its),
            proposed=sum(map(_was_proposed, its)) / len(its),
            random=sum(each.kind == RANDOM for each in its) / len(its),
        )
        for surface, its in most
    )


def _novelty(seen: Sequence[Sequence[Seen]], seed: int) -> Guard:
    places, new = _counted(seen, lambda _: True), _counted(seen, _was_proposed)
    meant = np.array([sum(each.dose for each in its) for its in seen], np.float64)
    if not places.any():
        return Guard(name=NOVELTY)
    # no propensity is exactly its dose where nothing is left of one side, so the two are paired
    over = ratio_interval(new - meant, places, seed=seed)
    return _guard(
        NOVELTY,
        int((places > 0.0).sum()),
        ratio_interval(new, places, seed=seed),
        float(meant.sum() / places.sum()),
        over,
    )


def _satisfaction(
    seen: Sequence[Sequence[Seen]], others: Sequence[tuple[int, int]], seed: int
) -> Guard:
    engaged = _counted(seen, lambda each: _was_proposed(each) and each.engaged)
    liked = _counted(seen, lambda each: _was_proposed(each) and each.satisfied)
    beside = np.array(others, np.float64).reshape(-1, 2)
    found = _counted(seen, lambda each: not _was_proposed(each) and each.engaged) + beside[:, 0]
    fond = _counted(seen, lambda each: not _was_proposed(each) and each.satisfied) + beside[:, 1]
    over = _difference(liked, engaged, fond, found, seed)
    if over is None:
        return Guard(name=SATISFACTION)
    return _guard(
        SATISFACTION,
        int(min((engaged > 0.0).sum(), (found > 0.0).sum())),
        ratio_interval(liked, engaged, seed=seed),
        float(fond.sum() / found.sum()),
        over,
    )


def _guard(name: str, viewers: int, share: Interval, beside: float, over: Interval) -> Guard:
    says = UNTOLD
    if viewers >= LEAST_VIEWERS:
        if over.low >= -MARGINS[name]:
            says = FINE
        elif over.high < 0.0:
            says = LOOK
    return Guard(name=name, says=says, viewers=viewers, share=share, beside=beside, over=over)


def _was_proposed(each: Seen) -> bool:
    return each.kind != FREE


def _counted(seen: Sequence[Sequence[Seen]], of: Callable[[Seen], bool]) -> Floats:
    return np.array([float(sum(map(of, its))) for its in seen], np.float64)


def _difference(
    above: Floats, below: Floats, other_above: Floats, other_below: Floats, seed: int
) -> Interval | None:
    """Return one ratio of totals less another over the same viewers; None where one has none."""
    if not (below.any() and other_below.any()):
        return None
    worlds = Worlds(len(below), seed=seed)
    drawn = worlds.ratios(above, below) - worlds.ratios(other_above, other_below)
    estimate = above.sum() / below.sum() - other_above.sum() / other_below.sum()
    return percentile(float(estimate), drawn)
