"""Policies on one log: what each would have earned, by every estimator, and against another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from keyart.models.bandits.protocol import Policy, uniform_propensities
from keyart.models.context.learner import ContextLearner
from keyart.models.ope.diagnostics import (
    ALARM,
    complaints,
    effective_sample_size,
    rows_to_tell,
    sample_ratio,
)
from keyart.models.ope.estimators import (
    ESTIMATORS,
    NEED_MODEL,
    Difference,
    Terms,
    counted,
    terms,
)
from keyart.models.ope.intervals import Resampled, bootstrap, standard_error
from keyart.models.ope.reward_model import cross_fitted, folds_of
from keyart.models.ope.rows import Array, Numbers, Rows
from keyart.schemas.errors import NotFound

LOGGED: Final = "logged"
UNIFORM: Final = "uniform"
FIRST: Final = "first"
POPULAR: Final = "popularity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a policy would have earned a row, with a 95 % interval clustered by viewer."""

    policy: str
    estimator: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """What a policy would have earned more than another on the same rows.

    `rows_to_tell` is how many rows in all would tell them apart, None if they do not differ.
    """

    policy: str
    against: str
    estimator: str
    value: float
    low: float
    high: float
    rows_to_tell: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All of it. `effective_sample_size` is of each policy, in rows."""

    estimates: list[Estimate] = field(default_factory=list)
    contrasts: list[Contrast] = field(default_factory=list)
    effective_sample_size: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def controls(rows: Rows, fold: Numbers) -> dict[str, Array]:
    """Return the policies that anybody would try first, (N, K) each."""
    first = np.zeros(rows.allowed.shape)
    first[np.arange(len(rows)), rows.allowed.argmax(axis=1)] = 1.0
    return {
        UNIFORM: np.asarray(uniform_propensities(rows.allowed), np.float64),
        FIRST: first,
        POPULAR: popular(rows, fold),
    }


def popular(rows: Rows, fold: Numbers) -> Array:
    """Return (N, K): all on the action that earned most in other folds, of those allowed.

    Means are weighted by inverse propensity and shrunk by ten rows to the mean of all.
    """
    actions = rows.allowed.shape[1]
    chosen = np.zeros(rows.allowed.shape)
    weight = 1.0 / rows.propensity
    for each in range(int(fold.max()) + 1):
        other, own = fold != each, np.flatnonzero(fold == each)
        w, y, a = weight[other], rows.reward[other], rows.action[other]
        if not len(w):
            chosen[own] = uniform_propensities(rows.allowed[own])
            continue
        overall, few = float((w * y).sum() / w.sum()), 10.0 * float(w.mean())
        mean = (np.bincount(a, w * y, actions) + few * overall) / (np.bincount(a, w, actions) + few)
        best = np.where(rows.allowed[own], mean, -np.inf).argmax(axis=1)
        chosen[own, best] = 1.0
    return chosen


def learned(x: Array, rows: Rows, fold: Numbers, policy: Policy, *, scale: float = 1.0) -> Array:
    """Return (N, K) propensities of a served policy that has learned from the other folds."""
    found = np.empty(rows.allowed.shape)
    for each in range(int(fold.max()) + 1):
        other, own = fold != each, np.flatnonzero(fold == each)
        learner = ContextLearner(
            policy=policy,
            actions=rows.allowed.shape[1],
            features=x.shape[1],
            mean=float(rows.reward[other].mean()) / scale if other.any() else 0.0,
        )
        learner.learn_all(x[other], rows.action[other], rows.reward[other] / scale)
        found[own] = learner.propensities(x[own], rows.allowed[own])
    return found


def compare(
    rows: Rows,
    policies: Mapping[str, Array],
    *,
    model: Array,
    against: str,
    logged: Array | None = None,
    estimators: Sequence[str] = ESTIMATORS,
    counts: Array | None = None,
    seed: int = 0,
) -> Comparison:
    """Return every estimate, and each policy against one of them.

    Parameters
    ----------
    policies
        Name -> (N, K) propensities.
    model
        (N, K) cross-fitted expected rewards.
    against
        Name of a policy, or `logged`.
    logged
        (N, K) propensities of what was logged, where all are known: they are checked.
    counts
        (N,) what each row counts, above 0 to 1; None: all in full. Estimates are then of a log in
        which nobody says more than a share.

    Raises
    ------
    NotFound
        There is no policy of the name `against`.
    """
    if against != LOGGED and against not in policies:
        there = ", ".join((LOGGED, *policies))
        raise NotFound(f"--against: no policy is called {against!r}; there are {there}")
    found = Comparison()
    if logged is not None and (ratio := sample_ratio(rows, logged)).p_value < ALARM:
        found.warnings.append(
            f"what was chosen does not agree with the propensities (sample-ratio mismatch, "
            f"p = {ratio.p_value:.1e}): every estimate below is in doubt"
        )
    held = counted(Terms(numerator=rows.reward, denominator=np.ones(len(rows))), counts)
    of = {LOGGED: dict.fromkeys(estimators, held)}
    for name, policy in policies.items():
        of[name] = {
            each: counted(
                terms(each, rows, policy, model=model if each in NEED_MODEL else None), counts
            )
            for each in estimators
        }
        found.effective_sample_size[name] = effective_sample_size(rows, policy)
        found.warnings.extend(complaints(rows, policy, name))
    worlds = Resampled(rows, seed=seed)
    found.estimates.append(_estimate(LOGGED, "mean", held, worlds))
    for name in policies:
        for each in estimators:
            found.estimates.append(_estimate(name, each, of[name][each], worlds))
    for name in (LOGGED, *policies):
        if name == against:
            continue
        for each in estimators:
            pair = Difference(first=of[name][each], second=of[against][each])
            found.contrasts.append(_contrast(rows, name, against, each, pair, worlds))
    return found


def _estimate(name: str, estimator: str, of: Terms, worlds: Resampled) -> Estimate:
    at = bootstrap(of, worlds)
    return Estimate(policy=name, estimator=estimator, value=at.estimate, low=at.low, high=at.high)


def _contrast(
    rows: Rows, name: str, against: str, estimator: str, pair: Difference, worlds: Resampled
) -> Contrast:
    at = bootstrap(pair, worlds)
    wanted = rows_to_tell(pair.value, standard_error(rows, pair), len(rows))
    return Contrast(
        policy=name,
        against=against,
        estimator=estimator,
        value=at.estimate,
        low=at.low,
        high=at.high,
        rows_to_tell=wanted if np.isfinite(wanted) else None,
    )


def model_of(x: Array, rows: Rows, fold: Numbers | None = None) -> Array:
    """Return (N, K) the cross-fitted reward model of a log's context."""
    return cross_fitted(x, rows, folds_of(rows) if fold is None else fold)
