"""Has the world left the prior behind? ADWIN on how takes follow it, and on the take fraction.

Rewards are put together in the order in which they were shown, in heaps: a single one says nothing.
Each heap gives the slope of takes on the prior's opinions (1 is calibrated) and, for each group of
titles, a take fraction. ADWIN (Bifet and Gavalda, SIAM SDM 2007) cuts the series where its two
parts differ by more than chance allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.drift import adwin

Array = NDArray[np.float64]
LEAST: Final = 100
HEAPS: Final = 200
"""About so many heaps are made of a long log: ADWIN's bound has a term that falls with their number
alone."""
DELTA: Final = 0.002
LEAST_HEAPS: Final = 8
FARTHEST: Final = 5.0
"""A slope of one heap counts up to this size: a heap that says little says it loudly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Something changed: what, and from when on (ms) the world is the one of now."""

    what: str
    since_ms: int


def drifts(
    shown_at_ms: NDArray[np.int64],
    reward: Array,
    level: Array,
    moved: Array,
    group: Sequence[str],
    *,
    counts: Array | None = None,
    delta: float = DELTA,
    least: int = 0,
) -> list[Drift]:
    """Return what changed, each with the newest change.

    Parameters
    ----------
    shown_at_ms
        (N,) when, in order.
    reward
        (N,) what came of it.
    level
        (N,) the take fraction of the row's title.
    moved
        (N,) the prior's opinion of what was drawn, less its mean under the propensities.
    group
        (N,) the title's group.
    counts
        (N,) what each reward counts, above 0 to 1; None: all in full. Heaps are of rewards that
        count as much together, so that each still says as much as the others, within the bounds
        that ADWIN needs.
    least
        Rewards in a heap; 0: a 200th of them, at least 100.
    """
    weigh = np.ones(len(reward)) if counts is None else counts
    found: list[Drift] = []
    least = least or max(LEAST, int(weigh.sum()) // HEAPS)
    which, begins = _heaps(weigh, least)
    count = len(begins)
    if count == 0:
        return found
    used = slice(0, len(which))
    said = np.bincount(which, (weigh * level * moved**2)[used], count)
    agreed = np.bincount(which, (weigh * moved * (reward - level))[used], count)
    if (said > 0.0).all():
        slope = np.clip(agreed / said, -FARTHEST, FARTHEST)
        if (at := _newest(slope, delta)) is not None:
            began = int(shown_at_ms[begins[at]])
            found.append(Drift(what="how takes follow the prior", since_ms=began))
    names = np.asarray(group)
    for name in sorted(set(group)):
        its = np.flatnonzero(names == name)
        which, begins = _heaps(weigh[its], least)
        count = len(begins)
        if count < 2:
            continue
        its = its[: len(which)]
        taken = np.bincount(which, (weigh * reward)[its], count)
        fraction = taken / np.bincount(which, weigh[its], count)
        if (at := _newest(fraction, delta)) is not None:
            what = f"the take fraction of group {name}" if name else "the take fraction"
            found.append(Drift(what=what, since_ms=int(shown_at_ms[its[begins[at]]])))
    return found


def _heaps(counts: Array, least: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the heap of each row, of those in whole heaps, and the first row of each heap."""
    so_far = np.cumsum(counts)
    # where the sums say "a whole heap" they may be short of it by rounding
    number = ((so_far - counts) / least + 1e-9).astype(np.intp)
    whole = int(so_far[-1] / least + 1e-9) if len(counts) else 0
    which = number[number < whole]
    _, begins = np.unique(which, return_index=True)
    return which, begins.astype(np.intp)


def _newest(series: Array, delta: float) -> int | None:
    """Return where the newest change in a series is; None if there was none.

    ADWIN's bound is for values within 1 of one another, so the series is scaled to a noise of a
    quarter; the noise is read off neighbours, which a change does not move. When ADWIN cuts, its
    window still holds some of before: the change is dated where the two means differ most.
    """
    if len(series) < LEAST_HEAPS:
        return None
    noise = float(np.median(np.abs(np.diff(series)))) / 0.954
    scaled = np.clip((series - np.median(series)) / max(4.0 * noise, 1e-12), -4.0, 4.0)
    found: int | None = None
    begun, watch = 0, _watch(delta)
    for at, value in enumerate(scaled.tolist()):
        watch.update(value)
        if not watch.drift_detected:
            continue
        part = scaled[begun : at + 1]
        first = np.arange(1, len(part))
        head = part.cumsum()[:-1]
        gap = np.abs(head / first - (part.sum() - head) / (len(part) - first))
        found = begun + int(first[(gap * np.sqrt(first * (len(part) - first))).argmax()])
        begun, watch = found, _watch(delta)
        for later in scaled[found : at + 1].tolist():
            watch.update(later)
    return found


def _watch(delta: float) -> Any:
    return adwin()(delta=delta, clock=1, grace_period=5, min_window_length=3)
