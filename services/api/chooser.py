"""The way of a request for decisions: one read, arithmetic on snapshots, one record to the log."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, Protocol

from msgspec import structs

from keyart.models.decide.coding import Coding
from keyart.models.decide.experiment import Experiment
from keyart.models.decide.rules import NOBODY, Ruling
from keyart.models.decide.swaps import Swaps, stays
from keyart.models.taste.crossing import Usual
from keyart.models.taste.features import NO_TASTE, TasteVectors, taste_vectors
from keyart.models.taste.update import TasteRates
from keyart.schemas.assigned import Assigned, unpack_assigned
from keyart.schemas.columns import pack_taste
from keyart.schemas.context import Context
from keyart.schemas.decisions import DECISION_VERSION, DecisionPage, Versions
from keyart.schemas.errors import InvalidRecord, StoreAway
from keyart.schemas.ids import ViewerKey
from keyart.schemas.rules import Selection
from keyart.schemas.slates import Slate
from keyart.schemas.taste import TasteArray
from keyart.schemas.topics import DECISIONS
from keyart.services.api.answers import (
    Answer,
    Randomness,
    logged,
    logged_situation,
    responding_titles,
    told,
    told_again,
)
from keyart.services.api.interests import with_interests
from keyart.services.api.kept import look
from keyart.services.api.recording import records_of
from keyart.services.api.slating import slating_of
from keyart.services.api.snapshots import Snapshots
from keyart.services.api.standing import Recent, before, changes, places_of, swaps_today
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.ports import Clock, Output, TasteReader
from keyart.streams.reading import usable_taste

TASTE_AWAY: Final = "taste-away"


class Records(Protocol):
    """Where decisions go; no request waits for it."""

    def record(self, output: Output) -> None:
        """Take a record."""

    def forget(self, viewer: str) -> None:
        """Drop what waits of a viewer who was erased."""


@dataclass(kw_only=True)
class Chooser:
    """Chooses for requests.

    Parameters
    ----------
    experiment
        The policies, and whom each serves.
    explore_share
        Of choices made at random, as it is told beside a choice.
    rates
        How fast taste forgets.
    titles
        The catalogue, for words and vectors.
    snapshots
        What is known.
    tastes
        Where a viewer's taste is read.
    recorder
        Where decisions go.
    recent
        What this process decided of late.
    metrics
        What is counted.
    clock
        Now, in milliseconds.
    swaps
        How many pictures may change for a viewer in a day; None for any number.
    slate_cosine
        The largest cosine of two pictures of a slate that does not say; 1: any.
    randomness
        What decisions' ids are made of, and through them what is drawn after a dwell period. The
        system's own, but for who tells the same story twice.
    """

    experiment: Experiment
    explore_share: float
    rates: TasteRates
    titles: CurrentCatalogue
    snapshots: Snapshots
    tastes: TasteReader
    recorder: Records
    recent: Recent
    metrics: ApiMetrics
    clock: Clock
    swaps: Swaps | None = None
    slate_cosine: float = 1.0
    randomness: Randomness = os.urandom
    usual: Usual = field(init=False, default_factory=Usual)
    _coding: Coding = field(init=False, default_factory=Coding)
    _erasures: int = field(init=False, default=0)

    async def choose(
        self,
        viewer: ViewerKey,
        surface: str,
        titles: tuple[str, ...],
        *,
        why: bool = True,
        context: Context | None = None,
        allow: Selection = NOBODY,
        deny: Selection = NOBODY,
        slate: Slate | None = None,
        positions: Sequence[int] | None = None,
    ) -> Answer:
        """Return the decisions for one viewer, and send them to the log.

        `positions` are where on the page the titles stand, 1 to 255; in their order from 1 unless
        they are given.

        `slate` says what the pictures of the page may have in common; those that stand come first.
        A title of which the rules leave nothing, and no default artwork, is in `unknown`.
        Without `why` no sentences are made: a sixth less work. The page makes them from the log.

        Raises
        ------
        NotFound
            A title is not known, or has nothing left to choose.
        """
        snapshots, view = self.snapshots, self.titles.view
        taste, stored, degraded = await self._read(viewer)
        if self._erasures != snapshots.erasures:
            # somebody was erased, maybe by another process: nobody is named, so all are forgotten
            self._erasures = snapshots.erasures
            self.recent.clear()
        at_ms = self.clock()
        _, policy, decider = self.experiment.arm(viewer)
        index = snapshots.index_of(viewer)
        versions = Versions(
            policy=decider.policy_version,
            prior=index.prior,
            posterior=snapshots.posterior,
            space=self.titles.space.identity,
        )
        places = index.arrays.find(titles)
        ruling = Ruling.of(
            view.titles,
            titles,
            [place.artworks for place in places],
            surface=surface,
            context=context or {},
            allow=allow,
            deny=deny,
            now_ms=at_ms,
            ruled=view.ruled,
        )
        nothing: list[int] = [] if ruling is None else ruling.empty
        # what a rule takes away does not stand, however short ago it was decided
        may = places
        if ruling is not None:
            names = ruling.names()
            may = [place._replace(artworks=left) for place, left in zip(places, names, strict=True)]
        assigned = stored, self.recent.of(viewer, stored)
        standing, replaced, outlived = before(
            assigned,
            titles,
            may,
            surface,
            policy=decider.policy_version,
            now_ms=at_ms,
            dwell_ms=decider.dwell_of(surface),
            horizon_ms=0 if self.swaps is None else self.swaps.horizon_ms,
        )
        left, dwells = 0, set(standing)
        if self.swaps is not None and outlived:
            horizon_ms = self.swaps.horizon_ms
            left = self.swaps.a_day - swaps_today(assigned, now_ms=at_ms, horizon_ms=horizon_ms)
            if left <= 0:
                self.metrics.held.inc(len(outlived))
                standing, outlived = standing | outlived, {}
        answered = told_again(standing, now_ms=at_ms, view=view, why=why)
        new = [at for at, title in enumerate(titles) if title not in standing and at not in nothing]
        if new:
            vectors = self._vectors(taste, at_ms)
            began = perf_counter()
            decided = decider.decide(
                index,
                titles=[titles[at] for at in new],
                taste=vectors,
                surface=surface,
                viewer=viewer,
                now_ms=at_ms,
                # what stood before cannot be known: nothing that is drawn may depend on it
                replaced=[int.from_bytes(self.randomness(8), "little")] * len(new)
                if degraded
                else [replaced[at] for at in new],
                context=context or {},
                side=self.usual.meet(context or {}),
                ruling=None if ruling is None else ruling.take(new),
                slating=None
                if slate is None
                else slating_of(
                    self._coding,
                    slate,
                    self.slate_cosine,
                    index.arrays,
                    view,
                    asked=[(titles[at], may[at].artworks) for at in new],
                    kept=[(title, each.artwork) for title, each in standing.items()],
                ),
            )
            self.snapshots.took(decided.prior, perf_counter() - began)
            decided = with_interests(decided, taste, view)
            # another prior may have taken office since: the page is of the one that chose it
            versions = structs.replace(versions, prior=decided.prior)
            places_on_page = range(1, 1 + len(titles)) if positions is None else positions
            columns = logged(
                decided,
                viewer,
                bytes([places_on_page[at] for at in new]),
                self.randomness,
                responding=responding_titles(decided, index.often),
            )
            if outlived:
                held = stays(changes(decided, outlived), left)
                again = {
                    title: outlived[title]
                    for title, kept in zip(decided.titles, held, strict=True)
                    if kept
                }
                self.metrics.held.inc(len(again))
                standing = standing | again
                answered |= told_again(again, now_ms=at_ms, view=view, why=why)
                free = [at for at, kept in enumerate(held) if not kept]
                columns, new = columns.take(free), [new[at] for at in free]
            page = DecisionPage(
                viewer=viewer,
                surface=surface,
                decided_at_ms=at_ms,
                policy=policy,
                versions=versions,
                decisions=(),
                columns=columns,
                taste=pack_taste(vectors.directions),
                version=DECISION_VERSION,
                degraded=degraded,
                segment=decided.segment,
                split=self.experiment.split,
                context=context or {},
                situation=logged_situation(decided) if columns.responding else (),
            )
            self._record(page, places_of([places[at] for at in new], surface))
            if degraded:
                self.metrics.degraded.labels(degraded).inc(len(new))
            chosen = told(
                columns,
                policy=policy,
                explore_share=self.explore_share,
                taste=taste,
                view=view,
                why=why,
            )
            answered |= {each.title: each for each in chosen}
        self.metrics.kept.inc(len(standing))
        if standing and not degraded and self.metrics.keeping.looks():
            stay = [at for at, title in enumerate(titles) if title in standing]
            look(
                self.metrics.keeping,
                decider,
                index,
                stays={titles[at]: standing[titles[at]].artwork for at in stay},
                dwells=dwells,
                viewer=viewer,
                surface=surface,
                now_ms=at_ms,
                taste=self._vectors(taste, at_ms),
                context=context or {},
                side=self.usual.seen(context or {}),
                ruling=None if ruling is None else ruling.take(stay),
            )
        return Answer(
            viewer=viewer,
            surface=surface,
            decided_at_ms=at_ms,
            policy=policy,
            versions=versions,
            degraded=degraded,
            decisions=tuple([answered[title] for title in titles if title in answered]),
            unknown=tuple([titles[at] for at in nothing]),
        )

    def forget(self, viewer: ViewerKey) -> None:
        """Hold nothing of a viewer who was erased."""
        self.recent.forget(viewer)
        self.recorder.forget(viewer)

    def _vectors(self, taste: TasteArray | None, at_ms: int) -> TasteVectors:
        return NO_TASTE if taste is None else taste_vectors(taste[0], at_ms, self.rates)

    def _record(self, page: DecisionPage, places: list[int]) -> None:
        """Send a page to the log, and hold it."""
        for part, its, value in records_of(page, places):
            self.recent.add(part, its)
            self.recorder.record(Output(DECISIONS, part.viewer, value))
            self.metrics.decisions.labels(part.policy).inc(len(its))

    async def _read(self, viewer: ViewerKey) -> tuple[TasteArray | None, Assigned | None, str]:
        try:
            blob, stored = await self.tastes.read_all(viewer)
        except StoreAway:
            return None, None, TASTE_AWAY
        taste = usable_taste(blob, self.titles.space.identity)
        try:
            return taste, None if stored is None else unpack_assigned(stored), ""
        except InvalidRecord:
            # its lane sets it aside; until then nothing of it stands
            return taste, None, ""
