"""Connections to one process of the api: how many there may be, how slow, and which go first.

uvicorn bounds neither the number of connections (its `limit_concurrency` answers 503 to everybody,
the silent ones stay) nor how long a head or a body takes; only a connection that has been answered
once is closed when it is idle. See `docs/decisions/0040-bounds-at-the-edge.md`.
"""

import asyncio
import resource
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

SWEEP_S: Final = 0.5
RESERVE: Final = 128
"""Descriptors left for the store, the log, files and libraries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one process grants its callers. Durations are in seconds.

    Attributes
    ----------
    connections, per_address
        How many at once.
    silent_s, head_s, idle_s
        Until the first byte; for a head; between two requests.
    body_s, body_rate
        For a body, and bytes of it that earn one more second.
    blocked_s
        For a caller that does not read its answer.
    drain_s
        For what a caller still sends of a request that is answered already.
    """

    connections: int = 1024
    per_address: int = 256
    silent_s: float = 10.0
    head_s: float = 10.0
    idle_s: float = 75.0
    body_s: float = 10.0
    body_rate: float = 16_384.0
    blocked_s: float = 30.0
    drain_s: float = 2.0


class Phase(IntEnum):
    """What a connection does, in the order in which they are given up when there is no room."""

    SILENT = 0
    IDLE = 1
    HEAD = 2
    BODY = 3
    DRAINING = 4
    WORK = 5


class Connection(Protocol):
    """What is known of one."""

    address: str
    opened: float
    phase: Phase
    since: float
    received: int
    heard: float
    blocked: float | None

    @property
    def paused(self) -> bool:
        """Whether this side does not read for the moment."""

    def end(self, reason: str) -> None:
        """Close it at once, with an answer if one is due."""


class Guard:
    """Knows all connections, ends those that are too slow, and makes room for new ones.

    Parameters
    ----------
    bounds
        What is granted.
    ended
        Told why, whenever a connection is ended.
    """

    def __init__(self, bounds: Bounds, ended: Callable[[str], None] = lambda _: None) -> None:
        self.bounds = bounds
        self.most = min(bounds.connections, descriptors(bounds.connections) - RESERVE)
        self._ended = ended
        self._held: set[Connection] = set()
        self._by_address: dict[str, set[Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._held)

    def admit(self, new: Connection, now: float) -> bool:
        """Take a connection; another one may go for it. Return whether there is room."""
        peers = self._by_address.setdefault(new.address, set())
        victim: Connection | None = None
        if len(peers) >= self.bounds.per_address:
            victim = first_to_go(peers, now)
        elif len(self._held) >= self.most:
            heaviest = max(self._by_address.values(), key=len)
            victim = first_to_go(heaviest, now) or first_to_go(self._held, now)
        else:
            self._take(new, peers)
            return True
        if victim is None:
            self._ended("no-room")
            if not peers:
                del self._by_address[new.address]
            return False
        self._take(new, peers)
        self._end(victim, "made-room")
        return True

    def _take(self, new: Connection, peers: set[Connection]) -> None:
        peers.add(new)
        self._held.add(new)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def release(self, gone: Connection) -> None:
        """Forget a connection that is closed."""
        self._held.discard(gone)
        peers = self._by_address.get(gone.address)
        if peers is not None:
            peers.discard(gone)
            if not peers:
                del self._by_address[gone.address]

    def _end(self, connection: Connection, reason: str) -> None:
        self._ended(reason)
        self.release(connection)
        connection.end(reason)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SWEEP_S, self._sweep) if self._held else None
        now = loop.time()
        for each in list(self._held):
            if reason := too_slow(each, now, self.bounds):
                self._end(each, reason)


def too_slow(each: Connection, now: float, bounds: Bounds) -> str:
    """Return why a connection is to be ended by now, or ""."""
    if each.blocked is not None and now - each.blocked > bounds.blocked_s:
        return "unread"
    if each.paused:
        # this side does not read, so the caller is not slow
        each.since = now
        return ""
    taken = now - each.since
    if each.phase is Phase.BODY:
        slow = taken > bounds.body_s + each.received / bounds.body_rate
        return "slow-body" if slow else ""
    granted, reason = {
        Phase.SILENT: (bounds.silent_s, "silent"),
        Phase.IDLE: (bounds.idle_s, "idle"),
        Phase.HEAD: (bounds.head_s, "slow-head"),
        Phase.DRAINING: (bounds.drain_s, "drained"),
        Phase.WORK: (float("inf"), ""),
    }[each.phase]
    return reason if taken > granted else ""


YOUNG_S: Final = 1.0


def first_to_go(held: Iterable[Connection], now: float) -> Connection | None:
    """Return the connection to be given up, or None when each has a request at work.

    One that never asked goes before one that was answered, an idle one before one whose head or
    body is under way, and of the same kind the newest: what has been of use for long stays. What
    came within the last second is spared while there are others, and among such the oldest goes:
    else who floods would push out whoever comes between before they can speak.
    """

    def order(each: Connection) -> tuple[bool, Phase, float]:
        young = now - each.opened < YOUNG_S
        return young, each.phase, each.opened if young else -each.opened

    waiting = [
        each
        for each in held
        if each.phase < Phase.BODY
        or (each.phase is Phase.BODY and not each.paused and now - each.heard > YOUNG_S)
    ]
    return min(waiting, key=order, default=None)


def descriptors(wanted: int) -> int:
    """Return how many descriptors this process may have, raised to what is wanted if it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    if soft == infinite:
        return wanted + RESERVE
    needed = wanted + RESERVE
    if soft < needed:
        soft_now = needed if hard == infinite else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft_now, hard))
        soft = soft_now
    return max(soft, RESERVE + 8)
