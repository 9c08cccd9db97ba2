"""`keyart worker`: this process's share of the lanes, driven by Kafka."""

import secrets
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keyart.schemas.errors import MissingExtra
from keyart.schemas.topics import CATALOGUE
from keyart.services.jobs.eras import begin_era
from keyart.services.processes.start import once_there
from keyart.services.processes.worker_pages import add_pages
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.lanes import titles_lane, viewers_lane
from keyart.services.wiring.logs import history_of, kafka_of
from keyart.services.wiring.memory import collect_seldom
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import (
    catalogue_of,
    connected,
    made_with_of,
    register_of,
    store_of,
)
from keyart.services.wiring.titles import current_titles
from keyart.streams import replay
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.catalogue.history import titles_of
from keyart.streams.history import History
from keyart.streams.kafka.driver import LaneDriver
from keyart.streams.kafka.relay import Relay
from keyart.streams.kafka.runner import LaneAtWork, RunnerRules
from keyart.streams.ports import VIEWERS, Clock, Lane, StateStore
from keyart.streams.site import Catalogue, MadeWith, Note, Register


class LaneMaker:
    """Makes this worker's lanes, and what a store that has lost its state needs first.

    A lane without offsets starts at the beginning of the log. Then the catalogue is read from its
    topic before any event is, and rewards that are in the log are not made again.

    Parameters
    ----------
    settings
        What lanes read with, and of how many partitions.
    store, register, made_with, catalogue
        What the site keeps.
    history
        Its log, all of it.
    titles
        The catalogue with its vectors.
    clock
        Now, in milliseconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: StateStore,
        register: Register,
        made_with: MadeWith,
        catalogue: Catalogue,
        history: History,
        titles: CurrentCatalogue,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._register = register
        self._made_with = made_with
        self._catalogue = catalogue
        self._history = history
        self._titles = titles
        self._clock = clock
        self._lock = threading.Lock()
        self._rewarded: tuple[set[str], dict[int, int]] = (set(), {})
        self._life = b""

    def __call__(self, lane: Lane) -> LaneAtWork:
        """Return the lane, not opened yet."""
        settings, store = self._settings, self._store
        fresh = not store.offsets(lane)
        begin_era(self._made_with, store, settings, lane, at_ms=self._clock())
        if lane.kind != VIEWERS:
            return titles_lane(settings, store, lane.partition)
        view = self._titles.view
        if not fresh:
            return viewers_lane(settings, store, lane.partition, catalogue=view)
        with self._lock:
            if (life := self._life_of_store()) != self._life:
                self._read_catalogue()
                ids, last, _ = replay.rewarded(self._history.read, settings.partitions)
                self._rewarded = (ids, last)
                self._life = life
            self._titles.refresh()
        ids, last = self._rewarded
        made = viewers_lane(settings, store, lane.partition, catalogue=view, already=ids)
        made.start_after(last.get(lane.partition, 0))
        return made

    def _life_of_store(self) -> bytes:
        """Return what the store was marked with when it was first found empty."""
        return self._register.write_once(Note.LIFE, secrets.token_hex(8).encode())

    def _read_catalogue(self) -> None:
        for partition in range(self._settings.partitions):
            titles = titles_of(self._history.read(CATALOGUE, partition))
            self._catalogue.apply(titles.values())


def lane_maker_of(settings: Settings, client: Any, titles: CurrentCatalogue) -> LaneMaker:
    """Return what makes the lanes of a worker of a site."""
    return LaneMaker(
        settings,
        store=store_of(settings, client),
        register=register_of(settings, client),
        made_with=made_with_of(settings, client),
        catalogue=catalogue_of(settings, client),
        history=history_of(settings, client),
        titles=titles,
        clock=now_ms,
    )


def run_worker(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; the batches at hand are committed first.

    Raises
    ------
    MissingExtra
        Faust is not installed.
    StoreAway
        The state store did not answer for a minute.
    """
    try:
        from keyart.streams.kafka.app import make_app
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in ("faust", "aiokafka", "mode"):
            raise
        raise MissingExtra("kafka", "a worker") from None
    collect_seldom()
    with connected(settings) as client:
        app = once_there(lambda: _app(settings, client, make_app))
        app.Worker(loglevel=settings.log_level, override_logging=False).execute_from_commandline()


def _app(settings: Settings, client: Any, make_app: Callable[..., Any]) -> Any:
    kafka = kafka_of(settings)
    titles, catalogue = current_titles(settings, client), catalogue_of(settings, client)
    titles.refresh()
    refreshing = threading.Lock()

    def refresh() -> None:
        with refreshing:
            titles.refresh()

    lanes = LaneDriver(
        kafka,
        make=lane_maker_of(settings, client, titles),
        relay=Relay(kafka, store_of(settings, client), partitions=settings.partitions),
        refresh=refresh,
        rules=RunnerRules(batch=settings.batch, room=4 * settings.batch),
    )
    app = make_app(
        kafka,
        lanes,
        put_title=lambda title: catalogue.apply([title]),
        partitions=settings.partitions,
        data_dir=Path(tempfile.gettempdir()) / "keyart-worker",
        web_port=settings.worker_web_port,
    )
    add_pages(app, lanes)
    return app
