"""How likely each of several options is the best: one integral, exact to rounding, no draws.

P(k is the largest) = integral of f_k times the product of the other F_j. Thompson sampling's
propensities are this of what is believed; a test's soft answer is this of what it counted.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keyart.models.likelihood.relative import OWN_VARIANCE

Array = NDArray[np.float64]

_PANEL_EDGES = np.array([-5.6, -4.0, -2.5, -1.25, 0.0, 1.25, 2.5, 4.0, 5.6])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_LOWEST_SHAPE = 0.05
_LOWEST_MEAN = 1e-9


def chances_of_best(taken: ArrayLike, shown: ArrayLike) -> Array:
    """Return each option's posterior probability to have the test's highest take rate, (K,).

    An option's rate is the test's level times theta, theta ~ Gamma with mean 1 and variance
    `OWN_VARIANCE`: its posterior is Gamma(1 / v + takes, 1 / v + takes expected at the level).
    Without a take every option is as likely as the others.

    Parameters
    ----------
    taken, shown
        (K,) takes and impressions, at least 0.
    """
    clicks, views = np.asarray(taken, np.float64), np.asarray(shown, np.float64)
    level = clicks.sum() / max(float(views.sum()), 1e-12)
    return gamma_best(1 / OWN_VARIANCE + clicks, 1 / OWN_VARIANCE + level * views)


def _grid(edges: Array, low: float) -> tuple[Array, Array]:
    """Return Gauss-Legendre nodes and weights, (N,) each, between all edges above `low`."""
    kept = np.unique(edges)
    kept = kept[kept >= low]
    half = np.diff(kept) / 2
    x = (kept[1:] + kept[:-1])[:, None] / 2 + half[:, None] * _NODES
    return x.ravel(), (half[:, None] * _WEIGHTS).ravel()


def _largest(density: Array, log_below: Array, weight: Array) -> Array:
    """Return (K,) integrals of f_k times the other F_j, from (N, K) arrays on one grid."""
    others = log_below.sum(axis=1, keepdims=True) - log_below
    share: Array = weight @ (density * np.exp(others))
    share /= share.sum()
    return share


def gaussian_best(mean: Array, sd: Array) -> Array:
    """Return (K,): how likely a draw from each of K independent Gaussians is the largest.

    Parameters
    ----------
    mean, sd
        (K,); sd above 0.
    """
    from scipy.special import log_ndtr  # of processes that load this, not each computes it

    x, weight = _grid(mean[:, None] + sd[:, None] * _PANEL_EDGES, (mean - 5.6 * sd).max())
    z = (x[:, None] - mean) / sd
    density = np.exp(-0.5 * z * z) / (sd * np.sqrt(2.0 * np.pi))
    return _largest(density, log_ndtr(z), weight)


def shape_and_rate(mean: Array, sd: Array) -> tuple[Array, Array]:
    """Return shape and rate of the Gammas with these means and standard deviations, (K,) each."""
    mean = np.maximum(mean, _LOWEST_MEAN)
    shape = np.maximum((mean / sd) ** 2, _LOWEST_SHAPE)
    return shape, shape / mean


def gamma_best(shape: Array, rate: Array) -> Array:
    """Return (K,): how likely a draw from each of K independent Gammas is the largest.

    By integrating over log x, where a Gamma of any shape is smooth.

    Parameters
    ----------
    shape, rate
        (K,) above 0; a shape below 0.05 is integrated as 0.05 is.
    """
    from scipy import special  # as above

    edges = np.log(special.gammaincinv(shape[:, None], special.ndtr(_PANEL_EDGES)) / rate[:, None])
    x, weight = _grid(edges, edges[:, 0].max())
    scaled = np.exp(x)[:, None] * rate
    log_density = shape * np.log(scaled) - scaled - special.gammaln(shape)
    below = special.gammainc(shape, scaled)
    with np.errstate(divide="ignore"):
        log_below = np.maximum(np.log(below), -745.0)
    return _largest(np.exp(log_density), log_below, weight)
