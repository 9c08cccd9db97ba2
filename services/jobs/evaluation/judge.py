"""From a log to a report: the policies that are asked for, the controls, and what the log says."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from keyart.models.bandits.protocol import Policy
from keyart.models.bandits.registry import build_policy
from keyart.models.context.learner import ContextLearner
from keyart.models.ope.compare import Comparison, compare, controls, learned, model_of
from keyart.models.ope.replay import Replayed, replay
from keyart.models.ope.reward_model import folds_of
from keyart.models.ope.rows import Array
from keyart.models.statistics.confidence import confidence_sequence
from keyart.schemas.errors import SettingsError
from keyart.services.jobs.evaluation.logged import LoggedTable
from keyart.services.jobs.evaluation.own_log import OwnLog, propensities, title_model
from keyart.services.jobs.progress import Tell

MOST_REPLAYED: Final = 200_000
NO_PLACES: Final = (
    "where on the page titles stood is not in the log, or not to be counted: all rows count alike"
)
NO_EFFECT: Final = "places on the page make no difference that the log could tell"
MODEL_ALONE: Final = "dm: its interval leaves out how wrong the reward model is; dr's does not"


class ReplayRow(Struct, frozen=True, kw_only=True):
    """What an on-line policy earned on the rows on which it agreed; anytime-valid interval."""

    policy: str
    matched: int
    value: float | None
    low: float | None
    high: float | None


class LogReport(Struct, frozen=True, kw_only=True):
    """What `keyart evaluate log` found; `effective_sample_size` is the first asked policy's."""

    rows: int
    viewers: int
    actions: int
    effective_sample_size: float
    estimates: list[Any]
    differences: list[Any]
    replay: list[ReplayRow]
    sizes: dict[str, float]
    warnings: list[str]


def judge_table(
    log: LoggedTable, names: Sequence[str], options: str, against: str, seed: int, tell: Tell
) -> LogReport:
    """Return the report on anybody's table."""
    served = policies_of(names, options)
    fold = folds_of(log.rows, seed=seed)
    tell("fitting", 0, len(served) + 1)
    every: dict[str, Array] = controls(log.rows, fold)
    for at, (name, policy) in enumerate(served.items()):
        every[name] = learned(log.features, log.rows, fold, policy, scale=log.scale)
        tell("fitting", at + 1, len(served) + 1, name)
    model = model_of(log.features, log.rows, fold)
    tell("fitting", len(served) + 1, len(served) + 1)
    found = compare(log.rows, every, model=model, against=against, logged=log.logged, seed=seed)
    replayed, said = _replays(log, served, seed, tell)
    return _report(
        log.rows, found, replayed, [*log.warnings, *found.warnings, *said], next(iter(served))
    )


def judge_own(
    log: OwnLog, names: Sequence[str], options: str, against: str, seed: int, tell: Tell
) -> LogReport:
    """Return the report on keyart's own training log."""
    served = policies_of(names, options)
    fold = folds_of(log.rows, seed=seed)
    every = controls(log.rows, fold) | {"popularity": log.popular()}
    for at, (name, policy) in enumerate(served.items()):
        tell("learning", at, len(served), name)
        every[name] = propensities(log, policy)
    tell("learning", len(served), len(served))
    model = title_model(log, fold)
    found = compare(
        log.rows,
        every,
        model=model,
        against=against,
        logged=log.logged,
        counts=log.counts,
        seed=seed,
    )
    said = [*log.warnings, *found.warnings, *_of_places(log)]
    return _report(log.rows, found, [], said, next(iter(served)))


def _of_places(log: OwnLog) -> list[str]:
    """Say what places on the page do, and so how the reward model and beliefs count rows."""
    if log.standing is None:
        return [NO_PLACES]
    return log.places(np.ones(len(log.rows), np.bool_)).words() or [NO_EFFECT]


def policies_of(names: Sequence[str], options: str) -> dict[str, Policy]:
    """Return the policies by name; the first has the options.

    Raises
    ------
    UnknownName, SettingsError
        There is no such policy, or it has no such parameter.
    """
    parameters: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in options.split(","))):
        name, _, value = part.partition("=")
        try:
            parameters[name.strip()] = float(value)
        except ValueError:
            raise SettingsError(f"--options: {part!r} is not name=number") from None
    return {
        name: build_policy(name, **(parameters if at == 0 else {})) for at, name in enumerate(names)
    }


def _replays(
    log: LoggedTable, served: dict[str, Policy], seed: int, tell: Tell
) -> tuple[list[ReplayRow], list[str]]:
    rows = log.rows
    if len(rows) > MOST_REPLAYED:
        return [], [f"no replay: {len(rows)} rows; at most {MOST_REPLAYED} are replayed"]
    least, most = float(rows.propensity.min()), float(rows.propensity.max())
    if not log.uniform and least < 0.02 * most:
        return [], ["no replay: the log is far from uniform, so nearly every row would be rejected"]
    found: list[ReplayRow] = []
    for at, (name, policy) in enumerate(served.items()):
        tell("replaying", at, len(served), name)
        learner = ContextLearner(
            policy=policy, actions=rows.allowed.shape[1], features=log.features.shape[1]
        )
        found.append(
            _replayed(name, log, replay(learner, log.features, rows, seed=seed, scale=log.scale))
        )
    tell("replaying", len(served), len(served))
    return found, []


def _replayed(name: str, log: LoggedTable, got: Replayed) -> ReplayRow:
    if not len(got.reward):
        return ReplayRow(policy=name, matched=0, value=None, low=None, high=None)
    low, high = float(log.rows.reward.min()), float(log.rows.reward.max())
    if high <= low:
        return ReplayRow(policy=name, matched=len(got.reward), value=low, low=low, high=low)
    sure = confidence_sequence(got.reward, low=low, high=high)
    return ReplayRow(
        policy=name,
        matched=len(got.reward),
        value=float(got.reward.mean()),
        low=float(sure.low[-1]),
        high=float(sure.high[-1]),
    )


def _report(
    rows: Any, found: Comparison, replayed: list[ReplayRow], warnings: list[str], first: str
) -> LogReport:
    return LogReport(
        rows=len(rows),
        viewers=rows.clusters,
        actions=rows.allowed.shape[1],
        effective_sample_size=found.effective_sample_size[first],
        estimates=[_told(each) for each in found.estimates],
        differences=[_told(each) for each in found.contrasts],
        replay=replayed,
        sizes=found.effective_sample_size,
        warnings=[*warnings, MODEL_ALONE],
    )


def _told(each: Any) -> dict[str, Any]:
    """Return the figures of a dataclass, None where a number is none."""
    names = each.__dataclass_fields__
    made = {name: getattr(each, name) for name in names}
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in made.items()
    }
