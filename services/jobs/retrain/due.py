"""When to retrain: the schedule, enough new rewards, or a world that has changed."""

from typing import Final

import numpy as np
from msgspec import Struct

from keyart.models.statistics.prior_drift import Drift, drifts
from keyart.schemas.errors import NotFound
from keyart.services.jobs.evaluation.own_log import OwnLog, read_own
from keyart.services.jobs.evaluation.priors_on_log import opinions_on
from keyart.services.jobs.retrain.run import jobs_of
from keyart.services.wiring.bootstrap import Parts
from keyart.streams.registry.registry import NEUTRAL

MOST_ROWS: Final = 200_000
"""The newest rewards in which drift is looked for."""
MS_PER_HOUR: Final = 3_600_000


class Asked(Struct, frozen=True, kw_only=True):
    """Why to retrain now, and from when on to learn (ms; 0: from all)."""

    reason: str
    since_ms: int = 0


def due(parts: Parts, at_ms: int) -> Asked | None:
    """Return what asks for a retraining; None when nothing does.

    A job that was begun and has not ended always does.
    """
    settings, jobs = parts.settings, jobs_of(parts)
    if jobs.open() is not None:
        return Asked(reason="an earlier one was stopped half-way")
    last = jobs.last()
    done, fit = (last.done, last.fit) if last else (None, None)
    to_ms = fit.to_ms if fit else 0
    held = _log(parts)
    if held is None:
        return None
    fresh = int((held.shown_at_ms > to_ms).sum())
    if fresh < settings.retrain_least_rewards:
        return None
    if settings.retrain_drift:
        # a change that has left too little to learn from is waited for
        found = [
            each
            for each in drifted(parts, held)
            if each.since_ms > to_ms
            and (held.shown_at_ms >= each.since_ms).sum() >= settings.retrain_least_rewards
        ]
        if found:
            newest = max(found, key=lambda each: each.since_ms)
            return Asked(reason=f"drift: {newest.what} changed", since_ms=newest.since_ms)
    if 0 < settings.retrain_rewards <= fresh:
        return Asked(reason=f"{fresh:,} new rewards")
    since = at_ms - done.at_ms if done else at_ms - int(held.shown_at_ms[0])
    if settings.retrain_hours and since >= settings.retrain_hours * MS_PER_HOUR:
        return Asked(reason=f"every {settings.retrain_hours:g} hours")
    return None


def drifted(parts: Parts, held: OwnLog) -> list[Drift]:
    """Return what changed in the log, seen with what serves."""
    parts.view.refresh()
    titles = parts.view.view.titles
    current = parts.opinions.current
    said = opinions_on(held, parts.opinions.titles(current) if current != NEUTRAL else ())
    relative = said.relative[held.title]
    moved = relative[np.arange(len(held.rows)), held.rows.action] - (held.logged * relative).sum(1)
    shown = np.bincount(held.title).astype(np.float64)
    level = np.bincount(held.title, held.rows.reward) / np.maximum(shown, 1.0)
    names = [titles[name].group if name in titles else "" for name in held.titles]
    return drifts(
        held.shown_at_ms,
        held.rows.reward,
        level[held.title],
        moved,
        [names[at] for at in held.title.tolist()],
    )


def _log(parts: Parts) -> OwnLog | None:
    try:
        return read_own(parts.archive_dir, most=MOST_ROWS)
    except NotFound:
        return None
