"""Levels of title groups: how far the titles of a genre or a season are taken like one another.

The log level of title t of group g on a surface is m + d_g + e_t, with m of all titles,
d_g ~ N(0, tau^2) and e_t ~ N(0, s^2). What a title's own takes say of its level is y_t with a
variance of v_t, so y_t - m ~ N(d_g, v_t + s^2), and tau is found by expectation-maximisation: where
groups are alike it goes down, and with it every d_g.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.belief.evidence import Evidence
from keyart.models.sums.arrays import Sums

Array = NDArray[np.float64]

ROUNDS: Final = 30
FIRST_SD: Final = 0.2
"""Standard deviation between groups that is assumed at first, worth `FIRST_GROUPS` groups."""
FIRST_GROUPS: Final = 2.0


def above_others(groups: Array | None, sums: Sums) -> Array:
    """Return (S, T) how far each title's log level is above others' by its group alone.

    Parameters
    ----------
    groups
        (S, N) of `told_of_groups`; a group that came since is like all others.
    """
    found = np.zeros((sums.takes.shape[2], len(sums.mask)))
    if groups is None or sums.group is None:
        return found
    known = sums.group < groups.shape[1]
    found[:, known] = groups[:, sums.group[known]]
    return found


def told_of_groups(
    evidence: Evidence, sums: Sums, level_mean: Array, level_sd: Array, above: Array
) -> Array | None:
    """Return (S, N) what titles say of their groups' levels, all points of the grid alike.

    Parameters
    ----------
    evidence
        Of titles beside their groups' level.
    level_mean, level_sd
        (V, S, G) what was assumed of that.
    above
        (S, T) the level of their groups that they stood beside.
    """
    if sums.group is None:
        return None
    shown = (sums.expected.sum(axis=1) > 0.0).T  # (S, T)
    level = evidence.log_level.mean(axis=1) + above
    mean = level_mean.mean(axis=2)[sums.version].T + above
    within = level_sd.mean(axis=2)[sums.version].T
    variance = evidence.level_variance.mean(axis=1)
    found = np.zeros((len(level), int(sums.group.max(initial=-1)) + 1))
    for surface, use in enumerate(shown):
        its = group_levels(
            level[surface, use],
            variance[surface, use],
            mean=mean[surface, use],
            within=within[surface, use],
            group=sums.group[use],
        )
        found[surface, : len(its)] = its
    return found


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
