"""Thompson sampling whose propensities are integrals, never counts of draws."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number, word
from keyart.models.bandits.protocol import Floats, Page, even_argmax

MARGINALS = ("gaussian", "gamma")
_PANEL_EDGES = np.array([-5.6, -4.0, -2.5, -1.25, 0.0, 1.25, 2.5, 4.0, 5.6])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_LOWEST_SHAPE = 0.05
_LOWEST_MEAN = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Thompson(Bandit):
    """Each artwork as often as a draw from its belief is the largest (Thompson, 1933).

    Beliefs are independent given the shared terms, so P(k) = integral of f_k times the product of
    the other F_j over one dimension.

    Parameters
    ----------
    scale
        Factor on every standard deviation, above 0; 1 is Thompson's own, 0.5 explores less.
    marginals
        `gaussian`, or `gamma` with the same mean and spread, which never goes below zero.
    """

    name: ClassVar[str] = "thompson"
    scale: float = number(1.0, low_included=False)
    marginals: str = word("gaussian", MARGINALS)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): the probability that a draw from each belief is the largest."""
        out: Floats = even_argmax(page.mean, page.mask)
        sd = np.where(page.mask, page.sd, 0.0) * self.scale
        for row in np.flatnonzero((sd > 0.0).any(axis=1) & (page.mask.sum(axis=1) > 1)):
            live = page.mask[row]
            mean = page.mean[row, live].astype(np.float64)
            spread = sd[row, live].astype(np.float64)
            # a belief without any doubt is integrated as one with next to none
            spread = np.maximum(spread, 1e-6 * max(spread.max(), float(np.ptp(mean))))
            largest = _gaussian if self.marginals == "gaussian" else _gamma
            out[row, live] = largest(mean, spread)
        return out


def _grid(edges: Floats, low: float) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights, (N,) each, between all edges above `low`."""
    kept = np.unique(edges)
    kept = kept[kept >= low]
    half = np.diff(kept) / 2
    x = (kept[1:] + kept[:-1])[:, None] / 2 + half[:, None] * _NODES
    return x.ravel(), (half[:, None] * _WEIGHTS).ravel()


def _largest(density: Floats, log_below: Floats, weight: Floats) -> Floats:
    """Return (K,) integrals of f_k times the other F_j, from (N, K) arrays on one grid."""
    others = log_below.sum(axis=1, keepdims=True) - log_below
    share: Floats = weight @ (density * np.exp(others))
    share /= share.sum()
    return share


def _gaussian(mean: Floats, sd: Floats) -> Floats:
    x, weight = _grid(mean[:, None] + sd[:, None] * _PANEL_EDGES, (mean - 5.6 * sd).max())
    z = (x[:, None] - mean) / sd
    density = np.exp(-0.5 * z * z) / (sd * np.sqrt(2.0 * np.pi))
    return _largest(density, special.log_ndtr(z), weight)


def _gamma(mean: Floats, sd: Floats) -> Floats:
    """Return (K,) by integrating over log x, where a Gamma of any shape is smooth."""
    mean = np.maximum(mean, _LOWEST_MEAN)
    shape = np.maximum((mean / sd) ** 2, _LOWEST_SHAPE)
    rate = shape / mean
    edges = np.log(special.gammaincinv(shape[:, None], special.ndtr(_PANEL_EDGES)) / rate[:, None])
    x, weight = _grid(edges, edges[:, 0].max())
    scaled = np.exp(x)[:, None] * rate
    log_density = shape * np.log(scaled) - scaled - special.gammaln(shape)
    below = special.gammainc(shape, scaled)
    with np.errstate(divide="ignore"):
        log_below = np.maximum(np.log(below), -745.0)
    return _largest(np.exp(log_density), log_below, weight)
