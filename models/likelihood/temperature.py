"""One number that makes option probabilities honest: the temperature (Guo et al. 2017)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar


def fit_temperature(
    probabilities: Sequence[NDArray[np.float64]],
    answers: Sequence[int],
    weights: Sequence[float],
    *,
    low: float = 0.05,
    high: float = 20.0,
) -> float:
    """Return the temperature with the highest weighted likelihood of the answers; 1 for none.

    Parameters
    ----------
    probabilities
        (K_i,) of each example, averaged over shuffles.
    answers, weights
        The option that worked, and what the example weighs.
    low, high
        Bounds of the temperature; at `high` the opinion is all but uniform.
    """
    if not answers:
        return 1.0
    width = max(each.size for each in probabilities)
    logs = np.full((len(answers), width), -np.inf)
    for at, each in enumerate(probabilities):
        logs[at, : each.size] = np.log(np.maximum(each, 1e-12))
    rows = np.arange(len(answers))
    weight = np.asarray(weights, np.float64)

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        top = scaled.max(axis=1)
        normal = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(weight @ (normal - scaled[rows, np.asarray(answers)]))

    found = minimize_scalar(loss, bounds=(np.log(low), np.log(high)), method="bounded")
    return round(float(np.exp(found.x)), 4)


def tempered(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return p^(1/temperature), normalised; (K,)."""
    logs = np.log(np.maximum(probabilities, 1e-12)) / temperature
    weights = np.exp(logs - logs.max())
    result: NDArray[np.float64] = weights / weights.sum()
    return result
