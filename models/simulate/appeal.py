"""Levels and relative appeals from real tests, with their sampling noise taken out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from keyart.models.likelihood.gamma_poisson import of_expected, of_takes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """What tests of artworks say about them.

    Attributes
    ----------
    level
        Shape (T,): click-through of each title, all its artworks together; a probability.
    relative
        Shape (M,): each artwork's appeal over its title's level, shrunk; mean 1 within a title.
    spread
        The standard deviation r of true relative appeals, estimated over all titles.
    """

    level: FloatArray
    relative: FloatArray
    spread: float


def shrunk_appeal(
    impressions: NDArray[np.integer], clicks: NDArray[np.integer], title_of: IntArray
) -> Appeal:
    """Estimate levels and relative appeals by empirical Bayes.

    clicks_k ~ Poisson(L n_k theta_k) with theta_k ~ Gamma(1/r^2, 1/r^2), so the clicks are negative
    binomial; r is the one value that makes all of them likeliest, and an artwork's appeal is its
    posterior mean (1/r^2 + clicks_k) / (1/r^2 + L n_k). Observed rates would exaggerate: the best
    of five noisy rates is mostly lucky. Whatever spread the tests have beyond the artworks' own
    (the Upworthy archive fails its A/A check) is counted as appeal here.

    Parameters
    ----------
    impressions, clicks
        Shape (M,): how often each artwork was shown and clicked; at least 1 and 0.
    title_of
        Shape (M,): the index of each artwork's title, 0 to T - 1, every title present.
    """
    shown = impressions.astype(float)
    taken = clicks.astype(float)
    level = np.bincount(title_of, taken) / np.bincount(title_of, shown)
    level = np.maximum(level, 0.5 / np.bincount(title_of, shown))
    expected = level[title_of] * shown

    def surprise(log_spread: float) -> float:
        a = np.exp(-2 * log_spread)
        terms = of_takes(taken, a) + of_expected(taken, expected, a)
        return -float((terms + taken * np.log(expected)).sum())

    found = minimize_scalar(surprise, bounds=(np.log(0.01), np.log(2.0)), method="bounded")
    spread = float(np.exp(found.x))
    a = spread**-2
    relative = (a + taken) / (a + expected)
    mean = np.bincount(title_of, relative) / np.bincount(title_of)
    return Appeal(level=level, relative=relative / mean[title_of], spread=spread)
