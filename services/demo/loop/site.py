"""A keyart in one process and in simulated time: the api's chooser, the steps, the jobs.

What decides, joins, learns, archives, fits, judges and lets out is what `keyart serve` runs; only
the adapters are others (state and log in memory) and the clock is an argument, because a loop takes
weeks. The registry, the training log and the jobs are on disk, as anywhere.
"""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from keyart.models.bandits.registry import build_policy
from keyart.models.embed import Space
from keyart.schemas import codec
from keyart.schemas.catalogue import Title
from keyart.schemas.events import Impression, Play
from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.services.api.answers import Answer
from keyart.services.api.chooser import Chooser
from keyart.services.api.snapshots import Snapshots
from keyart.services.api.standing import Recent
from keyart.services.demo.loop.log import PARTITION, PassingLog
from keyart.services.jobs.canary import Canaries
from keyart.services.jobs.deploy import RIDGE, Deployment
from keyart.services.jobs.gate import Gate
from keyart.services.jobs.priors.serving import Scoring
from keyart.services.jobs.retrain.due import Due
from keyart.services.jobs.retrain.run import Retraining
from keyart.services.jobs.retrain.stages import Jobs
from keyart.services.wiring.canary_rules import rules_of
from keyart.services.wiring.dwell import longest_dwell_ms, swaps_of
from keyart.services.wiring.experiment import experiment_of, options_of
from keyart.services.wiring.lanes import taste_rates, titles_lane, viewers_lane
from keyart.services.wiring.places import archive_dir, models_dir, priors_dir, retrain_dir
from keyart.services.wiring.priors import bounds_of, fitting_of, refreshing_of
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.archive import files
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.families import ASSIGNED, TASTE
from keyart.streams.memory.site import MemoryCatalogue, MemoryOpinions, MemoryRegister
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import VIEWERS, Lane, LogRecord, Output, ViewerState
from keyart.streams.registry.objects import DirectoryObjects
from keyart.streams.registry.registry import Registry

T = TypeVar("T")
SURFACE: Final = "home"
KEY: Final = b"the demo's loop: nobody's viewers"


