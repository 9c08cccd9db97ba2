"""From logged counts to relative effects: what a prior is fitted on and judged by."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

OWN_VARIANCE = 0.05
"""Variance of an artwork's relative take that no text explains, beside the noise of its takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Relative takes of N artworks within G titles.

    Parameters
    ----------
    group
        (N,) the artwork's title, 0 to G - 1.
    effect
        (N,) take fraction over its title's, less 1, so that the weighted mean of a title is 0.
    weight
        (N,) precision of the effect: inverse of the takes' sampling variance plus `OWN_VARIANCE`;
        0 where the title has no take.
    takes
        (N,) the takes.
    expected
        (N,) takes there would be at the title's take fraction.
    level
        (G,) take fraction of the title.
    """

    group: Numbers
    effect: Array
    weight: Array
    takes: Array
    expected: Array
    level: Array

    def centre(self, values: Array) -> Array:
        """Return the (N,) or (N, D) values less their title's weighted mean."""
        return values - self.mean(values)[self.group]

    def mean(self, values: Array) -> Array:
        """Return the (G,) or (G, D) weighted means of the titles."""
        total = np.bincount(self.group, self.weight, len(self.level))
        total[total == 0.0] = 1.0
        if values.ndim == 1:
            return np.bincount(self.group, self.weight * values, len(self.level)) / total
        order = np.argsort(self.group, kind="stable")
        starts = np.searchsorted(self.group[order], np.arange(len(self.level)))
        weighted = (self.weight[:, None] * values)[order]
        return np.add.reduceat(weighted, starts, axis=0) / total[:, None]


def relative_effects(group: Numbers, impressions: Array, takes: Array) -> Effects:
    """Return the relative effects of logged counts.

    Parameters
    ----------
    group
        (N,) any whole numbers that name titles.
    impressions, takes
        (N,) at least 0. Impressions may be expected relative takes, sums of taste multipliers, and
        so be below the takes of an artwork that was shown once and taken.

    Raises
    ------
    InvalidRecord
        Lengths differ, a count is negative or not finite, something was taken that was not shown,
        or there is no take at all.
    """
    group, impressions, takes = np.asarray(group), np.asarray(impressions), np.asarray(takes)
    if not group.shape == impressions.shape == takes.shape or group.ndim != 1:
        raise InvalidRecord("group, impressions and takes must be of one length")
    if not (np.isfinite(impressions).all() and np.isfinite(takes).all()):
        raise InvalidRecord("impressions and takes must be finite")
    if (takes < 0).any() or (impressions < 0).any():
        raise InvalidRecord("impressions and takes must be at least 0")
    if ((takes > 0) & (impressions <= 0)).any():
        raise InvalidRecord("a take needs an impression")
    if not takes.sum() > 0:
        raise InvalidRecord("there is no take to learn from")
    names, number = np.unique(group, return_inverse=True)
    shown = np.bincount(number, impressions, len(names))
    level = np.bincount(number, takes, len(names)) / np.maximum(shown, 1e-12)
    expected = level[number] * impressions
    known = expected > 0.0
    safe = np.where(known, expected, 1.0)
    effect = np.where(known, takes / safe - 1.0, 0.0)
    weight = np.where(known, 1.0 / (1.0 / safe + OWN_VARIANCE), 0.0)
    whole = Effects(
        group=number, effect=effect, weight=weight, takes=takes, expected=expected, level=level
    )
    return replace(whole, effect=whole.centre(effect))
