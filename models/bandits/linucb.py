"""LinUCB with weights shared by all titles."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.parameters import check_parameters, number
from keyart.models.bandits.protocol import Floats, Page, even_argmax, version_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LinUCB:
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

    def __post_init__(self) -> None:
        """Raise SettingsError when a parameter is out of its range."""
        check_parameters(self)

    @property
    def version(self) -> str:
        """Return the name and the digest of the parameters."""
        return version_of(self)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): all on the largest upper bound, ties split evenly."""
        x = page.features
        variance = np.maximum(((x @ page.weight_covariance) * x).sum(axis=2), 0.0)
        index: Floats = x @ page.weights + self.alpha * np.sqrt(variance)
        return even_argmax(index, page.mask)
