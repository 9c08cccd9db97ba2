"""What a policy would have earned on a log that another policy made.

Every estimate is a ratio of two sums over rows, numerator / denominator, so that intervals, viewers
as clusters and the difference of two policies on the same rows are one thing each. With w the
weight pi(a | x) / p of the logged action and q the reward model:

| estimator | numerator | denominator | source |
|---|---|---|---|
| ips | w r | 1 | Horvitz and Thompson 1952 |
| clipped | min(w, clip) r | 1 | Bottou et al., JMLR 2013 |
| snips | w r | w | Swaminathan and Joachims, NeurIPS 2015 |
| dm | sum_a pi(a) q(a) | 1 | direct method |
| dr | dm + w (r - q) | 1 | Dudik, Langford and Li, ICML 2011 |
| switch_dr | dm + w (r - q) where w <= clip | 1 | Wang, Agarwal and Dudik, ICML 2017 |

The difference of two policies on the same rows (Delta-OPE: Jeunen, RecSys 2024, 2405.10024) is the
difference row by row: what both would have done alike cancels.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from keyart.models.ope.rows import Array, Rows, check_policy
from keyart.schemas.errors import InvalidRecord, UnknownName

Estimator = Literal["ips", "clipped", "snips", "dm", "dr", "switch_dr"]
ESTIMATORS: Final[tuple[str, ...]] = get_args(Estimator)
NEED_MODEL: Final = frozenset({"dm", "dr", "switch_dr"})
CLIP: Final = 10.0
"""Weights above it are clipped, or switched to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """(N,) numerator and denominator of an estimate: their sums' ratio is the value."""

    numerator: Array
    denominator: Array

    @property
    def value(self) -> float:
        """The estimate; nan when the denominator's sum is 0."""
        below = float(self.denominator.sum())
        return float(self.numerator.sum()) / below if below else float("nan")


def weights(rows: Rows, policy: Array) -> Array:
    """Return (N,) importance weights pi(a | x) / p of the logged actions, at least 0."""
    return np.asarray(rows.of_logged(policy) / rows.propensity, np.float64)


def terms(
    estimator: str, rows: Rows, policy: Array, *, model: Array | None = None, clip: float = CLIP
) -> Terms:
    """Return the terms of one estimator for one policy.

    Parameters
    ----------
    estimator
        One of `ESTIMATORS`.
    policy
        (N, K) what it would have chosen, with what probability.
    model
        (N, K) expected reward of each action, fitted without the row's viewer; what is not allowed
        is ignored. Needed by dm, dr and switch_dr.
    clip
        Above 0: where weights are clipped, or switched to the model.

    Raises
    ------
    UnknownName
        No estimator is called that.
    InvalidRecord
        The policy is none for these rows, the model is missing, or clip is not above 0.
    """
    if estimator not in ESTIMATORS:
        raise UnknownName(f"no estimator {estimator!r}; there are {', '.join(ESTIMATORS)}")
    if not clip > 0.0:
        raise InvalidRecord(f"clip is {clip}, must be above 0")
    check_policy(rows, policy)
    w, one = weights(rows, policy), np.ones(len(rows))
    if estimator not in NEED_MODEL:
        kept = np.minimum(w, clip) if estimator == "clipped" else w
        below = w if estimator == "snips" else one
        return Terms(numerator=kept * rows.reward, denominator=below)
    if model is None or model.shape != policy.shape:
        raise InvalidRecord(f"{estimator} needs a reward model of shape {policy.shape}")
    direct = np.einsum("nk,nk->n", policy, np.where(rows.allowed, model, 0.0))
    if estimator == "dm":
        return Terms(numerator=direct, denominator=one)
    used = np.where(w <= clip, w, 0.0) if estimator == "switch_dr" else w
    corrected = direct + used * (rows.reward - rows.of_logged(model))
    return Terms(numerator=corrected, denominator=one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two policies on the same rows: the value of the first less that of the second."""

    first: Terms
    second: Terms

    @property
    def value(self) -> float:
        """The estimated difference."""
        return self.first.value - self.second.value

    @property
    def influence(self) -> Array:
        """(N,) how each row moves the difference: the influence function of a ratio, times N."""
        return influence(self.first) - influence(self.second)


def counted(of: Terms, counts: Array | None) -> Terms:
    """Return the terms of a log whose rows count so much, (N,) above 0 to 1; None: all in full."""
    if counts is None:
        return of
    return Terms(numerator=counts * of.numerator, denominator=counts * of.denominator)


def influence(of: Terms) -> Array:
    """Return (N,) (numerator - value denominator) / mean denominator.

    Its mean is 0, and its variance over N is the estimate's by the delta method.
    """
    below = float(of.denominator.mean())
    if below == 0.0:
        return np.full(len(of.numerator), np.nan)
    return np.asarray((of.numerator - of.value * of.denominator) / below, np.float64)
