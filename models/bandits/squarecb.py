"""SquareCB: inverse-gap weighting."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number
from keyart.models.bandits.protocol import Floats, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareCB(Bandit):
    """Probability 1 / (K + gamma gap) for all but the best (Foster and Rakhlin, ICML 2020, eq. 4).

    The gap is relative, (best mean - mean) / best mean, because effects are; gamma grows as
    `scale` (1 + t)^`exponent` with the title's impressions t, as in Vowpal Wabbit.

    Parameters
    ----------
    scale
        At least 0.
    exponent
        In 0 to 1.
    """

    name: ClassVar[str] = "squarecb"
    scale: float = number(10.0)
    exponent: float = number(0.25, high=1.0)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): inverse gaps, the best artwork taking what is left."""
        held = np.where(page.mask, page.mean, -np.inf)
        best = held.argmax(axis=1)
        rows = np.arange(len(best))
        top = page.mean[rows, best][:, None]
        gamma = self.scale * (1.0 + page.impressions[:, None]) ** self.exponent
        gap = (top - page.mean) / np.maximum(top, np.finfo(top.dtype).tiny)
        shares: Floats = page.mask / (page.counts + gamma * np.maximum(gap, 0.0))
        shares[rows, best] = 0.0
        shares[rows, best] = 1.0 - shares.sum(axis=1)
        return shares.astype(page.mean.dtype, copy=False)
