"""How sure a test is of its best option: the soft answer in place of a noisy winner."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import gamma

from keyart.models.likelihood.relative import OWN_VARIANCE

_GRID: Final = 2000


def chances_of_best(taken: ArrayLike, shown: ArrayLike) -> NDArray[np.float64]:
    """Return each option's posterior probability to have the test's highest take rate, (K,).

    An option's rate is the test's level times theta, theta ~ Gamma with mean 1 and variance
    `OWN_VARIANCE`: its posterior is Gamma(1 / v + takes, 1 / v + takes expected at the level). The
    probability is the integral of one density times the others' distributions, on a grid. Without
    a take every option is as likely as the others.

    Parameters
    ----------
    taken, shown
        (K,) takes and impressions, at least 0.
    """
    clicks, views = np.asarray(taken, np.float64), np.asarray(shown, np.float64)
    level = clicks.sum() / max(float(views.sum()), 1e-12)
    shape = 1 / OWN_VARIANCE + clicks
    rate = 1 / OWN_VARIANCE + level * views
    posterior: Any = gamma(shape[:, None], scale=1 / rate[:, None])
    low, high = posterior.ppf(1e-6).min(), posterior.ppf(1 - 1e-6).max()
    grid = np.linspace(low, high, _GRID)
    density, below = posterior.pdf(grid), np.maximum(posterior.cdf(grid), 1e-300)
    others = np.exp(np.log(below).sum(axis=0) - np.log(below))
    found = np.trapezoid(density * others, grid, axis=1)
    chances: NDArray[np.float64] = found / found.sum()
    return chances
