"""Take fractions by policy, over time and altogether, from the timeline's buckets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.holdback import Holdback
from keyart.models.bandits.registry import DEFAULT_POLICY
from keyart.models.statistics.entropy import effective_choices
from keyart.models.statistics.lift import interval
from keyart.models.statistics.timeline import EXPLORE, REPLICATES, Key, merge
from keyart.schemas.posterior import PolicyBucket
from keyart.services.page.time_views import Point, Series, Timeline
from keyart.services.page.views import PolicyFigures

Array = NDArray[np.float64]

CONTROL = "uniform"
"""Uniform exploration and the policy of that name are one: the same draw, so one control."""
POINTS = 60
WINDOWS = 6
"""A moving point covers this part of all impressions."""
_SPOKEN = {
    CONTROL: "uniform choice",
    DEFAULT_POLICY: f"keyart ({DEFAULT_POLICY})",
    Holdback.name: "default artworks",
}
HOLE = 0.03
YOUNG = 8
"""With no more points than this, all are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One policy's buckets in order of time, summed up from the first: N + 1 rows, the first zero.

    Parameters
    ----------
    policy
        Its name.
    starts
        (N,) starts of the buckets in ms.
    plain
        (N + 1, 4): count, value, explored, entropy.
    counts, values
        (N + 1, REPLICATES).
    whole
        All buckets together.
    """

    policy: str
    starts: NDArray[np.int64]
    plain: Array
    counts: Array
    values: Array
    whole: PolicyBucket

    def between(self, low_ms: int, high_ms: int) -> PolicyBucket:
        """Return the sums of the buckets that start in low_ms <= start < high_ms."""
        low, high = np.searchsorted(self.starts, (low_ms, high_ms))
        count, value, explored, entropy = (self.plain[high] - self.plain[low]).tolist()
        return PolicyBucket(
            count=round(count),
            value=value,
            explored=round(explored),
            entropy=entropy,
            counts=(self.counts[high] - self.counts[low]).astype(np.int64).tolist(),
            values=(self.values[high] - self.values[low]).tolist(),
        )


def tracks(buckets: Mapping[Key, PolicyBucket]) -> dict[str, Track]:
    """Return the policies' tracks, exploration and uniform together as the control."""
    grouped: dict[str, dict[int, list[PolicyBucket]]] = {}
    for (start, policy), bucket in buckets.items():
        name = CONTROL if policy == EXPLORE else policy
        grouped.setdefault(name, {}).setdefault(start, []).append(bucket)
    return {
        policy: track_of(policy, {start: merge(every) for start, every in sorted(by_start.items())})
        for policy, by_start in grouped.items()
    }


def track_of(policy: str, by_start: dict[int, PolicyBucket]) -> Track:
    """Return the track of these buckets, at least one, in order of their starts."""
    every = list(by_start.values())
    return Track(
        policy=policy,
        starts=np.array(list(by_start), np.int64),
        plain=_summed([[each.count, each.value, each.explored, each.entropy] for each in every]),
        counts=_summed([each.counts or [0] * REPLICATES for each in every]),
        values=_summed([each.values or [0.0] * REPLICATES for each in every]),
        whole=merge(every),
    )


def _summed(rows: Sequence[Sequence[float]]) -> Array:
    table = np.array(rows, np.float64)
    return np.concatenate([np.zeros_like(table[:1]), np.cumsum(table, axis=0)])


def in_order(held: Mapping[str, Track], main: str) -> list[Track]:
    """Return the tracks: the policy that serves, the others by name, the control last."""
    last = {main: 0, CONTROL: 2}
    return [held[name] for name in sorted(held, key=lambda name: (last.get(name, 1), name))]


def leading(held: Mapping[str, Track], preferred: str) -> str:
    """Return the policy the headline is about: the one set to serve, else the most shown."""
    others = [name for name in held if name != CONTROL]
    if preferred in others or not others:
        return preferred
    return max(others, key=lambda name: held[name].whole.count)


def role(policy: str) -> str:
    """Return "control" for uniform choice, else "policy"."""
    return "control" if policy == CONTROL else "policy"


def spoken(policy: str) -> str:
    """Return the policy's name for a person."""
    return _SPOKEN.get(policy, policy.replace("_", " "))


