"""A log as evaluation reads it: who was shown what, how likely that was, and what came of it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """N logged choices among up to K actions.

    Parameters
    ----------
    action
        (N,) what was chosen, 0 to K - 1.
    reward
        (N,) what came of it, finite.
    propensity
        (N,) the probability with which it was chosen, above 0 and at most 1.
    allowed
        (N, K) True where an action could have been chosen; the chosen one could.
    cluster
        (N,) number of the viewer, 0 and up: rows of one viewer are not independent. None: each row
        is a viewer's only one.

    Raises
    ------
    InvalidRecord
        Lengths differ, there is no row, or a value is out of its range; names the first row.
    """

    action: Numbers
    reward: Array
    propensity: Array
    allowed: Mask
    cluster: Numbers | None = None
    clusters: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Check lengths and ranges."""
        rows = len(self.action)
        if rows == 0:
            raise InvalidRecord("the log holds no row")
        given = (self.reward, self.propensity, self.allowed)
        if any(len(each) != rows for each in given) or self.allowed.ndim != 2:
            raise InvalidRecord("action, reward, propensity and allowed must have one length")
        if self.cluster is not None and len(self.cluster) != rows:
            raise InvalidRecord("cluster must be as long as action")
        _first((self.action < 0) | (self.action >= self.allowed.shape[1]), "action is out of range")
        _first(~np.isfinite(self.reward), "reward is no finite number")
        _first(
            ~((self.propensity > 0.0) & (self.propensity <= 1.0)),
            "propensity is not above 0 and at most 1",
        )
        _first(
            ~self.allowed[np.arange(rows), self.action],
            "the logged action is not among the allowed",
        )
        many = rows if self.cluster is None else int(self.cluster.max()) + 1
        object.__setattr__(self, "clusters", many)

    def __len__(self) -> int:
        """Return N."""
        return len(self.action)

    def at(self, which: Numbers) -> "Rows":
        """Return these rows alone; viewers are numbered anew."""
        cluster = None
        if self.cluster is not None:
            _, cluster = np.unique(self.cluster[which], return_inverse=True)
        return Rows(
            action=self.action[which],
            reward=self.reward[which],
            propensity=self.propensity[which],
            allowed=self.allowed[which],
            cluster=cluster,
        )

    def of_logged(self, values: Array) -> Array:
        """Return (N,) the values, (N, K), of the logged actions."""
        return np.asarray(values[np.arange(len(self)), self.action], np.float64)

    def by_cluster(self, values: Array) -> Array:
        """Return (clusters,) sums of (N,) values over each viewer's rows."""
        if self.cluster is None:
            return values
        sums = np.bincount(self.cluster, values, minlength=self.clusters)
        return np.asarray(sums, np.float64)


def check_policy(rows: Rows, policy: Array) -> Array:
    """Return the policy's propensities (N, K) if they are such for these rows.

    Raises
    ------
    InvalidRecord
        The shape differs, a value is out of 0 to 1, a row does not sum to 1 within 1e-6, or an
        action that was not allowed has probability.
    """
    if policy.shape != rows.allowed.shape:
        raise InvalidRecord(f"the policy is {policy.shape}, the log {rows.allowed.shape}")
    _first(~((policy >= 0.0) & (policy <= 1.0 + 1e-9)).all(axis=1), "a propensity is not in 0 to 1")
    _first(np.abs(policy.sum(axis=1) - 1.0) > 1e-6, "the policy's propensities do not sum to 1")
    _first(((policy > 0.0) & ~rows.allowed).any(axis=1), "the policy chooses what was not allowed")
    return policy


def _first(wrong: Any, what: str) -> None:
    if wrong.any():
        raise InvalidRecord(f"row {int(wrong.argmax()) + 1}: {what}")
