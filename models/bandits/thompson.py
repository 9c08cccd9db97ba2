"""Thompson sampling whose propensities are integrals, never counts of draws."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number, word
from keyart.models.bandits.protocol import Floats, Page, even_argmax
from keyart.models.likelihood.best import gamma_best, gaussian_best, shape_and_rate

MARGINALS = ("gaussian", "gamma")


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
            out[row, live] = (
                gaussian_best(mean, spread)
                if self.marginals == "gaussian"
                else gamma_best(*shape_and_rate(mean, spread))
            )
        return out
