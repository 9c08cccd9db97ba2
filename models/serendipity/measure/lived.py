"""What came of pages that were served: unique engaged pairs of viewer and cluster, and guardrails.

A place counts once the viewer has seen its title; what they do with the title within a window
afterwards is of it. Pairs are unique and of clusters that had not been explored, because a second
title of a cluster that was entered is no discovery; intervals count viewers (2506.08283 measures
UEUC, novelty and satisfaction so).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from keyart.models.statistics.bootstrap import ratio_interval
from keyart.models.statistics.interval import Interval
from keyart.models.taste.strength import QUALITY_MINUTES
from keyart.schemas.events import Event, Finish, Hide, Impression, Like, Play, Proposed

WINDOW_MS: Final = 7 * 86_400_000
TABLE, RANDOM, FREE = "proposed by the table", "drawn at random", "not proposed"
KINDS: Final = (TABLE, RANDOM, FREE)
PER: Final = 1000.0


class Lived(Struct, frozen=True, kw_only=True):
    """Of places of one kind that were seen.

    `ueuc` is of 1,000 of them; `engaged` and `hidden` are shares of places, `satisfied` that of
    places engaged with which were finished or liked. Intervals are None where nothing was seen.
    """

    places: int = 0
    viewers: int = 0
    ueuc: Interval | None = None
    engaged: Interval | None = None
    hidden: Interval | None = None
    satisfied: float = 0.0


class Seen(NamedTuple):
    """A place whose title was seen: of what page, and what was done with it within the window.

    `title` is its own; `dose` the share of places that proposals had on its page; `new` that its
    cluster had not been explored.
    """

    kind: str
    title: str
    cluster: str
    surface: str
    dose: float
    engaged: bool
    hidden: bool
    satisfied: bool
    new: bool


def lived(
    events: Iterable[Event], *, window_ms: int = WINDOW_MS, seed: int = 0
) -> dict[str, Lived]:
    """Return what came of the pages among these events, which may be in any order, by kind."""
    return by_kind(list(seen_of(events, window_ms=window_ms).values()), seed=seed)


def by_kind(seen: Sequence[Sequence[Seen]], *, seed: int = 0) -> dict[str, Lived]:
    """Return what came of places by kind; `seen` has those of each viewer."""
    return {kind: _of_kind(kind, seen, seed) for kind in KINDS}


def seen_of(events: Iterable[Event], *, window_ms: int = WINDOW_MS) -> dict[str, list[Seen]]:
    """Return the places seen of the pages among these events, by viewer; events in any order."""
    pages: dict[str, list[Proposed]] = defaultdict(list)
    acts: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if isinstance(event, Proposed):
            pages[event.viewer].append(event)
        elif isinstance(event, Impression | Play | Finish | Like | Hide):
            acts[event.viewer, event.title].append(event)
    return {
        viewer: [place for page in its for place in _places(page, viewer, acts, window_ms)]
        for viewer, its in pages.items()
    }


def _places(
    page: Proposed, viewer: str, acts: dict[tuple[str, str], list[Event]], window_ms: int
) -> Iterable[Seen]:
    upto = page.occurred_at_ms + window_ms
    for each in page.titles:
        since = [
            event
            for event in acts.get((viewer, each.title), ())
            if page.occurred_at_ms <= event.occurred_at_ms <= upto
        ]
        if any(isinstance(event, Impression) for event in since):
            satisfied = any(isinstance(event, Finish | Like) for event in since)
            yield Seen(
                kind=FREE if not each.proposed else RANDOM if each.explored else TABLE,
                title=each.title,
                cluster=each.cluster,
                surface=page.surface,
                dose=page.dose,
                engaged=satisfied
                or any(isinstance(e, Play) and e.minutes >= QUALITY_MINUTES for e in since),
                hidden=any(isinstance(event, Hide) for event in since),
                satisfied=satisfied,
                new=each.new or each.proposed,
            )


def pairs_of(places: Sequence[Seen]) -> int:
    """Return how many clusters, unexplored until then, a viewer engaged with on these places."""
    return len({each.cluster for each in places if each.engaged and each.new})


def _of_kind(kind: str, seen: Sequence[Sequence[Seen]], seed: int) -> Lived:
    mine = [its for places in seen if (its := [each for each in places if each.kind == kind])]
    if not mine:
        return Lived()
    shown = np.array([float(len(its)) for its in mine])
    pairs = np.array([float(pairs_of(its)) for its in mine])
    engaged = np.array([float(sum(each.engaged for each in its)) for its in mine])
    hidden = np.array([float(sum(each.hidden for each in its)) for its in mine])
    satisfied = sum(each.satisfied for its in mine for each in its)
    found = ratio_interval(pairs, shown, seed=seed)
    return Lived(
        places=int(shown.sum()),
        viewers=len(mine),
        ueuc=Interval(estimate=PER * found.estimate, low=PER * found.low, high=PER * found.high),
        engaged=ratio_interval(engaged, shown, seed=seed),
        hidden=ratio_interval(hidden, shown, seed=seed),
        satisfied=float(satisfied / engaged.sum()) if engaged.any() else 0.0,
    )
