"""Which rewards of a log serving held back as bursts of new viewers (`bursts`), one by one.

The sums of a title know how many rewards are held, and not which: a log that is learned from again
has to be told. So the same windows are cut and judged again, on the log in its own order, and what
they held, and what still waits for its window, is named.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from keyart.models.sums.bursts import (
    MOST_TAKES,
    TAKES,
    WINDOW,
    begin,
    close,
    faded,
    faded_cells,
    is_full,
)
from keyart.models.sums.clock import MOST_AHEAD_MS
from keyart.schemas.posterior import Burst, Cell, Fresh

ROUNDING: Final = 1e-6
ALL: Final = ""
"""Bursts are judged over all surfaces, so they stand in one cell here."""
FARTHEST: Final = 64.0
"""Half-lives after which sums are brought to the present even if nobody asks."""


class Seen(NamedTuple):
    """A reward, as far as bursts are of it."""

    number: int
    artwork: str
    value: float
    multiplier: float
    fresh: bool
    shown_at_ms: int
    logged_at_ms: int


def held_of(rewards: Iterable[Seen], *, half_life_ms: float) -> list[int]:
    """Return the numbers of one title's rewards that are held, or wait for their window to close.

    Parameters
    ----------
    rewards
        In the log's order.
    half_life_ms
        Of forgetting, as `add_to_title` has it.
    """
    title = _Title(half_life_ms)
    for each in rewards:
        title.add(each)
    return title.held + title.waiting


class _Title:
    """What a title stands on; sums are as they would stand at `ref_ms`."""

    def __init__(self, half_life_ms: float) -> None:
        self.held: list[int] = []
        self.waiting: list[int] = []
        self._open: list[int] = []
        self._recent: list[list[int]] = []
        self._half_life_ms = half_life_ms
        self._told, self._fresh = Burst(), Fresh()
        self._ref_ms = self._as_of_ms = 0
        self._learned = self._shown = self._taken = 0.0

    def add(self, seen: Seen) -> None:
        """Learn a reward, as serving does."""
        if not self._as_of_ms:
            self._ref_ms = self._as_of_ms = seen.shown_at_ms
        if self._as_of_ms > seen.logged_at_ms + MOST_AHEAD_MS:  # as `clock.steady`
            self._ref_ms -= self._as_of_ms - seen.logged_at_ms
            self._as_of_ms = seen.logged_at_ms
        self._as_of_ms = max(self._as_of_ms, seen.shown_at_ms)
        if self._as_of_ms - self._ref_ms > FARTHEST * self._half_life_ms:
            self._present()
        weight = 2.0 ** ((seen.shown_at_ms - self._ref_ms) / self._half_life_ms)
        fresh = self._fresh
        guarded = seen.fresh and begin(fresh, seen.shown_at_ms)
        if not guarded:
            _add(self._told, seen, weight)
            self._learned += weight * seen.value
            self._shown += weight * seen.multiplier
        if not seen.fresh:
            return
        window = fresh.open
        window.rewards += 1
        _add(window, seen, weight)
        self._taken += weight * seen.value
        self._open.append(seen.number)
        if guarded:
            self.waiting.append(seen.number)
        if self._may_be_full(window):
            self._present()
            self._watch(seen.shown_at_ms)

    def _may_be_full(self, window: Burst) -> bool:
        """Whether `is_full` may find the window full: it looks exactly."""
        if self._taken * self._fade() >= MOST_TAKES - ROUNDING:
            return True
        rate = max(self._learned / self._shown if self._shown > 0.0 else 0.0, 1e-3)
        return window.rewards >= WINDOW and window.rewards * rate >= TAKES - ROUNDING

    def _watch(self, at_ms: int) -> None:
        fresh = self._fresh
        before, guarded = fresh.held.rewards, fresh.waits
        if is_full(fresh, self._told):
            close(fresh, self._told, at_ms=at_ms)
        if fresh.open.rewards:
            return
        self._recent.append(self._open)
        if fresh.held.rewards > before:
            held = self._recent[-1:] if guarded else self._recent
            self.held += [number for each in held for number in each]
            del self._recent[-len(held) :]
        self._recent = self._recent[len(self._recent) - len(fresh.recent) :]
        self._open, self.waiting = [], []
        self._taken = 0.0
        cells = [cell for its in self._told.artworks.values() for cell in its.values()]
        self._learned = sum(cell.reward for cell in cells)
        self._shown = sum(cell.expected for cell in cells)

    def _fade(self) -> float:
        return float(2.0 ** ((self._ref_ms - self._as_of_ms) / self._half_life_ms))

    def _present(self) -> None:
        """Let all sums stand at the newest time."""
        fade = self._fade()
        self._told = Burst(artworks=faded_cells(self._told.artworks, fade))
        self._fresh = faded(self._fresh, fade)
        self._learned, self._shown = self._learned * fade, self._shown * fade
        self._taken *= fade
        self._ref_ms = self._as_of_ms


def _add(told: Burst, seen: Seen, weight: float) -> None:
    cell = told.artworks.setdefault(seen.artwork, {}).setdefault(ALL, Cell())
    cell.reward += weight * seen.value
    cell.expected += weight * seen.multiplier
