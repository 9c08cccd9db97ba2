"""Levels of title groups: how far the titles of a genre or a season are taken like one another.

The log level of title t of group g on a surface is m + d_g + e_t, with m of all titles,
d_g ~ N(0, tau^2) and e_t ~ N(0, s^2). What a title's own takes say of its level is y_t with a
variance of v_t, so y_t - m ~ N(d_g, v_t + s^2), and tau is found by expectation-maximisation: where
groups are alike it goes down, and with it every d_g.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDS: Final = 30
FIRST_SD: Final = 0.2
"""Standard deviation between groups that is assumed at first, worth `FIRST_GROUPS` groups."""
FIRST_GROUPS: Final = 2.0


def group_levels(
    level: Array, variance: Array, *, mean: Array, within: Array, group: NDArray[np.intp]
) -> Array:
    """Return (N,) by group how far its titles' log level is above that of all.

    Parameters
    ----------
    level, variance
        (T,) of the titles' log level as it is believed: mean and variance.
    mean, within
        (T,) mean and standard deviation that were assumed of it.
    group
        (T,) numbers, 0 and up.
    """
    assumed = 1.0 / within**2
    own = np.maximum(1.0 / variance - assumed, 0.0)
    # what the takes alone say: the assumption is taken out of the belief again
    says = np.where(own > 0.0, (level / variance - mean * assumed) / np.where(own > 0, own, 1), 0.0)
    weight = np.where(own > 0.0, own * assumed / (own + assumed), 0.0)
    return shrunk(says, weight, group)


def shrunk(says: Array, weight: Array, group: NDArray[np.intp]) -> Array:
    """Return (N,) means of groups, of titles that say so much with a precision of `weight`."""
    size = int(group.max(initial=-1)) + 1
    precision = np.bincount(group, weight, size)
    total = np.bincount(group, weight * says, size)
    some = precision > 0.0
    found, between = np.zeros(size), FIRST_SD**2
    if some.sum() < 2:
        return found
    total -= precision * (total.sum() / precision.sum())
    for _ in range(ROUNDS):
        sure = precision + 1.0 / between
        found = total / sure
        square = float((found**2 + 1.0 / sure)[some].sum())
        between = (FIRST_GROUPS * FIRST_SD**2 + square) / (FIRST_GROUPS + float(some.sum()))
    return np.where(some, found, 0.0)