def figures(ordered: Sequence[Track]) -> tuple[PolicyFigures, ...]:
    """Return each policy's figures over all time, those without impressions left out."""
    found: list[PolicyFigures] = []
    for place, track in enumerate(ordered):
        if (known := interval(track.whole)) is None:
            continue
        found.append(
            PolicyFigures(
                policy=track.policy,
                name=spoken(track.policy),
                role=role(track.policy),
                place=place,
                impressions=track.whole.count,
                takes=track.whole.value,
                mean=known.estimate,
                low=known.low,
                high=known.high,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Windows:
    """Where the points stand: each covers the buckets that start in after < start <= at."""

    ends: list[int]
    afters: list[int]
    impressions: int


def _windows(ordered: Sequence[Track]) -> _Windows:
    """Return moving windows: evenly in time, each with a sixth of all impressions behind it.

    By impressions and not by time, so that an interval is as short in a quiet hour as in a busy
    one. The first points wait until half a window has come.
    """
    starts = np.unique(np.concatenate([track.starts for track in ordered]))
    counts = np.zeros(len(starts))
    for track in ordered:
        counts[np.searchsorted(starts, track.starts)] += np.diff(track.plain[:, 0])
    total = np.concatenate([[0.0], np.cumsum(counts)])
    window = total[-1] / WINDOWS
    picked = np.searchsorted(starts, evenly([starts]))
    if len(picked) > YOUNG:
        picked = picked[total[picked + 1] >= window / 2]
    first = np.searchsorted(total, total[picked + 1] - window, side="right") - 1
    first = np.clip(first, 0, picked)
    return _Windows(starts[picked].tolist(), (starts[first] - 1).tolist(), round(window))


def evenly(starts: Sequence[NDArray[np.int64]]) -> list[int]:
    """Return at most `POINTS` of these starts: evenly in time, not among the buckets.

    Those that aged are wider.
    """
    every = np.unique(np.concatenate(starts))
    wanted = np.linspace(every[0], every[-1], min(POINTS, len(every)))
    found: list[int] = every[np.unique(np.searchsorted(every, wanted, "right") - 1)].tolist()
    return found


def holes(starts: Sequence[NDArray[np.int64]]) -> list[tuple[int, int]]:
    """Return (after, until) of the times in which nothing was shown, by starts of buckets.

    A hole is longer than `HOLE` of all that is drawn, and than several of the buckets about it.
    """
    if not starts:
        return []
    every = np.unique(np.concatenate(starts))
    steps = np.diff(every)
    if not len(steps):
        return []
    least = max(HOLE * float(every[-1] - every[0]), 4.0 * float(np.median(steps)))
    return [(int(every[at]), int(every[at + 1])) for at in np.flatnonzero(steps > least)]


def over_time(ordered: Sequence[Track], *, view: str) -> Timeline:
    """Return the take fraction of each policy over time.

    Parameters
    ----------
    view
        "moving": each point covers a sixth of all impressions; "total": everything before it.
    """
    windows = _windows(ordered) if ordered else _Windows([], [], 0)
    every: list[Series] = []
    for place, track in enumerate(ordered):
        points: list[Point] = []
        for at, after in zip(windows.ends, windows.afters, strict=True):
            bucket = track.between(after + 1 if view == "moving" else 0, at + 1)
            if (known := interval(bucket)) is not None:
                points.append(
                    Point(
                        at=at, mean=known.estimate, low=known.low, high=known.high, n=bucket.count
                    )
                )
        every.append(
            Series(
                policy=track.policy,
                name=spoken(track.policy),
                role=role(track.policy),
                place=place,
                points=tuple(points),
            )
        )
    return Timeline(
        view=view,
        window_impressions=windows.impressions,
        holes=tuple(holes([track.starts for track in ordered])),
        series=tuple(every),
    )


def effective_trail(track: Track) -> tuple[float, ...]:
    """Return the effective number of artworks in play over time: exp of the mean entropy."""
    windows = _windows([track])
    trail: list[float] = []
    for at, after in zip(windows.ends, windows.afters, strict=True):
        bucket = track.between(after + 1, at + 1)
        if decisions := bucket.count + bucket.explored:
            trail.append(effective_choices(bucket.entropy / decisions))
    return tuple(trail)
