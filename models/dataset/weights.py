"""Inverse-propensity weights, clipped and self-normalised."""

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord


def inverse_propensity(
    propensities: NDArray[np.float64], values: NDArray[np.float64], *, clip: float
) -> NDArray[np.float64]:
    """Return weights value * min(1 / propensity, clip), scaled to mean 1. Shape (N,) each.

    The clip bounds the variance that one rare, lucky choice can bring (Ionides 2008); dividing by
    the mean is the self-normalised estimator's scale (Swaminathan and Joachims 2015), so that the
    learning rate does not depend on how the log was made.

    Raises
    ------
    InvalidRecord
        A propensity is not in (0, 1].
    """
    if propensities.size == 0:
        return np.zeros(0)
    if not np.all((propensities > 0) & (propensities <= 1)):
        raise InvalidRecord("a chosen artwork's propensity must be above 0 and at most 1")
    weights = values * np.minimum(1.0 / propensities, clip)
    total = float(weights.sum())
    return weights * (weights.size / total) if total > 0 else weights


def effective_size(weights: NDArray[np.float64]) -> float:
    """Return Kish's effective sample size (sum w)^2 / sum w^2; 0 for no weight."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
