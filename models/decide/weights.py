"""The weights that all titles share: what taste, and what the prior says to a viewer, are worth."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from keyart.models.features import F32, FEATURES, PERSONAL, PERSONAL_SCALE
from keyart.models.posterior.shared import shared_matrices
from keyart.schemas.posterior import SharedSums

SPREAD: Final = 0.1
"""Standard deviation of each weight before any reward."""
LIKENESS: Final = {"long": 0.1, "best": 0.1}
"""Weights that are expected before any reward; all others but the prior's own are 0."""
FIRST_TRUST: Final = 0.6
"""How far what the prior says to a viewer is believed before any reward; 1 is word for word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Posterior of the weights shared by all titles: mean (D,) and covariance (D, D), float32.

    `rows` (1 + D, D) are the mean and, below it, a square root of the covariance: one product with
    features x gives w'x and numbers whose squares add up to x' V x.
    """

    weights: F32
    covariance: F32
    rows: F32 = field(init=False)

    def __post_init__(self) -> None:
        """Take the root; rounding may have left eigenvalues a little below zero."""
        values, vectors = np.linalg.eigh(self.covariance.astype(np.float64))
        root = (vectors * np.sqrt(np.maximum(values, 0.0))).T
        rows = np.vstack((self.weights[None], root)).astype(np.float32)
        object.__setattr__(self, "rows", rows)


def no_weights() -> Shared:
    """Return the shared weights before any reward.

    Until takes say otherwise, viewers are expected to like what is like what they took before, and
    what the prior expects of viewers like them. So a viewer with a past is met from the first page
    on; where taste does not matter, the weights go to 0 within a few hundred takes and nothing
    measurable is lost.
    """
    return learned_weights([], prior="")


def learned_weights(sums: Sequence[SharedSums], *, prior: str) -> Shared:
    """Return the posterior of a Bayesian linear regression on the sums of all lanes.

    What other priors said is a feature of its own, and integrated out.

    Parameters
    ----------
    prior
        The one that serves: whose word the last weight is for.
    """
    gram, moment, own = shared_matrices(sums, prior=prior, least=PERSONAL)
    start = np.zeros(len(moment))
    start[[FEATURES.index(name) for name in LIKENESS]] = list(LIKENESS.values())
    start[own:] = FIRST_TRUST / PERSONAL_SCALE
    precision = np.eye(len(moment)) / SPREAD**2
    covariance = np.linalg.inv(gram + precision)
    mean = covariance @ (moment + precision @ start)
    # sums written by a later keyart may have features that this one does not know
    kept = [*range(PERSONAL), own]
    return Shared(
        weights=mean[kept].astype(np.float32),
        covariance=covariance[np.ix_(kept, kept)].astype(np.float32),
    )
