"""What requests are answered from: catalogue, beliefs and shared weights in memory, kept fresh.

A thread reads what has changed since the last time and swaps it in; no request waits for it.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence

import numpy as np

from keyart.models.belief.hyper import Hyper
from keyart.models.belief.positions import Positions
from keyart.models.decide.board import Board
from keyart.models.decide.callers import Bound
from keyart.models.decide.index import IndexedTitle, ServingIndex
from keyart.models.decide.weights import learned_weights
from keyart.schemas.errors import KeyartError, StoreAway
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.topics import partition_of
from keyart.services.api.beside import Beside, Generation
from keyart.services.api.prior import ServedPrior
from keyart.services.wiring.memory import settle
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.catalogue.view import NOW
from keyart.streams.families import SHARED, TITLE
from keyart.streams.ports import TITLES, Announced, Lane
from keyart.streams.reading import usable
from keyart.streams.site import Opinions, Register

log = logging.getLogger(__name__)
CHUNK = 1000
AGAIN_S = 10.0
"""After which a prior that could not serve is tried again."""


class Snapshots:
    """Keeps a `ServingIndex` current.

    Parameters
    ----------
    titles
        The catalogue.
    store
        Posteriors.
    register
        How many viewers were erased.
    opinions
        What priors think of titles.
    prior
        The name of the prior that is to serve; `auto`: the one that is current.
    partitions
        Of each topic.
    every_s
        Between two looks.
    metrics
        Where its age is told.
    respond_from, position
        As `Board` takes them.
    """

    def __init__(
        self,
        *,
        titles: CurrentCatalogue,
        store: Announced,
        register: Register,
        opinions: Opinions,
        prior: str,
        partitions: int,
        every_s: float,
        metrics: ApiMetrics,
        respond_from: int = -1,
        position: bool = True,
    ) -> None:
        self._position, self._respond_from = position, respond_from
        self.index = ServingIndex()
        self.posterior = "0"
        self.erasures = 0
        self.refreshed_at = 0.0
        self._titles = titles
        self._store = store
        self._register = register
        self._opinions = opinions
        self._setting = prior
        self._partitions = partitions
        self._every_s = every_s
        self._metrics = metrics
        self._beliefs = self._board()
        self._prior = self._neutral(self.index, self._beliefs)
        self._refused, self._again_at = "", 0.0
        self._beside = Beside(register)
        self.index.prior = self._prior.name
        self._versions: dict[Lane, int] = {}
        self._bounded: frozenset[str] = frozenset()
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
    def prior(self) -> str:
        """The name of the prior that serves."""
        return self._prior.name

    def index_of(self, viewer: str) -> ServingIndex:
        """Return what decides for a viewer: while a version is let out, one of two."""
        second = self._beside.index_of(viewer)
        return self.index if second is None else second

    def took(self, prior: str, seconds: float) -> None:
        """Hear how long it took to decide a page with a prior."""
        self._beside.took(prior, seconds)

    @property
    def surfaces(self) -> tuple[tuple[str, ...], int]:
        """The surfaces with a level of their own, and how many others are counted together."""
        return self._beliefs.surfaces

    @property
    def positions(self) -> Mapping[str, Positions]:
        """What the place on a page does, by surface."""
        return self._beliefs.places.learned

    def bounds(self, title: str) -> Mapping[str, Bound]:
        """Return the callers whose keys are bounded on a title."""
        return self._beliefs.callers.bounds.get(title, {})

    def said(self, title: str) -> tuple[Sequence[float], float] | None:
        """Return the prior's opinion of a title's artworks, and its worth; None: there is none."""
        return self._beliefs.opinion(title)

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
            pause = self._every_s

    def refresh(self) -> None:
        """Read what has changed and swap it in."""
        with self._lock:
            self._read_catalogue()
            self._change_over()
            self._beside.tell_times()
            self._beside.refresh(self._prior.name, lambda name: Generation(*self._built(name)))
            for each in self._generations:
                each.prior.refresh()
            self._read_posteriors()
            self.erasures = self._register.erasure_count()
            for each in self._generations:
                each.board.work_out(each.index)
            self._tell_bounds()
            self.refreshed_at = time.monotonic()
            self._loaded = True
            self._metrics.titles.set(len(self.index))

    def _tell_bounds(self) -> None:
        held = self._beliefs.callers.held_back()
        for caller in self._bounded | held.keys():
            self._metrics.caller_held.labels(caller).set(held.get(caller, 0.0))
        for caller in sorted(held.keys() - self._bounded):
            its = [
                name for name, bounds in self._beliefs.callers.bounds.items() if caller in bounds
            ]
            log.warning(
                "the key %s says of %d titles what the others do not, of %s first: "
                "it counts there as far as its share of the rest goes",
                *(caller, len(its), min(its)),
            )
        self._bounded = frozenset(held)

    def _change_over(self) -> None:
        """Let another prior serve if that is wanted: built beside the old one, swapped as a whole.

        One that cannot serve is refused, and the old one goes on.
        """
        wanted = self._prior.wanted
        if wanted == self._prior.name:
            self._refused = ""
            return
        if wanted == self._refused and time.monotonic() < self._again_at:
            return
        try:
            index, board, prior = self._built(wanted)
        except StoreAway:
            raise
        except KeyartError as unfit:
            if wanted != self._refused:
                log.error("the prior %s does not serve, %s goes on: %s", wanted, self.prior, unfit)
            self._refused, self._again_at = wanted, time.monotonic() + AGAIN_S
            return
        self._refused = ""
        self.index.become(index)
        prior.move(self.index)
        self._beliefs, self._prior = board, prior

    def _neutral(self, index: ServingIndex, beliefs: Board) -> ServedPrior:
        """Return a prior that is in no office yet."""
        return ServedPrior(
            self._opinions, self._titles, self._setting, index=index, beliefs=beliefs
        )

    def _board(self) -> Board:
        return Board(Hyper(), respond_from=self._respond_from, position=self._position)

    @property
    def _generations(self) -> list[Generation]:
        second = self._beside.generation
        main = Generation(self.index, self._beliefs, self._prior)
        return [main] if second is None else [main, second]

    def _built(self, wanted: str) -> tuple[ServingIndex, Board, ServedPrior]:
        """Return all that decides with a prior, of the whole catalogue.

        Raises
        ------
        KeyartError
            It cannot serve.
        """
        index, board = ServingIndex(), self._board()
        prior = self._neutral(index, board)
        prior.take_office(wanted)
        titles = list(self._titles.view.titles)
        self._put(titles, index, board)
        prior.refresh()
        prior.tell(titles)
        self._read_sums(titles, board)
        shared = self._shared_sums()
        index.shared = learned_weights(shared, prior=wanted)
        board.take_situations(shared)
        board.work_out(index)
        index.prior = wanted
        return index, board, prior

    def _read_catalogue(self) -> None:
        current = self._titles
        if not current.refresh():
            return
        for each in self._generations:
            put = self._put(current.latest, each.index, each.board)
            each.prior.tell(put)
            if self._loaded:
                self._read_sums(put, each.board)

    def _put(self, names: Sequence[str], index: ServingIndex, board: Board) -> list[str]:
        """Put titles into index and board, or take them out; return those that can be decided."""
        view, put = self._titles.view, list[IndexedTitle]()
        for name in names:
            title = view.titles[name]
            choosable = title.choosable
            if not choosable:
                index.remove(name)
                board.remove(name)
                continue
            rows = [view.row(name, artwork.id, NOW) for artwork in choosable]
            vectors = view.taste_vectors[np.array(rows)]
            artworks = tuple(artwork.id for artwork in choosable)
            attributes = tuple(artwork.attributes for artwork in choosable)
            put.append(
                IndexedTitle(id=name, artworks=artworks, vectors=vectors, attributes=attributes)
            )
            board.put(name, artworks, title.group)
        index.put(put)
        return [title.id for title in put]

    def _read_posteriors(self) -> None:
        moved = False
        for partition in range(self._partitions):
            lane = Lane(TITLES, partition)
            version, titles = self._store.changed(lane, self._versions.get(lane, 0))
            for each in self._generations:
                self._read_sums(titles, each.board)
            self._versions[lane] = version
            self._metrics.believed.inc(len(titles))
            moved = moved or bool(titles)
        if moved:
            self.posterior = "-".join(str(self._versions[lane]) for lane in sorted(self._versions))
        if moved:
            shared = self._shared_sums()
            for each in self._generations:
                each.index.shared = learned_weights(shared, prior=each.prior.name)
                each.board.take_situations(shared)

    def _shared_sums(self) -> list[SharedSums]:
        return [
            sums
            for lane in self._lanes
            for data in self._store.read(lane, SHARED[0], [SHARED[1]])
            if (sums := usable(data, SharedSums, "the shared weights' sums")) is not None
        ]

    @property
    def _lanes(self) -> list[Lane]:
        return [Lane(TITLES, partition) for partition in range(self._partitions)]

    def _read_sums(self, titles: Sequence[str], board: Board) -> None:
        partitions = self._partitions
        lanes: dict[Lane, list[str]] = {}
        for title in titles:
            lanes.setdefault(Lane(TITLES, partition_of(title, partitions)), []).append(title)
        for lane, its in lanes.items():
            for first in range(0, len(its), CHUNK):
                some = its[first : first + CHUNK]
                held = self._store.read(lane, TITLE, some)
                for title, data in zip(some, held, strict=True):
                    sums = usable(data, TitleSums, f"the record of title {title!r}")
                    if sums is not None and sums.title == title:
                        board.take_sums(sums)
