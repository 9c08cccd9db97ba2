"""The prior that has no opinion: the control against which every other is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keyart.models.priors.protocol import Candidate, Relative


@dataclass(frozen=True, slots=True)
class NeutralPrior:
    """Expects every artwork of a title to do as well as the others; that is worth nothing."""

    @property
    def version(self) -> str:
        """Return the name; there is nothing to digest."""
        return "neutral"

    def opinion(
        self, title: str, artworks: Sequence[Candidate], segment: str | None = None
    ) -> Relative:
        """Return zeros, of strength 0."""
        return Relative(log_relative=np.zeros(len(artworks)), strength=0.0)
