"""The title's default artwork, always: what a site would show without keyart."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.protocol import Floats, Page
from keyart.schemas.decisions import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdback(Bandit):
    """Each title's default artwork, which stands first: the control for all that keyart does."""

    name: ClassVar[str] = "holdback"

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): 1 on the first artwork that the mask allows."""
        shares: Floats = np.zeros(page.mask.shape, page.mean.dtype)
        shares[np.arange(len(shares)), page.mask.argmax(axis=1)] = 1.0
        return shares

    @classmethod
    def why(cls, terms: Terms, count: int) -> str:
        """Say that nothing was chosen."""
        return "The title's default artwork: this viewer is held back from choices, to compare."
