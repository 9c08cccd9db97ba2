"""What viewers who are new teach a title is watched, and a burst that cannot be luck is held back.

Anybody can make up viewers, so the influence of those first seen within the last hour is bounded by
what the title stands on. Their rewards count at once, and also stand apart in windows of a few
rewards each. When a window closes, the last few together are compared with everything that the
title had learned before, artwork by artwork (`rates`). If viewers as they were would do that once
in a hundred times, the title is on its guard for an hour: windows of new viewers then wait until
they close, and count only if they fit. If they would do it once in ten thousand times, the windows
are also taken out of the sums again, to the last digit, and held.

So a flood moves an artwork by no more than fits into the windows that it takes to notice it, and
by next to nothing afterwards; honest viewers pay with a window now and then. Viewers who have been
around for an hour are never held: if tastes really changed, they say so. Nothing that is held is
lost: it is in the training log, and a replay with `KEYART_HOLD_BURSTS=false` learns it.
"""

from itertools import zip_longest
from typing import Final, Protocol

import numpy as np

from keyart.models.sums import rates
from keyart.models.sums.responses import add_responses
from keyart.schemas.posterior import Burst, Cell, Cells, Fresh, Responses, TitleSums

WINDOW: Final = 20
"""Rewards of a window, at least, and so many that `TAKES` are expected; or `MOST_TAKES` came."""
TAKES: Final = 2.0
MOST_TAKES: Final = 8.0
RECENT: Final = 8
"""Windows that are compared together, and taken back together."""
SUSPICION: Final = 0.01
"""Rates as settled would differ so much so rarely: from here on new windows wait."""
LUCK: Final = 1e-4
"""So rarely that the windows are taken back."""
DOUBT: Final = 0.01
"""On guard a single window must be likelier than this."""
GUARD_MS: Final = 3_600_000


class Told(Protocol):
    """Sums of a title, or of a window of it, and the same by caller where there are several."""

    @property
    def artworks(self) -> Cells:
        """All of them."""

    @property
    def callers(self) -> dict[str, Cells]:
        """Those of each caller's key; none while one caller has told all."""


def faded(fresh: Fresh, fade: float) -> Fresh:
    """Return the windows with their sums decayed by `fade`, as those of the title are."""
    return Fresh(
        recent=[_faded(each, fade) for each in fresh.recent],
        open=_faded(fresh.open, fade),
        held=_faded(fresh.held, fade),
        guarded_until_ms=fresh.guarded_until_ms,
        waits=fresh.waits,
    )


def held_in(sums: TitleSums) -> int:
    """Return how many rewards of a title are held."""
    return 0 if sums.fresh is None else sums.fresh.held.rewards


def on_guard(fresh: Fresh, at_ms: int) -> bool:
    """Whether windows wait until they close; a guard set by a clock that was ahead is none."""
    return 0 < fresh.guarded_until_ms - at_ms <= GUARD_MS


def begin(fresh: Fresh, at_ms: int) -> bool:
    """Whether the window that a reward goes into waits; a window is judged as it began."""
    if not fresh.open.rewards:
        fresh.waits = on_guard(fresh, at_ms)
    return fresh.waits


def is_full(fresh: Fresh, told: Told) -> bool:
    """Whether the open window has enough to be judged by `close`."""
    takes, _ = _all(fresh.open.artworks)
    if takes >= MOST_TAKES:
        return True
    if fresh.open.rewards < WINDOW:
        return False
    learned, shown = _all(told.artworks)
    return fresh.open.rewards * max(learned / shown if shown > 0.0 else 0.0, 1e-3) >= TAKES