class Alone:
    """The lease of a site that has one process: nobody else asks for it."""

    def __init__(self, token: int) -> None:
        self.token = token
        self.lost = False

    def __enter__(self) -> "Alone":
        """Take it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""

    def check(self) -> None:
        """Do nothing: it cannot be lost."""


@dataclass(frozen=True, slots=True)
class Tastes:
    """Reads what is kept of viewers, in memory."""

    store: MemoryStore

    async def read_all(self, viewer: str) -> ViewerState:
        """Return taste and assignments."""
        lane = Lane(VIEWERS, PARTITION)
        taste, assigned = (self.store.read(lane, each, [viewer])[0] for each in (TASTE, ASSIGNED))
        return ViewerState(taste, assigned)

    async def read(self, viewer: str) -> bytes | None:
        """Return the taste."""
        return (await self.read_all(viewer)).taste


class Site:
    """The site.

    Parameters
    ----------
    settings
        As of any site; `data_dir` is where its files go.
    space
        The embedding space.
    now_ms
        When its time begins; whoever runs it moves it on.
    seed
        Of the ids of its decisions.
    """

    def __init__(self, settings: Settings, space: Space, *, now_ms: int, seed: int) -> None:
        self.settings = settings
        self.now_ms = now_ms
        self.catalogue, self.register = MemoryCatalogue(), MemoryRegister()
        self.opinions = MemoryOpinions()
        # one view of the catalogue for the api and one for the jobs, as processes have their own
        served = CurrentCatalogue(self.catalogue, lambda: space)
        self.titles = CurrentCatalogue(self.catalogue, lambda: space)
        self._log = PassingLog(self.clock)
        self.store = MemoryStore(self._log)
        self._viewers = viewers_lane(settings, self.store, PARTITION, catalogue=served.view)
        self._learner = titles_lane(settings, self.store, PARTITION)
        for lane in (self._viewers, self._learner):
            lane.open()
        metrics = ApiMetrics()
        self.snapshots = Snapshots(
            titles=served,
            store=self.store,
            register=self.register,
            opinions=self.opinions,
            prior=settings.prior,
            partitions=1,
            every_s=settings.snapshot_s,
            metrics=metrics,
        )
        self._chooser = Chooser(
            experiment=experiment_of(settings),
            explore_share=settings.explore_share,
            rates=taste_rates(settings),
            titles=served,
            snapshots=self.snapshots,
            tastes=Tastes(self.store),
            recorder=self._log,
            recent=Recent(dwell_ms=longest_dwell_ms(settings)),
            metrics=metrics,
            clock=self.clock,
            swaps=swaps_of(settings),
            randomness=Random(seed).randbytes,
        )
        self.rewards: list[LogRecord] = []
        self._fresh = 0
        self._leases = 0
        self.deployment = Deployment(
            registry=Registry(DirectoryObjects(models_dir(settings)), self.clock),
            scoring=Scoring(
                folder=priors_dir(settings), titles=self.titles, opinions=self.opinions
            ),
            clock=self.clock,
        )
        self.canaries = Canaries(
            deployment=self.deployment,
            register=self.register,
            archive=self.archive,
            rules=rules_of(settings),
            bounds=bounds_of(settings),
            clock=self.clock,
        )
        self.fitting = fitting_of(settings, self.deployment)
        self.gate = Gate(
            deployment=self.deployment,
            archive=self.archive,
            policy=lambda: build_policy(settings.policy, **options_of(settings.policy_options)),
            explore_share=settings.explore_share,
            bounds=bounds_of(settings),
            clock=self.clock,
        )
        jobs = Jobs(retrain_dir(settings))
        self.retraining = Retraining(
            jobs=jobs,
            lease=self._lease,
            trainers={RIDGE: self.fitting},
            refreshing=refreshing_of(settings, self.deployment),
            gate=self.gate,
            deployment=self.deployment,
            canaries=self.canaries,
            clock=self.clock,
        )
        self.due = Due(
            jobs=jobs,
            archive=self.archive,
            titles=self.titles,
            opinions=self.opinions,
            least_rewards=settings.retrain_least_rewards,
            rewards=settings.retrain_rewards,
            hours=settings.retrain_hours,
            drift=settings.retrain_drift,
            refresh_hours=settings.retrain_refresh_hours,
            refreshable=self.deployment.refreshable,
            bounds=bounds_of(settings),
        )

    @property
    def archive(self) -> Path:
        """The folder of the training log."""
        return archive_dir(self.settings)

    def clock(self) -> int:
        """Return the site's time."""
        return self.now_ms

    def put(self, titles: Sequence[Title]) -> None:
        """Take titles into the catalogue, with what the priors think of them."""
        self.catalogue.put(titles, now_ms=self.now_ms)
        self.deployment.scoring.score_new()
        self.canaries.score_new()
        self.snapshots.refresh()

    def decide(self, viewer: str, titles: Sequence[str]) -> Answer:
        """Return the decisions for a page."""
        key = pseudonym(viewer, KEY)
        return _now(self._chooser.choose(key, SURFACE, tuple(titles), why=False))

    def happened(self, events: Sequence[Impression | Play]) -> None:
        """Hand in what viewers did."""
        self._log.append([Output(EVENTS, each.viewer, codec.encode(each)) for each in events])

    def learn(self) -> None:
        """Let the steps take what is in the log, and the api see what follows."""
        self._viewers.process(self._log.take(EVENTS, DECISIONS), now_ms=self.now_ms)
        rewards = self._log.take(REWARDS)
        self._learner.process(rewards, now_ms=self.now_ms)
        self.rewards += rewards
        self.snapshots.refresh()

    def keep_house(self) -> None:
        """Archive the rewards: what jobs read."""
        if fresh := self.rewards[self._fresh :]:
            files.write(self.archive, fresh)
            self._fresh = len(self.rewards)

    def _lease(self, owner: str) -> Alone:
        self._leases += 1
        return Alone(self._leases)


def _now(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that never has to wait."""
    try:
        work.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise RuntimeError("memory was waited for")
