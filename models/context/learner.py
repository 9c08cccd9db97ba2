"""A policy that learns row by row from a context: beliefs by action, choice by a served policy."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from keyart.models.bandits.protocol import Mask, Page, Policy
from keyart.models.context.posterior import Posterior, believe
from keyart.models.context.sums import ArmSums, Array, Numbers

GROWTH: Final = 1.15
"""The spreads are inferred anew when there are so many times the rows of the last time."""
FIRST: Final = 8
LEAST_MEAN: Final = 1e-3


@dataclass(slots=True, kw_only=True)
class ContextLearner:
    """Learns the reward of K actions from D features (the first is 1), and chooses.

    Between two inferences of the spreads every row is taken in exactly: the Bayesian update of its
    action's weights at each point of the grid, and of the points' probabilities.

    Parameters
    ----------
    policy
        Any of `keyart.models.bandits`: what serves a site.
    actions, features
        K and D.
    mean
        Reward expected before any row; rewards should lie about 0 to 1.
    """

    policy: Policy
    actions: int
    features: int
    mean: float = 0.0
    sums: ArmSums = field(init=False)
    rows: int = field(init=False, default=0)
    _posterior: Posterior = field(init=False)
    _inferred: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Begin without rows."""
        self.sums = ArmSums.empty(self.actions, self.features)
        self._posterior = believe(self.sums, mean=self.mean)

    def propensities(self, x: Array, allowed: Mask | None = None) -> Array:
        """Return (N, K) exact probabilities of the actions, of features (N, D)."""
        mean, sd = self._posterior.predict(x)
        mask = np.ones(mean.shape, np.bool_) if allowed is None else allowed
        return np.asarray(self.policy.propensities(self._page(x, mean, sd, mask)), np.float64)

    def learn(self, x: Array, action: int, reward: float) -> None:
        """Take in one row: features (D,), the action, what came of it."""
        self.sums.learn(action, x, reward)
        self.rows += 1
        if self.rows >= max(FIRST, GROWTH * self._inferred) or self.rows in (1, 2, 4):
            self.infer()
        else:
            _update(self._posterior, x, action, reward)

    def learn_all(self, x: Array, action: Numbers, reward: Array) -> None:
        """Take in many rows at once: (N, D), (N,), (N,); the spreads are inferred once."""
        self.sums = self.sums + ArmSums.of(x, action, reward, actions=self.actions)
        self.rows += len(x)
        self.infer()

    def infer(self) -> None:
        """Infer the spreads from all rows so far."""
        self._posterior = believe(self.sums, mean=self.mean)
        self._inferred = self.rows

    def standing(self) -> tuple[Posterior, int]:
        """Return what is believed, and of how many rows the spreads were inferred."""
        return self._posterior, self._inferred

    def stand(self, sums: ArmSums, beliefs: Posterior, *, rows: int, inferred: int) -> None:
        """Go on from where another learner of these actions and features stood."""
        self.sums, self.rows = sums, rows
        self._posterior, self._inferred = beliefs, inferred

    def _page(self, x: Array, mean: Array, sd: Array, mask: Mask) -> Page:
        shape = mean.shape
        seen = np.broadcast_to(self.sums.count, shape)
        taken = np.broadcast_to(self.sums.moment[:, 0], shape)
        total = np.full(shape[0], self.sums.count.sum())
        return Page(
            mask=mask,
            # policies of takes think in ratios; a line may pass below nothing
            mean=np.maximum(mean, LEAST_MEAN),
            sd=sd,
            seen=seen,
            taken=taken,
            prior_mean=np.full(shape, self.mean),
            prior_strength=np.zeros((shape[0], 1)),
            impressions=total,
            features=np.zeros((*shape, 1)),
            weights=np.zeros(1),
            weight_covariance=np.zeros((1, 1)),
        )


def _update(posterior: Posterior, x: Array, action: int, reward: float) -> None:
    """Condition on one row, in place (recursive least squares at each point of the grid)."""
    log = np.log(np.maximum(posterior.share, 1e-300))
    for at in range(len(posterior.share)):
        covariance = posterior.covariance[at, action]
        gain = covariance @ x
        variance = float(x @ gain) + posterior.noise
        wrong = reward - float(x @ posterior.weights[at, action])
        posterior.weights[at, action] += gain * (wrong / variance)
        covariance -= np.outer(gain, gain) / variance
        log[at] -= 0.5 * (wrong * wrong / variance + np.log(variance))
    share = np.exp(log - log.max())
    posterior.share[:] = share / share.sum()
