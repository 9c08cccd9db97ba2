"""LOLA: the prior as pseudo-impressions, trusted only where data does not deny it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.parameters import check_parameters, number
from keyart.models.bandits.protocol import Floats, Page, even_argmax, version_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Lola:
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

    def __post_init__(self) -> None:
        """Raise SettingsError when a parameter is out of its range."""
        check_parameters(self)

    @property
    def version(self) -> str:
        """Return the name and the digest of the parameters."""
        return version_of(self)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): all on the largest of the smaller bounds, ties split evenly."""
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
        return even_argmax(np.minimum(own, aided), page.mask)
