"""What the newest of the log says of the prior's calibration and of policies that do not serve.

Housekeeping asks for it now and then, in a process of its own, and the page shows what was noted:
no request reads a log.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import structs

from keyart.models.bandits.holdback import Holdback
from keyart.models.dataset.training_log import read_rewards
from keyart.models.likelihood.curve import Bin, curve, gain
from keyart.models.ope.gate.loss import LEAST_ROWS
from keyart.schemas import codec
from keyart.schemas.judged import CurvePoint, Judged, PolicyJudged
from keyart.schemas.training import columns
from keyart.services.jobs.evaluation.judge import judge_own
from keyart.services.jobs.evaluation.own_log import read_own
from keyart.streams.ports import Clock
from keyart.streams.site import Note, Register

MOST_ROWS: Final = 20_000
"""The newest rewards that are looked at: what a process of its own may take beside what serves."""
ESTIMATOR: Final = "dr"
SAME: Final = 1e-6
"""A prior whose factors differ no more from 1 has said nothing of a choice."""
_COLUMNS: Final = columns("viewer", "artwork", "value", "candidates", "policy")
_BELIEFS: Final = columns("level", "prior_factors", "taste_factors")


def judge(
    archive: Path,
    register: Register,
    *,
    others: Sequence[str],
    clock: Clock,
    positions: bool = True,
) -> Judged:
    """Look at the newest of the log, note what it says, and return it.

    Parameters
    ----------
    others
        Policies that do not serve, by name.
    positions
        Whether what places on the page do is taken out.

    Raises
    ------
    NotFound
        Nothing is archived yet.
    """
    found = judged_of(archive, others=others, at_ms=clock(), positions=positions)
    register.write(Note.JUDGED, codec.pack(found))
    return found


def judged_of(
    archive: Path, *, others: Sequence[str], at_ms: int, positions: bool = True
) -> Judged:
    """Return what the newest of a log says; raises as `judge` does."""
    held = read_own(archive, most=MOST_ROWS, positions=positions)
    count, waiting = len(held.rows), ""
    policies: list[PolicyJudged] = []
    if count < LEAST_ROWS:
        waiting = f"{LEAST_ROWS} rewards are needed; so far there are {count}."
    elif others:
        report = judge_own(held, others, "", "logged", 0, lambda *_: None)
        values = {
            each["policy"]: each for each in report.estimates if each["estimator"] == ESTIMATOR
        }
        more = {
            each["policy"]: each for each in report.differences if each["estimator"] == ESTIMATOR
        }
        policies = [
            PolicyJudged(
                policy=name,
                value=values[name]["value"],
                low=values[name]["low"],
                high=values[name]["high"],
                more=more[name]["value"],
                more_low=more[name]["low"],
                more_high=more[name]["high"],
                rows_to_tell=more[name]["rows_to_tell"],
                effective=report.sizes[name],
            )
            for name in values
            if name in more and None not in (values[name]["low"], more[name]["low"])
        ]
    return _calibrated(
        archive,
        Judged(
            at_ms=at_ms,
            rewards=count,
            to_ms=int(held.shown_at_ms[-1]),
            policies=tuple(policies),
            logged=float(held.rows.reward.mean()),
            waiting=waiting,
        ),
    )


def _calibrated(archive: Path, judged: Judged) -> Judged:
    """Return it with the curves, of rewards whose beliefs were logged and that a policy chose."""
    frame, _ = read_rewards(archive, _COLUMNS, perhaps=_BELIEFS)
    if any(name not in frame.columns for name in _BELIEFS):
        return judged
    frame = frame.drop_nulls(list(_BELIEFS)).tail(MOST_ROWS)
    rows = [
        (viewer, value, level, prior[at], taste[at])
        for viewer, artwork, value, candidates, policy, level, prior, taste in frame.select(
            *_COLUMNS, *_BELIEFS
        ).iter_rows()
        if policy != Holdback.name
        and len(candidates) > 1
        and artwork in candidates
        and len(prior) == len(taste) == len(candidates)
        and level > 0.0
        for at in (candidates.index(artwork),)
    ]
    if not rows:
        return judged
    _, viewer = np.unique([row[0] for row in rows], return_inverse=True)
    value, level, prior, taste = np.array([row[1:] for row in rows], np.float64).T
    without = np.clip(level * taste, 0.0, 1.0)
    judged = structs.replace(judged, without_prior=_points(curve(without, value, viewer)))
    if np.abs(prior - 1.0).max() <= SAME:
        return judged
    with_it = np.clip(level * prior * taste, 0.0, 1.0)
    gained = gain(with_it, without, value, viewer)
    return structs.replace(
        judged,
        with_prior=_points(curve(with_it, value, viewer)),
        gain=1000.0 * gained.estimate,
        low=1000.0 * gained.low,
        high=1000.0 * gained.high,
    )


def _points(found: Sequence[Bin]) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(**each._asdict()) for each in found)
