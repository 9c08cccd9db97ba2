"""What the newest of the log says of the prior's calibration and of policies that do not serve.

Housekeeping asks for it now and then, in a process of its own, and the page shows what was noted:
no request reads a log.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from keyart.models.bandits.holdback import Holdback
from keyart.models.dataset.influence import Bounds
from keyart.models.dataset.places import COLUMNS as STOOD
from keyart.models.dataset.places import standing_of
from keyart.models.dataset.taught import counts_among
from keyart.models.dataset.training_log import read_rewards
from keyart.models.likelihood.curve import Bin, curve, gain
from keyart.models.ope.gate.loss import LEAST_ROWS
from keyart.schemas import codec
from keyart.schemas.judged import CurvePoint, Judged, PolicyJudged
from keyart.schemas.training import columns
from keyart.services.jobs.evaluation.judge import judge_own
from keyart.services.jobs.evaluation.own_log import SHARES, read_own
from keyart.streams.ports import Clock
from keyart.streams.site import Note, Register

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
MOST_ROWS: Final = 20_000
"""The newest rewards that are looked at: what a process of its own may take beside what serves."""
ESTIMATOR: Final = "dr"
SAME: Final = 1e-6
"""A prior whose factors differ no more from 1 has said nothing of a choice."""
_CHOSEN: Final = columns("viewer", "artwork", "value", "candidates", "policy")
_COLUMNS: Final = (*_CHOSEN, *columns("title"))
_BELIEFS: Final = columns("level", "prior_factors", "taste_factors")


def judge(
    archive: Path, register: Register, *, others: Sequence[str], bounds: Bounds, clock: Clock
) -> Judged:
    """Look at the newest of the log, note what it says, and return it.

    Parameters
    ----------
    others
        Policies that do not serve, by name.
    bounds
        On who may say how much of what is judged on: those of what teaches.

    Raises
    ------
    NotFound
        Nothing is archived yet.
    """
    found = judged_of(archive, others=others, bounds=bounds, at_ms=clock())
    register.write(Note.JUDGED, codec.pack(found))
    return found


def judged_of(archive: Path, *, others: Sequence[str], bounds: Bounds, at_ms: int) -> Judged:
    """Return what the newest of a log says; raises as `judge` does."""
    held = read_own(archive, most=MOST_ROWS, bounds=bounds)
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
        bounds,
        Judged(
            at_ms=at_ms,
            rewards=count,
            to_ms=int(held.shown_at_ms[-1]),
            policies=tuple(policies),
            logged=float(np.average(held.rows.reward, weights=held.weights)),
            waiting=waiting,
        ),
    )


def _calibrated(archive: Path, bounds: Bounds, judged: Judged) -> Judged:
    """Return it with the curves, of rewards whose beliefs were logged and that a policy chose.

    What is believed is of an average place on the page; it is held against what came of it as at
    the place where it stood.
    """
    perhaps = (*_BELIEFS, *SHARES, *(STOOD if bounds.positions else ()))
    frame, _ = read_rewards(archive, _COLUMNS, perhaps=perhaps, newest=bounds.most)
    if any(name not in frame.columns for name in _BELIEFS):
        return judged
    frame = frame.drop_nulls(list(_BELIEFS)).tail(MOST_ROWS)
    if not frame.height:
        return judged
    weights = counts_among(archive, frame, bounds)
    frame, weights = frame.filter(weights > 0.0), weights[weights > 0.0]
    places = _places(frame, weights)
    rows = [
        (viewer, value, level * place, prior[at], taste[at], weight)
        for (viewer, artwork, value, candidates, policy, level, prior, taste), place, weight in zip(
            frame.select(*_CHOSEN, *_BELIEFS).iter_rows(),
            places.tolist(),
            weights.tolist(),
            strict=True,
        )
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
    value, level, prior, taste, counts = np.array([row[1:] for row in rows], np.float64).T
    without = np.clip(level * taste, 0.0, 1.0)
    judged = structs.replace(
        judged, without_prior=_points(curve(without, value, viewer, counts=counts))
    )
    if np.abs(prior - 1.0).max() <= SAME:
        return judged
    with_it = np.clip(level * prior * taste, 0.0, 1.0)
    gained = gain(with_it, without, value, viewer, counts=counts)
    return structs.replace(
        judged,
        with_prior=_points(curve(with_it, value, viewer, counts=counts)),
        gain=1000.0 * gained.estimate,
        low=1000.0 * gained.low,
        high=1000.0 * gained.high,
    )


def _places(frame: "pl.DataFrame", counts: Array) -> Array:
    """Return (N,) what each exposure is worth by where it stood; 1 where that is not known."""
    if (standing := standing_of(frame)) is None:
        return np.ones(frame.height)
    takes = counts * frame["value"].to_numpy()
    return standing.worth(standing.learn(takes, counts))


def _points(found: Sequence[Bin]) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(**each._asdict()) for each in found)
