"""When to retrain: the schedule, enough new rewards, or a world that has changed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from keyart.models.dataset.influence import Bounds
from keyart.models.statistics.prior_drift import Drift, drifts
from keyart.schemas.errors import NotFound
from keyart.services.jobs.evaluation.own_log import OwnLog, read_own
from keyart.services.jobs.evaluation.priors_on_log import opinions_on
from keyart.services.jobs.retrain.stages import Jobs
from keyart.services.jobs.world import DRIFT
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.registry.registry import NEUTRAL
from keyart.streams.site import Opinions

MOST_ROWS: Final = 200_000
"""The newest rewards in which drift is looked for."""
MS_PER_HOUR: Final = 3_600_000
AGAIN: Final = "; once more, for what was fitted then was refused"
REFUSED: Final = "refused"


class Asked(Struct, frozen=True, kw_only=True):
    """Why to retrain now, from when on to learn (ms; 0: from all), and whether without training."""

    reason: str
    since_ms: int = 0
    refresh: bool = False


@dataclass(frozen=True, kw_only=True)
class Due:
    """Knows when to retrain.

    Parameters
    ----------
    jobs
        What was begun and what has ended.
    archive
        The folder with the site's training log.
    titles, opinions
        What the log is of, and what the prior that serves thinks of it.
    least_rewards
        New ones, with fewer of which nothing asks for it.
    rewards, hours
        So many new rewards, or so long since the last one, ask for it; 0: never.
    drift
        Whether a world that has changed does.
    refresh_hours
        So long since the last job, of either kind, asks for a refresh of what serves; 0: never.
    refreshable
        Whether what serves can be refreshed.
    bounds
        On who may say how much of what drift is looked for in: those of what teaches, but for
        hours. One that contradicts all before it is what is looked for; only its new viewers are
        bounded. Bursts that serving held back are left in: finding them would read the whole log
        at every look.
    """

    jobs: Jobs
    archive: Path
    titles: CurrentCatalogue
    opinions: Opinions
    least_rewards: int
    rewards: int
    hours: float
    drift: bool
    refresh_hours: float
    refreshable: Callable[[], bool]
    bounds: Bounds

    def asks(self, at_ms: int) -> Asked | None:
        """Return what asks for a retraining; None when nothing does.

        A job that was begun and has not ended always does.
        """
        jobs = self.jobs
        if jobs.open() is not None:
            return Asked(reason="an earlier one was stopped half-way")
        last = jobs.last(trained=True)
        done, fit = (last.done, last.fit) if last else (None, None)
        to_ms = fit.to_ms if fit else 0
        held = _log(self.archive, replace(self.bounds, all_hours=False, hold_bursts=False))
        if held is None:
            return None
        fresh = int((held.shown_at_ms > to_ms).sum())
        if fresh < self.least_rewards:
            return None
        if self.drift:
            # a change that has left too little to learn from is waited for
            found = [
                each
                for each in self.drifted(held)
                if each.since_ms > to_ms
                and (held.shown_at_ms >= each.since_ms).sum() >= self.least_rewards
            ]
            if found:
                newest = max(found, key=lambda each: each.since_ms)
                return Asked(reason=f"{DRIFT} {newest.what} changed", since_ms=newest.since_ms)
            if last and last.job and done and done.outcome == REFUSED:
                # a change that was answered with too little is not answered; there is more now
                job = last.job
                if job.reason.startswith(DRIFT):
                    return Asked(reason=f"{_first(job.reason)}{AGAIN}", since_ms=job.since_ms)
        if 0 < self.rewards <= fresh:
            return Asked(reason=f"{fresh:,} new rewards")
        since = at_ms - done.at_ms if done else at_ms - int(held.shown_at_ms[0])
        if self.hours and since >= self.hours * MS_PER_HOUR:
            return Asked(reason=f"every {self.hours:g} hours")
        return self._refresh(held, at_ms)

    def _refresh(self, held: OwnLog, at_ms: int) -> Asked | None:
        if not self.refresh_hours or not self.refreshable():
            return None
        last = self.jobs.last()
        done, fit = (last.done, last.fit) if last else (None, None)
        fresh = int((held.shown_at_ms > (fit.to_ms if fit else 0)).sum())
        since = at_ms - (done.at_ms if done else int(held.shown_at_ms[0]))
        if fresh < self.least_rewards or since < self.refresh_hours * MS_PER_HOUR:
            return None
        return Asked(reason=f"refresh every {self.refresh_hours:g} hours", refresh=True)

    def drifted(self, held: OwnLog) -> list[Drift]:
        """Return what changed in the log, seen with what serves."""
        self.titles.refresh()
        titles = self.titles.view.titles
        current = self.opinions.current
        said = opinions_on(held, self.opinions.titles(current) if current != NEUTRAL else ())
        relative = said.relative[held.title]
        moved = relative[np.arange(len(held.rows)), held.rows.action] - (
            held.logged * relative
        ).sum(1)
        counts = held.weights
        shown = np.bincount(held.title, counts)
        level = np.bincount(held.title, counts * held.rows.reward) / shown
        names = [titles[name].group if name in titles else "" for name in held.titles]
        return drifts(
            held.shown_at_ms,
            held.rows.reward,
            level[held.title],
            moved,
            [names[at] for at in held.title.tolist()],
            counts=counts,
        )


def _first(reason: str) -> str:
    return reason.removesuffix(AGAIN)


def _log(archive: Path, bounds: Bounds) -> OwnLog | None:
    try:
        return read_own(archive, most=MOST_ROWS, bounds=bounds)
    except NotFound:
        return None
