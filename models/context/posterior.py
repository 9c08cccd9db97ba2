"""What each action's reward is believed to be, given the context: a hierarchy of linear models.

y = x'(w + d_k) + noise, d_k ~ N(0, diag(spread^2)). The shared weights w hold what the context says
of any action, d_k what is this action's own: shrunk until the action has been seen. The first
feature is 1, so its weight is the action's level. How far levels and how far answers to the context
differ between actions is inferred: each pair of spreads on a grid is weighed by its marginal
likelihood over all actions (empirical Bayes; MacKay 2003, chapter 28), which the sums alone give.
So where the context says nothing the model falls back to one level an action, and where actions
differ it is free to follow them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from keyart.models.context.sums import ArmSums, Array

LEVELS: Final = (0.05, 0.3, 1.0)
ANSWERS: Final = (0.0, 0.03, 0.1, 0.3, 1.0)
"""Spreads of levels and of answers between actions, in standard deviations of the reward."""
NOTHING: Final = 1e-6
SHARED_LEVEL: Final = 1.0
SHARED_ANSWER: Final = 0.02
"""Spreads of the shared weights. What holds for any action is learned from all rows, whichever was
chosen: with a wide spread it explains what comes of the action that is mostly chosen, and leaves
that action nothing to learn (wrong answers on development tables with 1.0, 0.1, 0.03, 0.01: iris
22.7, 19.9, 18.8, 18.0 %; wine 17.0, 13.3, 11.4, 10.9 %)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Beliefs about K actions at the H points of the grid that matter.

    Parameters
    ----------
    share
        (H,) probability of each point.
    weights
        (H, K, D) mean of w + d_k.
    covariance
        (H, K, D, D) of w + d_k, given w's mean.
    noise
        Variance of one reward around its mean.
    """

    share: Array
    weights: Array
    covariance: Array
    noise: float

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Return (N, K) mean and standard deviation of the expected reward, of features (N, D)."""
        means = np.einsum("nd,hkd->hnk", x, self.weights)
        spread = np.empty_like(means)
        for at, covariances in enumerate(self.covariance):
            for arm, covariance in enumerate(covariances):
                spread[at, :, arm] = ((x @ covariance) * x).sum(axis=1)
        mean = np.einsum("h,hnk->nk", self.share, means)
        second = np.einsum("h,hnk->nk", self.share, np.maximum(spread, 0.0) + means**2)
        return mean, np.sqrt(np.maximum(second - mean**2, 0.0))

    def means(self, x: Array) -> Array:
        """Return (N, K) the mean alone, which needs no covariance."""
        return np.asarray(x @ np.einsum("h,hkd->dk", self.share, self.weights), np.float64)


def believe(sums: ArmSums, *, mean: float = 0.0, most: int = 4) -> Posterior:
    """Return the posterior of the sums.

    Parameters
    ----------
    mean
        The reward that is expected of any action before any row.
    most
        Points of the grid that are kept: those of the largest probability.
    """
    actions, size = sums.moment.shape
    total = ArmSums(
        gram=sums.gram.sum(axis=0)[None],
        moment=sums.moment.sum(axis=0)[None],
        squares=sums.squares.sum()[None],
        count=sums.count.sum()[None],
    )
    noise = _noise(total)
    shared = _shared(total, noise, mean)
    points = [(level, answer) for level in LEVELS for answer in ANSWERS]
    # columns that the actions' sums are not zero in; a table without context has only the first
    found = [_point(sums, shared, np.sqrt(noise), noise, *point) for point in points]
    evidence = np.array([each[0] for each in found])
    share = np.exp(evidence - evidence.max())
    kept = np.argsort(-share, kind="stable")[:most]
    weights = np.stack([found[at][1] for at in kept])
    covariance = np.stack([found[at][2] for at in kept])
    return Posterior(
        share=share[kept] / share[kept].sum(), weights=weights, covariance=covariance, noise=noise
    )


def _noise(total: ArmSums) -> float:
    """Return the variance of a reward, with one pseudo-row of a quarter: a fair coin's."""
    count = float(total.count[0])
    first = float(total.moment[0, 0])
    centred = float(total.squares[0]) - first * first / max(count, 1.0)
    return max((centred + 0.25) / (count + 1.0), 1e-9)


def _shared(total: ArmSums, noise: float, mean: float) -> Array:
    """Return (D,) the mean of the shared weights."""
    size = total.moment.shape[1]
    prior = np.full(size, 1.0 / (SHARED_ANSWER**2 * noise))
    prior[0] = 1.0 / (SHARED_LEVEL**2 * noise)
    start = np.zeros(size)
    start[0] = mean
    a = total.gram[0] / noise + np.diag(prior)
    return np.asarray(np.linalg.solve(a, total.moment[0] / noise + prior * start), np.float64)


def _point(
    sums: ArmSums, shared: Array, unit: float, noise: float, level: float, answer: float
) -> tuple[float, Array, Array]:
    """Return (log evidence over all actions, weights (K, D), covariance (K, D, D)) at one point."""
    size = len(shared)
    spread = np.full(size, max(answer, NOTHING) * unit)
    spread[0] = level * unit
    # in units of the spread the prior is the identity, and the inverse is well conditioned
    scaled = sums.gram * (spread[:, None] * spread) / noise
    a = scaled + np.eye(size)
    residual = (sums.moment - np.einsum("kij,j->ki", sums.gram, shared)) * spread / noise
    inverse = np.linalg.inv(a)
    own = np.einsum("kij,kj->ki", inverse, residual)
    explained = 0.5 * (residual * own).sum()
    log_volume = -0.5 * np.asarray(np.linalg.slogdet(a)[1]).sum()
    weights = shared + own * spread
    covariance = inverse * (spread[:, None] * spread)
    return float(explained + log_volume), weights, covariance