def close(fresh: Fresh, told: Told, *, at_ms: int) -> Responses:
    """Close the open window and judge; changes both in place.

    Returns what it waited with that is learned now: what artworks' responses are learned from.

    Parameters
    ----------
    told
        Of the title: all that it has learned, the recent windows too, the open one unless it
        waits.
    at_ms
        When the last reward was shown.
    """
    artworks = told.artworks
    closed, fresh.open = fresh.open, Burst()
    responses, closed.responses = closed.responses, {}
    together = Burst()
    for each in (*fresh.recent, closed):
        move_all(each, together, 1)
    if fresh.waits:
        settled = _without(artworks, fresh.recent)
        if (
            luck(artworks, closed.artworks) >= DOUBT
            and luck(settled, together.artworks) >= SUSPICION
        ):
            move_all(closed, told, 1)
            fresh.recent = [*fresh.recent, closed][-RECENT:]
            return responses
        _hold(fresh, closed)
        return {}
    fresh.recent.append(closed)
    found = luck(_without(artworks, fresh.recent), together.artworks)
    if found < LUCK:
        move_all(together, told, -1)
        for each in fresh.recent:
            _hold(fresh, each)
    if found < SUSPICION:
        fresh.recent = []
        fresh.guarded_until_ms = at_ms + GUARD_MS
    elif len(fresh.recent) > RECENT:
        del fresh.recent[0]
    return {}


def _without(artworks: Cells, windows: list[Burst]) -> Cells:
    """Return the sums without those of these windows."""
    left = {name: {at: _copy(c) for at, c in cells.items()} for name, cells in artworks.items()}
    for each in windows:
        move(each.artworks, left, -1)
    return left


def luck(settled: Cells, window: Cells) -> float:
    """Return how likely rates as settled would differ so much in a window, 0 to 1.

    1 where too little is settled to tell.
    """
    names = sorted(settled.keys() | window.keys())
    return rates.luck(_table(settled, names), _table(window, names))


def move_all(source: Told, target: Told, sign: int) -> None:
    """Add all sums of `source` to `target`, those by caller too, or take them out; in place."""
    move(source.artworks, target.artworks, sign)
    for caller, cells in source.callers.items():
        move(cells, target.callers.setdefault(caller, {}), sign)


def move(source: Cells, target: Cells, sign: int) -> None:
    """Add the sums of `source` to `target`, or with sign -1 take them out; in place."""
    for name, cells in source.items():
        into = target.setdefault(name, {})
        for surface, cell in cells.items():
            held = into.setdefault(surface, Cell())
            held.count = max(held.count + sign * cell.count, 0)
            held.taken = max(held.taken + sign * cell.taken, 0.0)
            held.reward = max(held.reward + sign * cell.reward, 0.0)
            held.expected = max(held.expected + sign * cell.expected, 0.0)
            held.bands = [
                max(old + sign * new, 0.0)
                for old, new in zip_longest(held.bands, cell.bands, fillvalue=0.0)
            ]


def _hold(fresh: Fresh, window: Burst) -> None:
    move_all(window, fresh.held, 1)
    fresh.held.rewards += window.rewards
    fresh.held.since_ms = min(fresh.held.since_ms or window.since_ms, window.since_ms)
    fresh.held.until_ms = max(fresh.held.until_ms, window.until_ms)


def _table(cells: Cells, names: list[str]) -> rates.Array:
    """Return (2, K) rewards, and what was expected of them, by artwork."""
    return np.array([_totals(cells.get(name, {})) for name in names], np.float64).reshape(-1, 2).T


def _totals(cells: dict[str, Cell]) -> tuple[float, float]:
    return sum(c.reward for c in cells.values()), sum(c.expected for c in cells.values())


def _all(artworks: Cells) -> tuple[float, float]:
    each = [_totals(cells) for cells in artworks.values()]
    return sum(takes for takes, _ in each), sum(shown for _, shown in each)


def _copy(cell: Cell) -> Cell:
    return Cell(cell.count, cell.taken, cell.reward, cell.expected, [*cell.bands])


def _faded(window: Burst, fade: float) -> Burst:
    return Burst(
        rewards=window.rewards,
        since_ms=window.since_ms,
        until_ms=window.until_ms,
        artworks=faded_cells(window.artworks, fade),
        callers={name: faded_cells(cells, fade) for name, cells in window.callers.items()},
        responses=add_responses(window.responses, (), fade),
    )


def faded_cells(cells: Cells, fade: float) -> Cells:
    """Return the sums decayed by `fade`, as copies."""
    return {
        artwork: {
            surface: Cell(
                c.count,
                c.taken,
                c.reward * fade,
                c.expected * fade,
                [each * fade for each in c.bands],
            )
            for surface, c in its.items()
        }
        for artwork, its in cells.items()
    }
