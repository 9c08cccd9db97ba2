"""What requests are answered from: catalogue, beliefs and shared weights in memory, kept fresh.

A thread reads what has changed since the last time and swaps it in; no request waits for it.
"""

import logging
import threading
import time
from collections.abc import Sequence

import numpy as np

from keyart.models.belief.hyper import Hyper
from keyart.models.decide.index import IndexedTitle, ServingIndex, Shared, no_weights
from keyart.models.posterior.sums import shared_matrices
from keyart.schemas import codec
from keyart.schemas.errors import KeyartError
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.priors import Opinion
from keyart.schemas.topics import partition_of
from keyart.services.api.beliefs import Beliefs
from keyart.services.api.memory import settle
from keyart.services.bootstrap import Parts
from keyart.services.telemetry import ApiMetrics
from keyart.streams.ports import TITLES, Lane
from keyart.streams.steps.bandit import SHARED, TITLE
from keyart.streams.valkey.opinions import NEUTRAL

log = logging.getLogger(__name__)
CHUNK = 1000


class Snapshots:
    """Keeps a `ServingIndex` current.

    Parameters
    ----------
    parts
        The stores.
    metrics
        Where its age is told.
    """

    def __init__(self, parts: Parts, metrics: ApiMetrics) -> None:
        self.index = ServingIndex()
        self.posterior = "0"
        self.prior = NEUTRAL
        self.refreshed_at = 0.0
        self._parts = parts
        self._metrics = metrics
        self._beliefs = Beliefs(Hyper())
        self._opinions: dict[str, Opinion] = {}
        self._versions: dict[Lane, int] = {}
        self._opinion_version = 0
        self._loaded = False
        self._tried = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Keep refreshing in a thread."""
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Return once everything was read, or could not be; whether that was within the time."""
        return self._tried.wait(timeout_s)

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def catch_up(self) -> None:
        """Take in changes of the catalogue now, so that a title that was put can be decided.

        What is believed of it follows with the next refresh; until then it is like any new title.
        """
        with self._lock:
            self._read_catalogue()

    @property
    def loaded(self) -> bool:
        """Whether everything has been read once."""
        return self._loaded

    @property
    def age_s(self) -> float:
        """Seconds since the store was last read with success."""
        return time.monotonic() - self.refreshed_at if self._loaded else float("inf")

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            first = not self._loaded
            try:
                self.refresh()
                if first:
                    settle()
            except KeyartError as failed:
                log.warning("beliefs stay as they are: %s", failed)
            except Exception:
                # a thread that ends would leave beliefs to age; the age is told, and the next
                # round may do better
                log.exception("beliefs stay as they are")
            self._metrics.snapshot_age.set(self.age_s)
            self._tried.set()
            pause = self._parts.settings.snapshot_s

    def refresh(self) -> None:
        """Read what has changed and swap it in."""
        with self._lock:
            self._read_catalogue()
            self._read_posteriors()
            self._read_opinions()
            self._beliefs.work_out(self.index)
            self.refreshed_at = time.monotonic()
            self._loaded = True
            self._metrics.titles.set(len(self.index))

    def _read_catalogue(self) -> None:
        current, view = self._parts.view, self._parts.view.view
        if not current.refresh():
            return
        put = []
        for name in current.latest:
            title = view.titles[name]
            choosable = title.choosable
            if not choosable:
                self.index.remove(name)
                self._beliefs.remove(name)
                continue
            rows = [view.row(name, artwork.id, 4_102_444_800_000) for artwork in choosable]
            vectors = view.taste_vectors[np.array(rows)]
            artworks = tuple(artwork.id for artwork in choosable)
            put.append(IndexedTitle(id=name, artworks=artworks, vectors=vectors))
            self._beliefs.put(name, artworks, title.group)
            if name in self._opinions:
                self._beliefs.take_opinion(self._opinions[name])
        self.index.put(put)
        if self._loaded:
            self._read_sums([title.id for title in put])

    def _read_posteriors(self) -> None:
        moved = False
        for partition in range(self._parts.settings.partitions):
            lane = Lane(TITLES, partition)
            version, titles = self._parts.store.changed(lane, self._versions.get(lane, 0))
            self._read_sums(titles)
            self._versions[lane] = version
            self._metrics.believed.inc(len(titles))
            moved = moved or bool(titles)
        if moved:
            self.posterior = "-".join(str(self._versions[lane]) for lane in sorted(self._versions))
            self.index.shared = self._shared()

    def _read_sums(self, titles: Sequence[str]) -> None:
        partitions = self._parts.settings.partitions
        lanes: dict[Lane, list[str]] = {}
        for title in titles:
            lanes.setdefault(Lane(TITLES, partition_of(title, partitions)), []).append(title)
        for lane, its in lanes.items():
            for first in range(0, len(its), CHUNK):
                for data in self._parts.store.read(lane, TITLE, its[first : first + CHUNK]):
                    if data is not None:
                        self._beliefs.take_sums(codec.unpack(data, TitleSums))

    def _shared(self) -> Shared:
        held = [
            codec.unpack(data, SharedSums)
            for lane in self._versions
            if (data := self._parts.store.read(lane, SHARED[0], [SHARED[1]])[0]) is not None
        ]
        gram, moment = shared_matrices(held)
        start = no_weights()
        if len(moment) != len(start.weights):
            return start
        precision = np.linalg.inv(start.covariance.astype(np.float64))
        covariance = np.linalg.inv(gram + precision)
        return Shared(
            weights=(covariance @ (moment + precision @ start.weights)).astype(np.float32),
            covariance=covariance.astype(np.float32),
        )

    def _read_opinions(self) -> None:
        wanted = self._parts.settings.prior
        current = self._parts.opinions.current if wanted == "auto" else wanted
        if current != self.prior:
            self.prior, self._opinion_version, self._opinions = current, 0, {}
            self._beliefs.forget_opinions()
        if current == NEUTRAL:
            return
        version, opinions = self._parts.opinions.changed(current, self._opinion_version)
        self._opinion_version = version
        for opinion in opinions:
            if not opinion.segment:
                self._opinions[opinion.title] = opinion
                self._beliefs.take_opinion(opinion)
