"""How likely two sets of rewards would differ so much if their rates were the same."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

Array = NDArray[np.float64]

LEAST_TAKES: Final = 10.0
"""With fewer takes nothing is known that anybody could contradict."""


def luck(settled: Array, said: Array) -> float:
    """Return the p-value of `said` under the rates of `settled`, 0 to 1.

    Artwork by artwork, as two Poisson rates: the two-sample likelihood ratio (Wilks 1938).

    Parameters
    ----------
    settled, said
        (2, K) rewards, and what was expected of them, by artwork.

    Returns
    -------
    float
        1 where too little is settled to tell.
    """
    if settled[0].sum() < LEAST_TAKES:
        return 1.0
    compared = (said[1] > 0.0) & (settled[1] > 0.0)
    if not compared.any():
        return 1.0
    takes, shown = said[:, compared]
    known, stood = settled[:, compared]
    both = (takes + known) / (shown + stood)
    ratio = (_log_times(takes, shown, both) + _log_times(known, stood, both)).sum()
    return float(chdtrc(int(compared.sum()), 2.0 * max(ratio, 0.0)))


def lucks(settled: Array, said: Array) -> Array:
    """Return (G,) `luck` of G pairs of tables, (G, 2, K) each, at once."""
    compared = (said[:, 1] > 0.0) & (settled[:, 1] > 0.0)
    # what is not compared says nothing: no takes of one impression on both sides
    takes, known = (np.where(compared, each[:, 0], 0.0) for each in (said, settled))
    shown, stood = (np.where(compared, each[:, 1], 1.0) for each in (said, settled))
    both = (takes + known) / (shown + stood)
    ratio = _log_times(takes, shown, both) + _log_times(known, stood, both)
    ratio = np.where(compared, ratio, 0.0).sum(axis=1)
    free = compared.sum(axis=1)
    told = (settled[:, 0].sum(axis=1) >= LEAST_TAKES) & (free > 0)
    return np.where(told, chdtrc(np.maximum(free, 1), 2.0 * np.maximum(ratio, 0.0)), 1.0)


def _log_times(takes: Array, shown: Array, rate: Array) -> Array:
    """Return takes log(own rate / rate), and the difference of what was expected."""
    expected = shown * rate
    some = takes > 0.0
    log = np.log(np.where(some, takes, 1.0) / np.where(some, expected, 1.0))
    return np.asarray(takes * log - takes + expected)
