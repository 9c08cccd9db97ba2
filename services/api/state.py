"""What the api's handlers share, built once at start and closed at the end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar

from litestar.di import NamedDependency

from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.topics import CATALOGUE
from keyart.services.api.chooser import Chooser
from keyart.services.api.recorder import Recorder
from keyart.services.api.rotation import Rotation
from keyart.services.api.snapshots import Snapshots
from keyart.services.api.standing import Recent
from keyart.services.page.wiring import insight_of
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.erasing import erasures_of
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.ports import AsyncLog, Output, TasteReader
from keyart.streams.room import Room

P = ParamSpec("P")
T = TypeVar("T")
LOAD_S = 60.0


class ApiState:
    """The parts of one api process.

    Attributes
    ----------
    parts, metrics, erasures, snapshots, insight
        Settings and stores; counters; who is erased; what is known; what the page may ask.
    tastes, log, recorder, chooser, rotation
        Only between `start` and `stop`.
    measuring
        The gauges being brought up to date, one at a time however often they are asked for.
    room
        The store's memory as it was last measured.
    """

    tastes: TasteReader
    log: AsyncLog
    recorder: Recorder
    chooser: Chooser
    rotation: Rotation

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.metrics = ApiMetrics()
        self.erasures = erasures_of(parts.settings, parts.client)
        self.snapshots = Snapshots(parts, self.metrics)
        self.insight = insight_of(
            parts,
            index=self.snapshots.index,
            prior=lambda: self.snapshots.prior,
            surfaces=lambda: self.snapshots.surfaces,
            bounds=self.snapshots.bounds,
        )
        self.measuring: asyncio.Task[None] | None = None
        self.room: Room | None = None
        self._close: tuple[Callable[[], Awaitable[Any]], ...] = ()

    async def start(self) -> None:
        """Connect, load what is known, and begin to serve from it."""
        parts, settings = self.parts, self.parts.settings
        self.tastes, self.log, self._close = parts.connected()
        self.rotation = Rotation(parts.viewer_keys, self.tastes)
        recent = Recent(dwell_ms=settings.dwell_s * 1000)
        self.recorder = Recorder(
            self.log,
            most=settings.buffer,
            metrics=self.metrics,
            lost=lambda output: recent.forget(output.key),
        )
        self.recorder.start()
        self.chooser = Chooser(
            parts=parts,
            snapshots=self.snapshots,
            tastes=self.tastes,
            recorder=self.recorder,
            recent=recent,
            metrics=self.metrics,
        )
        self.snapshots.start()
        # who listens first answers "not loaded"; behind a shared port that would be every second
        # request. A store that is away ends the wait.
        await self.in_thread(self.snapshots.wait, LOAD_S)

    async def stop(self) -> None:
        """Hand what is buffered to the log, and close."""
        self.snapshots.stop()
        await self.recorder.stop()
        for close in self._close:
            await close()

    async def in_thread(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a blocking call beside the event loop."""
        return await asyncio.to_thread(call, *arguments, **named)

    async def put_title(self, title: Title) -> StoredTitle:
        """Store a title; it can be decided once this process has seen it, which this waits for."""
        catalogue = self.parts.catalogue
        (stored,) = await self.in_thread(catalogue.put, [title], now_ms=now_ms())
        await self._announce(stored)
        return stored

    async def withdraw_title(self, title: str) -> StoredTitle:
        """Remove a title from choice."""
        stored = await self.in_thread(self.parts.catalogue.withdraw, title, now_ms=now_ms())
        await self._announce(stored)
        return stored

    async def _announce(self, stored: StoredTitle) -> None:
        if not self.parts.embedded:
            await self.log.append([Output(CATALOGUE, stored.id, codec.encode(stored))])
        await self.in_thread(self.snapshots.catch_up)


Keyart: TypeAlias = NamedDependency[ApiState]
"""How a handler asks for it, by the name `keyart`."""
