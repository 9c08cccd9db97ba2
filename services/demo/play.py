"""Play the audience against keyart: visits in, impressions and engagements out, over HTTP."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.catalogue import Title
from keyart.schemas.errors import KeyartError
from keyart.services.client import Event, Page
from keyart.services.demo.pace import Pace
from keyart.services.demo.tally import Tally
from keyart.services.demo.visits import Visit, Visits, acts
from keyart.services.demo.world import World

SURFACE: Final = "home"
MOST_EVENTS: Final = 600
"""Events are sent when this many have gathered, or with the next visit after `WAIT_S`."""
WAIT_S: Final = 0.2

Now = Callable[[], int]


class Keyart(Protocol):
    """What the demo needs of keyart's client."""

    def put_title(self, title: Title) -> None:
        """Add or replace a title."""

    def decide(self, viewer: str, titles: Sequence[str], *, surface: str) -> Page:
        """Return the decisions for a page, in the order of the titles."""

    def send(self, events: Sequence[Event]) -> int:
        """Send events, at most 1,000; return how many were accepted."""


def wall_clock_ms() -> int:
    """Return now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Player:
    """Plays visits, one after the other, against one client; several share a tally by its lock.

    Parameters
    ----------
    world
        Who plays what.
    client
        keyart.
    tally
        What came of it.
    lock
        Held while the tally changes.
    run
        Names this run in event ids, so that two runs against one server do not collide.
    now_ms
        The clock.
    """

    world: World
    client: Keyart
    tally: Tally
    lock: threading.Lock
    run: str
    now_ms: Now = wall_clock_ms
    _rows: dict[str, int] = field(init=False)
    _titles: list[str] = field(init=False)
    _events: list[Event] = field(init=False, default_factory=list)
    _sent_at_ms: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Give the artworks their numbers."""
        artworks = (artwork.id for title in self.world.titles for artwork in title.artworks)
        self._rows = {artwork: row for row, artwork in enumerate(artworks)}
        self._titles = [title.id for title in self.world.titles]

    def play(self, visit: Visit) -> None:
        """Ask for the page's decisions, look, act, and send what happened when it is time."""
        audience = self.world.audience
        viewer = self.world.viewers[visit.viewer]
        titles = [self._titles[at] for at in visit.titles]
        page = self.client.decide(viewer, titles, surface=SURFACE)
        if page.away:
            raise KeyartError(page.away)
        chosen = np.array([self._rows[choice.artwork] for choice in page.decisions], np.intp)
        takes = audience.takes[visit.viewer]
        shown = np.stack([chosen, visit.uniform, audience.best_fixed[visit.titles]])  # (3, P)
        with self.lock:
            self.tally.add(visit.viewer, visit.luck, takes[shown])
            if page.degraded:
                self.tally.degraded[page.degraded] += 1
            self.tally.add_all(visit.titles, visit.luck, takes)
        self._look_and_act(visit, viewer, page, takes[chosen])
        now_ms = self.now_ms()
        if len(self._events) >= MOST_EVENTS or now_ms - self._sent_at_ms > 1000 * WAIT_S:
            self.flush()

    def flush(self) -> None:
        """Send what has gathered."""
        events, self._events = self._events, []
        self._sent_at_ms = self.now_ms()
        for start in range(0, len(events), 1000):
            self.client.send(events[start : start + 1000])

    def _look_and_act(
        self, visit: Visit, viewer: str, page: Page, takes: NDArray[np.float64]
    ) -> None:
        now_ms = self.now_ms()
        for place, choice in enumerate(page.decisions):
            self._events.append(
                {
                    "type": "impression",
                    "id": f"{self.run}-{visit.number}-{place}-i",
                    "viewer": viewer,
                    "title": choice.title,
                    "artwork": choice.artwork,
                    "decision": choice.id,
                    "surface": SURFACE,
                    "occurred_at_ms": now_ms,
                }
            )
        for step, act in enumerate(acts(visit, takes)):
            choice = page.decisions[act.place]
            event: Event = {
                "type": act.kind,
                "id": f"{self.run}-{visit.number}-{act.place}-{step}",
                "viewer": viewer,
                "title": choice.title,
                "artwork": choice.artwork,
                "decision": choice.id,
                "surface": SURFACE,
                "occurred_at_ms": now_ms + 1 + step,
            }
            if act.kind == "play":
                event["minutes"] = act.minutes
            self._events.append(event)


@dataclass(slots=True)
class Crowd:
    """Several players at once, each with a connection of its own, on one sequence of visits.

    Parameters
    ----------
    players
        At least one.
    visits
        What they play, in turns.
    first
        The number of the first visit.
    pace
        What players wait by; None to play as fast as they can.
    """

    players: list[Player]
    visits: Visits
    first: int = 0
    pace: Pace | None = None
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _next: int = field(init=False)
    _failed: list[BaseException] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Start at the first visit."""
        self._next = self.first

    @property
    def played(self) -> int:
        """How many visits have begun."""
        return self._next - self.first

    def play(
        self,
        *,
        until: Callable[[], bool],
        most: int | None = None,
        pause_s: float = 0.0,
        watch: Callable[[], None] | None = None,
    ) -> None:
        """Play visits until `until()` or until `most` visits were played.

        Parameters
        ----------
        until
            Asked before every visit, from several threads.
        most
            The most visits; None for no bound.
        pause_s
            Each player's rest between visits.
        watch
            Called about ten times a second while they play.

        Raises
        ------
        KeyartError
            What the first player that failed met; the others stop.
        KeyboardInterrupt
            After the visits at hand are played and sent.
        """
        last = None if most is None else self._next + most
        threads = [
            threading.Thread(target=self._work, args=(player, until, last, pause_s), daemon=True)
            for player in self.players
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                try:
                    thread.join(0.1)
                    if self.pace is not None and not self._failed:
                        self.pace.look()
                    if watch is not None:
                        watch()
                except BaseException as interrupted:  # raised below, once the players have stopped
                    self._failed.append(interrupted)
                    watch = None
        if self._failed:
            raise self._failed[0]

    def _work(
        self, player: Player, until: Callable[[], bool], last: int | None, pause_s: float
    ) -> None:
        try:
            while not self._failed and not until() and (at := self._take(last)) is not None:
                if self.pace is not None:
                    self.pace.wait(lambda: bool(self._failed) or until())
                player.play(self.visits[at])
                if pause_s:
                    time.sleep(pause_s)
            player.flush()
        except BaseException as failed:  # re-raised by play(), in the thread that waits
            self._failed.append(failed)

    def _take(self, last: int | None) -> int | None:
        with self._lock:
            if last is not None and self._next >= last:
                return None
            self._next += 1
            return self._next - 1
