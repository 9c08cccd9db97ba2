"""The gate in service: a version against the champion, on its files, the catalogue and the log."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from keyart.models.bandits.protocol import Policy
from keyart.models.dataset.influence import Bounds
from keyart.models.ope.gate import rules
from keyart.models.ope.gate.rules import Judgement, Verdict
from keyart.models.ope.gate.slope import opinion_slope
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import KeyartError, NotFound
from keyart.schemas.priors import Opinion
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import (
    ANSWERS,
    DUAL,
    FITTED,
    HELD_OUT_FROM,
    VIEWERS,
    Deployment,
    in_store,
)
from keyart.services.jobs.evaluation.own_log import OwnLog, read_own
from keyart.services.jobs.evaluation.priors_on_log import Opinions, loss_of, opinions_on
from keyart.services.jobs.priors.serving import Speaks
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import NEUTRAL

MOST_ROWS: Final = 200_000
"""The newest rewards that a version is judged on."""
TOGETHER: Final = 8
TIMED_S: Final = 1.0
"""Titles that are timed at once, and seconds after which enough of them were."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Judges versions for a site.

    Parameters
    ----------
    deployment
        Versions, titles and opinions of the site.
    archive
        The folder with the site's training log.
    policy
        Returns the policy that serves: what it would take with each version is compared.
    explore_share
        Of choices that it makes at random.
    bounds
        On who may say how much of what is judged on: those of what teaches.
    clock
        Now, in milliseconds.
    artwork_s
        Kind of version -> seconds that it may take to score an artwork; `rules.MOST_SECONDS` for
        any other.
    """

    deployment: Deployment
    archive: Path
    policy: Callable[[], Policy]
    explore_share: float
    bounds: Bounds
    clock: Clock
    artwork_s: Mapping[str, float] = field(default_factory=dict)

    def judge(
        self,
        name: str,
        *,
        log: Path | None = None,
        since_ms: int = 0,
        most: int = MOST_ROWS,
    ) -> Judgement:
        """Return what the gate says of a version against what serves.

        Parameters
        ----------
        log
            A training log to judge it on; None: this site's own.
        since_ms
            Rewards of what was shown before are left out, and so are those that taught the version
            where it held later ones out, and in the site's own log those of before the last change
            of the world that was found.
        most
            Rewards, the newest, that are read.

        Raises
        ------
        NotFound
            There is no such version.
        """
        registry, opinions = self.deployment.registry, self.deployment.opinions
        version = registry.version(name)
        name, held_out = version.name, round(version.figures.get(HELD_OUT_FROM, 0.0))
        champion = registry.aliases().champion or opinions.current
        try:
            size = sum(mark.size for mark in registry.check(name).files.values())
            verdicts = [rules.files("", size)]
        except KeyartError as wrong:
            return self._told(name, champion, [rules.files(str(wrong), 0)], 0)
        try:
            said, more = self._asked(name)
        except KeyartError as wrong:
            verdicts.append(Verdict(rule="format", outcome=rules.REFUSED, says=str(wrong)))
            return self._told(name, champion, verdicts, 0)
        verdicts += more
        since_ms = max(since_ms, held_out, 0 if log else self.deployment.world_ms)
        held = _log(log or self.archive, most, since_ms, self.bounds)
        if held is None:
            verdicts += [rules.calibration(None), rules.harm(None)]
            return self._told(name, champion, verdicts, 0)
        ours = opinions_on(held, said)
        verdicts.append(
            rules.calibration(
                opinion_slope(held.rows, held.logged, held.title, ours.relative, counts=held.counts)
            )
        )
        verdicts.append(rules.harm(self._loss(held, ours, champion)))
        return self._told(name, champion, verdicts, len(held.rows))

    def _told(self, name: str, champion: str, verdicts: Sequence[Verdict], rows: int) -> Judgement:
        return rules.judgement(name, champion, verdicts, judged_at_ms=self.clock(), rows=rows)

    def _loss(self, held: OwnLog, ours: Opinions, champion: str) -> rules.Loss | None:
        opinions = self.deployment.opinions
        theirs = opinions_on(held, opinions.titles(champion) if champion != NEUTRAL else ())
        return loss_of(held, ours, theirs, self.policy(), explore_share=self.explore_share)

    def _asked(self, name: str) -> tuple[list[Opinion], list[Verdict]]:
        """Return what a version says of the whole catalogue, and the verdicts on how it says it."""
        scoring = self.deployment.scoring
        version = self.deployment.registry.version(name)
        titles = scoring.choosable()
        if version.kind == NEUTRAL:
            return [], [rules.readable(len(titles), max(len(titles), 1)) if titles else _empty()]
        if in_store(version):
            said = [each for each in scoring.opinions.titles(name) if not each.segment]
            said_of = {each.title for each in said if np.isfinite(each.relative).all()}
            good = sum(each.id in said_of for each in titles)
            return said, [rules.readable(good, len(titles)) if titles else _empty()]
        if version.kind not in FITTED:
            raise NotFound(f"{name} is of kind {version.kind}, which this keyart cannot serve")
        self.deployment.fetched(version)
        prior = scoring.fitted(name)
        most = self.artwork_s.get(version.kind, rules.MOST_SECONDS)
        pace = rules.latency(*_timed(prior, titles), most)
        if pace.outcome == rules.REFUSED:
            # of a whole catalogue it would take as long as it must not
            return [], [rules.parity(*prior.parity()), pace]
        said = prior.opinions(titles)
        good = sum(bool(each.artworks) and bool(np.isfinite(each.relative).all()) for each in said)
        form = rules.readable(good, len(titles)) if titles else _empty()
        verdicts = [rules.parity(*prior.parity()), form, pace]
        if (share := version.figures.get(ANSWERS)) is not None:
            verdicts.append(rules.answers(share))
        return said, verdicts + ([_viewers(version)] if version.kind == DUAL else [])


def _timed(prior: Speaks, titles: Sequence[StoredTitle]) -> tuple[float, int]:
    """Return how long a prior took, and for how many artworks: some titles, asked anew."""
    took, artworks = 0.0, 0
    for first in range(0, len(titles), TOGETHER):
        begun = time.perf_counter()
        said = prior.anew(titles[first : first + TOGETHER])
        took += time.perf_counter() - begun
        artworks += sum(len(each.artworks) for each in said)
        if took >= TIMED_S:
            break
    return took, artworks


def _viewers(version: ModelVersion) -> Verdict:
    figures = version.figures
    error, takes = (figures.get(f"{VIEWERS}, {each}", 0.0) for each in ("error", "takes"))
    return rules.viewers(figures.get(VIEWERS), error, round(takes))


def _empty() -> Verdict:
    return Verdict(rule="format", outcome=rules.UNTOLD, says="the catalogue has no title")


def _log(path: Path, most: int, since_ms: int, bounds: Bounds) -> OwnLog | None:
    try:
        return read_own(path, most=most, since_ms=since_ms, bounds=bounds)
    except NotFound:
        return None
