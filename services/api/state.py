"""What the api's handlers share, built once at start and closed at the end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeAlias, TypeVar

from litestar.di import NamedDependency

from keyart.models.decide.experiment import Experiment
from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.topics import CATALOGUE
from keyart.services.api.advisor import Advisor
from keyart.services.api.chooser import Chooser
from keyart.services.api.recorder import Recorder
from keyart.services.api.rotation import Rotation
from keyart.services.api.snapshots import Snapshots
from keyart.services.api.standing import Recent
from keyart.services.jobs.erasure import Erasures
from keyart.services.page.insight import Insight
from keyart.services.wiring.dwell import longest_dwell_ms, swaps_of
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.services.wiring.viewer_key import ViewerKeys
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.ports import AsyncLog, Clock, ExploredReader, OnLoop, Output, StateStore
from keyart.streams.room import Room
from keyart.streams.site import Catalogue, Register, StoreServer

P = ParamSpec("P")
T = TypeVar("T")
LOAD_S = 60.0


class ApiState:
    """What the handlers of one api process share.

    Parameters
    ----------
    settings
        Of the process.
    titles, catalogue
        The catalogue with its vectors, as this process knows it; and where titles are kept.
    store, register, server
        The lanes' state, what the site notes of itself, and the server that keeps both.
    keys
        The secrets that pseudonymise viewers.
    experiment
        The policies, and whom each serves.
    erasures, snapshots, insight, metrics
        Who is erased; what is known; what the page may ask; counters.
    advisor, doses, rates
        What proposals are made from; the share of places that they have by surface, `*` for every
        other one; how fast taste forgets.
    connect
        Connects the running event loop to store and log.
    clock
        Now, in milliseconds.

    Attributes
    ----------
    tastes, log, recorder, chooser, rotation
        Only between `start` and `stop`.
    measuring
        The gauges being brought up to date, one at a time however often they are asked for.
    room
        The store's memory as it was last measured.
    """

    tastes: ExploredReader
    log: AsyncLog
    recorder: Recorder
    chooser: Chooser
    rotation: Rotation

    # no dataclass: Litestar would look into each of its fields at every request
    def __init__(
        self,
        *,
        settings: Settings,
        titles: CurrentCatalogue,
        catalogue: Catalogue,
        store: StateStore,
        register: Register,
        server: StoreServer,
        keys: ViewerKeys,
        experiment: Experiment,
        erasures: Erasures,
        snapshots: Snapshots,
        insight: Insight,
        metrics: ApiMetrics,
        advisor: Advisor,
        doses: Mapping[str, float],
        rates: TasteRates,
        connect: Callable[[], OnLoop],
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.titles = titles
        self.catalogue = catalogue
        self.store = store
        self.register = register
        self.server = server
        self.keys = keys
        self.experiment = experiment
        self.erasures = erasures
        self.snapshots = snapshots
        self.insight = insight
        self.metrics = metrics
        self.advisor = advisor
        self.doses = doses
        self.rates = rates
        self.connect = connect
        self.clock = clock
        self.measuring: asyncio.Task[None] | None = None
        self.room: Room | None = None
        self._close: tuple[Callable[[], Awaitable[Any]], ...] = ()

    async def start(self) -> None:
        """Connect, load what is known, and begin to serve from it."""
        settings = self.settings
        self.tastes, self.log, self._close = self.connect()
        self.rotation = Rotation(self.keys, self.tastes)
        recent = Recent(dwell_ms=longest_dwell_ms(settings))
        self.recorder = Recorder(
            self.log,
            most=settings.buffer,
            metrics=self.metrics,
            lost=lambda output: recent.forget(output.key),
        )
        self.recorder.start()
        self.chooser = Chooser(
            experiment=self.experiment,
            explore_share=settings.explore_share,
            rates=self.rates,
            titles=self.titles,
            snapshots=self.snapshots,
            tastes=self.tastes,
            recorder=self.recorder,
            recent=recent,
            metrics=self.metrics,
            clock=self.clock,
            swaps=swaps_of(settings),
            slate_cosine=settings.slate_cosine,
        )
        self.snapshots.start()
        # who listens first answers "not loaded"; behind a shared port that would be every second
        # request. A store that is away ends the wait.
        await self.in_thread(self.snapshots.wait, LOAD_S)
        await self.in_thread(self.advisor.refresh)
        self.advisor.start()

    async def stop(self) -> None:
        """Hand what is buffered to the log, and close."""
        self.advisor.stop()
        self.snapshots.stop()
        await self.recorder.stop()
        for close in self._close:
            await close()

    async def in_thread(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a blocking call beside the event loop."""
        return await asyncio.to_thread(call, *arguments, **named)

    async def put_title(self, title: Title) -> StoredTitle:
        """Store a title; it can be decided once this process has seen it, which this waits for."""
        (stored,) = await self.in_thread(self.catalogue.put, [title], now_ms=self.clock())
        await self._announce(stored)
        return stored

    async def withdraw_title(self, title: str) -> StoredTitle:
        """Remove a title from choice."""
        stored = await self.in_thread(self.catalogue.withdraw, title, now_ms=self.clock())
        await self._announce(stored)
        return stored

    async def _announce(self, stored: StoredTitle) -> None:
        if not self.settings.embedded:
            await self.log.append([Output(CATALOGUE, stored.id, codec.encode(stored))])
        await self.in_thread(self.snapshots.catch_up)


Keyart: TypeAlias = NamedDependency[ApiState]
"""How a handler asks for it, by the name `keyart`."""
