"""Takes of an artwork whose own deviation is not known: Gamma-Poisson (negative binomial).

Takes R ~ Poisson(x theta), theta ~ Gamma(a, a), a = 1 / r^2 for a spread r of own deviations. Then

    log p(R | x) = log G(a + R) - log G(a) - R log a - (a + R) log(1 + x / a) + R log x - log R!

in three parts: `of_takes`, `of_expected`, and R log x, which who calls has in a cheaper form or as
a constant; log R! is one.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def of_takes(takes: Array, shape: Array | float) -> Array:
    """Return what does not depend on the expected takes: log G(a + R) - log G(a) - R log a.

    Parameters
    ----------
    takes
        R, at least 0; need not be whole.
    shape
        a, above 0; of a shape that broadcasts with the takes.
    """
    from scipy.special import gammaln  # of processes that load this, not each computes it

    found: Array = gammaln(shape + takes) - gammaln(shape) - takes * np.log(shape)
    return found


def of_expected(takes: Array, expected: Array, shape: Array | float) -> Array:
    """Return -(a + R) log(1 + x / a), of expected takes x, at least 0."""
    found: Array = -(shape + takes) * np.log1p(expected / shape)
    return found
