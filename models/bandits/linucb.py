"""LinUCB with weights shared by all titles."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number
from keyart.models.bandits.protocol import Floats, Page, even_argmax


@dataclass(frozen=True, slots=True, kw_only=True)
class LinUCB(Bandit):
    """The largest w'x + alpha sqrt(x' V x), deterministic (Li et al., WWW 2010, algorithm 1).

    Linear in the features alone: what an artwork shows beyond its features it never learns, which
    is what makes it a baseline here. Weights and covariance are the shared posterior's, in relative
    take.

    Parameters
    ----------
    alpha
        Width of the confidence bound in standard deviations, at least 0.
    """

    name: ClassVar[str] = "linucb"
    alpha: float = number(1.0)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): all on the largest upper bound, ties split evenly."""
        index: Floats = page.features @ page.weights + self._width(page)
        return even_argmax(index, page.mask)

    def bonus(self, page: Page) -> Floats:
        """Return (T, K): the width of the bound, relative, of what level and prior expect."""
        added: Floats = page.prior_mean * self._width(page)
        return added

    @classmethod
    def reasons(cls) -> tuple[str, ...]:
        """Return what its features are made of."""
        return ("taste",)

    def _width(self, page: Page) -> Floats:
        x = page.features
        variance = np.maximum(((x @ page.weight_covariance) * x).sum(axis=2), 0.0)
        width: Floats = self.alpha * np.sqrt(variance)
        return width
