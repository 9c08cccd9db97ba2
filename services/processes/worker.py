"""`keyart worker`: this process's share of the lanes, driven by Kafka."""

import secrets
import tempfile
import threading
from pathlib import Path

from keyart.schemas.errors import MissingExtra
from keyart.schemas.topics import CATALOGUE
from keyart.services.jobs.eras import begin_era
from keyart.services.processes.worker_pages import add_pages
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.memory import collect_seldom
from keyart.streams import replay
from keyart.streams.catalogue.history import titles_of
from keyart.streams.kafka.driver import LaneDriver
from keyart.streams.kafka.relay import Relay
from keyart.streams.kafka.runner import LaneAtWork, RunnerRules
from keyart.streams.ports import VIEWERS, Lane
from keyart.streams.site import Note


class LaneMaker:
    """Makes this worker's lanes, and what a store that has lost its state needs first.

    A lane without offsets starts at the beginning of the log. Then the catalogue is read from its
    topic before any event is, and rewards that are in the log are not made again.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._rewarded: tuple[set[str], dict[int, int]] = (set(), {})
        self._life = b""

    def __call__(self, lane: Lane) -> LaneAtWork:
        """Return the lane, not opened yet."""
        parts = self._parts
        fresh = not parts.store.offsets(lane)
        begin_era(parts.made_with, parts.store, parts.settings, lane, at_ms=now_ms())
        if lane.kind != VIEWERS:
            return parts.titles_lane(parts.store, lane.partition)
        if not fresh:
            return parts.viewers_lane(parts.store, lane.partition)
        with self._lock:
            if (life := self._life_of_store()) != self._life:
                self._read_catalogue()
                ids, last, _ = replay.rewarded(parts.history, parts.settings.partitions)
                self._rewarded = (ids, last)
                self._life = life
            parts.view.refresh()
        ids, last = self._rewarded
        made = parts.viewers_lane(parts.store, lane.partition, already=ids)
        made.start_after(last.get(lane.partition, 0))
        return made

    def _life_of_store(self) -> bytes:
        """Return what the store was marked with when it was first found empty."""
        return self._parts.register.write_once(Note.LIFE, secrets.token_hex(8).encode())

    def _read_catalogue(self) -> None:
        for partition in range(self._parts.settings.partitions):
            titles = titles_of(self._parts.history(CATALOGUE, partition))
            self._parts.catalogue.apply(titles.values())


def run_worker(parts: Parts) -> None:
    """Run until SIGTERM or SIGINT; the batches at hand are committed first.

    Raises
    ------
    MissingExtra
        Faust is not installed.
    """
    try:
        from keyart.streams.kafka.app import make_app
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in ("faust", "aiokafka", "mode"):
            raise
        raise MissingExtra("kafka", "a worker") from None
    collect_seldom()
    settings = parts.settings
    parts.view.refresh()
    refreshing = threading.Lock()

    def refresh() -> None:
        with refreshing:
            parts.view.refresh()

    lanes = LaneDriver(
        parts.kafka,
        make=LaneMaker(parts),
        relay=Relay(parts.kafka, parts.store, partitions=settings.partitions),
        refresh=refresh,
        rules=RunnerRules(batch=settings.batch, room=4 * settings.batch),
    )
    app = make_app(
        parts.kafka,
        lanes,
        put_title=lambda title: parts.catalogue.apply([title]),
        partitions=settings.partitions,
        data_dir=Path(tempfile.gettempdir()) / "keyart-worker",
        web_port=settings.worker_web_port,
    )
    add_pages(app, lanes)
    app.Worker(loglevel=settings.log_level, override_logging=False).execute_from_commandline()
