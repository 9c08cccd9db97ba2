"""LOLA: the prior as pseudo-impressions, trusted only where data does not deny it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number
from keyart.models.bandits.protocol import Floats, Page, even_argmax


@dataclass(frozen=True, slots=True, kw_only=True)
class Lola(Bandit):
    """The largest min(U1, U2), deterministic (LOLA, Marketing Science 2025).

    U1 = c / n + a sqrt(log t / n) is the bound without the prior, U2 = (c + mu n_aux) / (n + n_aux)
    + a sqrt(log t / (n + n_aux)) the bound with it, where n_aux is the page's prior strength and t
    counts the title's impressions.

    Parameters
    ----------
    a
        Width of the bound, at least 0; 0.08 in the paper.
    strength
        n_aux for every title; 0 takes each title's own from the page.
    """

    name: ClassVar[str] = "lola"
    a: float = number(0.08)
    strength: float = number(0.0)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): all on the largest of the smaller bounds, ties split evenly."""
        return even_argmax(self._index(page), page.mask)

    def bonus(self, page: Page) -> Floats:
        """Return (T, K): how far the bound lies above what is expected; 0 where it lies below.

        Where neither a prior nor an impression bounds it, what is missing to a certain take.
        """
        added: Floats = np.maximum(np.minimum(self._index(page), 1.0) - page.mean, 0.0)
        return added

    @classmethod
    def reasons(cls) -> tuple[str, ...]:
        """Return what its bounds are made of; it looks at no viewer."""
        return ("prior", "own")

    def _index(self, page: Page) -> Floats:
        n, c = page.seen, page.taken
        aux = self.strength if self.strength > 0.0 else page.prior_strength
        log_t = np.log(np.maximum(page.impressions, 1.0))[:, None]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            own = np.where(n > 0.0, c / n + self.a * np.sqrt(log_t / n), np.inf)
            both = n + aux
            aided = np.where(
                both > 0.0,
                (c + page.prior_mean * aux) / both + self.a * np.sqrt(log_t / both),
                np.inf,
            )
        smaller: Floats = np.minimum(own, aided)
        return smaller
