"""The way of a request for decisions: one taste, arithmetic on snapshots, one record to the log."""

from dataclasses import dataclass, field
from typing import Final

from keyart.models.features import NO_TASTE, taste_vectors
from keyart.schemas import codec
from keyart.schemas.decisions import DecisionPage, Versions
from keyart.schemas.errors import StoreAway
from keyart.schemas.ids import ViewerKey
from keyart.schemas.taste import TasteArray, unpack_tastes
from keyart.schemas.topics import DECISIONS
from keyart.services.api.answers import Answer, logged, told
from keyart.services.api.policies import Experiment
from keyart.services.api.recorder import Recorder
from keyart.services.api.snapshots import Snapshots
from keyart.services.bootstrap import Parts, now_ms
from keyart.services.telemetry import ApiMetrics
from keyart.streams.ports import Output, TasteReader

TASTE_AWAY: Final = "taste-away"


@dataclass(kw_only=True)
class Chooser:
    """Chooses for requests.

    Parameters
    ----------
    parts
        Settings, space and catalogue.
    snapshots
        What is known.
    tastes
        Where a viewer's taste is read.
    recorder
        Where decisions go.
    metrics
        What is counted.
    """

    parts: Parts
    snapshots: Snapshots
    tastes: TasteReader
    recorder: Recorder
    metrics: ApiMetrics
    _experiment: Experiment = field(init=False)

    def __post_init__(self) -> None:
        """Build the policies that the settings name."""
        self._experiment = Experiment(self.parts.settings)

    async def choose(
        self, viewer: ViewerKey, surface: str, titles: tuple[str, ...], *, why: bool = True
    ) -> Answer:
        """Return the decisions for one viewer, and send them to the log.

        Without `why` no sentences are made: a sixth less work. The page makes them from the log.

        Raises
        ------
        NotFound
            A title is not known, or has nothing left to choose.
        """
        parts, snapshots = self.parts, self.snapshots
        taste, degraded = await self._taste(viewer)
        at_ms = now_ms()
        _, policy, decider = self._experiment.arm(viewer)
        versions = Versions(
            policy=decider.policy_version,
            prior=snapshots.prior,
            posterior=snapshots.posterior,
            space=parts.space.identity,
        )
        decided = decider.decide(
            snapshots.index,
            titles=titles,
            taste=NO_TASTE if taste is None else taste_vectors(taste[0], at_ms, parts.taste_rates),
            surface=surface,
            viewer=viewer,
            now_ms=at_ms,
        )
        decisions = logged(decided, viewer, surface)
        page = DecisionPage(
            viewer=viewer,
            surface=surface,
            decided_at_ms=at_ms,
            policy=policy,
            versions=versions,
            decisions=decisions,
            degraded=degraded,
            segment=decided.segment,
            split=self._experiment.split,
        )
        self.recorder.record(Output(DECISIONS, viewer, codec.encode(page)))
        self.metrics.decisions.labels(policy).inc(len(decisions))
        if degraded:
            self.metrics.degraded.labels(degraded).inc(len(decisions))
        return Answer(
            viewer=viewer,
            surface=surface,
            decided_at_ms=at_ms,
            policy=policy,
            versions=versions,
            degraded=degraded,
            decisions=told(
                decisions,
                policy=policy,
                explore_share=parts.settings.explore_share,
                taste=taste,
                view=parts.view.view,
                why=why,
            ),
        )

    async def _taste(self, viewer: ViewerKey) -> tuple[TasteArray | None, str]:
        try:
            blob = await self.tastes.read(viewer)
        except StoreAway:
            return None, TASTE_AWAY
        if blob is None:
            return None, ""
        return unpack_tastes([blob], self.parts.space.identity), ""
