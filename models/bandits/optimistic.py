"""keyart's own policy, and its default: a little optimism and a little noise, each in own units."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number
from keyart.models.bandits.protocol import Floats, Mask, Page

GUMBEL_SCALE = float(np.sqrt(6.0) / np.pi)
"""Scale of a Gumbel variable with variance one."""
_NO_NOISE = 1e-9
"""Noise below this part of the largest index decides nothing but exact ties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimistic(Bandit):
    """The largest mean + sd c sqrt(log(t + 1)) + s d z, z Gumbel with unit variance.

    t counts the title's impressions, d is the mean of the title's sds, and z is independent for
    each artwork. The largest of values with Gumbel noise of one scale is a draw from their softmax
    (Luce 1959; Maddison, Tarlow and Minka, NeurIPS 2014), so the propensities are exact in closed
    form. On real headline tests it does as well as noise in proportion to each artwork's own sd,
    whose propensities are integrals (`keyart evaluate creatives`).

    Parameters
    ----------
    c
        Optimism, at least 0.
    s
        Noise, at least 0; 0 is deterministic, ties split evenly.
    """

    name: ClassVar[str] = "optimistic"
    c: float = number(0.6)
    s: float = number(0.12)

    def optimism(self, impressions: Floats) -> Floats:
        """Return (T,) c sqrt(log(t + 1)): standard deviations added to each mean of a title."""
        width: Floats = self.c * np.sqrt(np.log1p(impressions))
        return width

    def bonus(self, page: Page) -> Floats:
        """Return (T, K): the optimism of each artwork."""
        added: Floats = page.sd * self.optimism(page.impressions)[:, None]
        return added

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): how likely each artwork's index is the largest."""
        index = page.mean + self.bonus(page)
        return gumbel_largest(index, self.s * mean_sd(page.sd, page.mask), page.mask)


def mean_sd(sd: Floats, mask: Mask) -> Floats:
    """Return (T, 1) the mean standard deviation over each title's artworks, of (T, K)."""
    total: Floats = np.where(mask, sd, 0.0).sum(axis=1, keepdims=True)
    total /= mask.sum(axis=1, keepdims=True)
    return total


def gumbel_largest(location: Floats, sd: Floats, mask: Mask) -> Floats:
    """Return (T, K): how likely each location plus Gumbel noise is the largest of its row.

    Parameters
    ----------
    location
        (T, K); what the mask leaves out is arbitrary but finite.
    sd
        (T, 1) standard deviation of the noise, at least 0; with none, exact ties share evenly.
    mask
        (T, K), at least one True in each row.
    """
    held = np.where(mask, location, -np.inf)
    best = held.max(axis=1, keepdims=True)
    least = np.maximum(np.abs(best), np.finfo(held.dtype).tiny * 2.0**30) * _NO_NOISE
    held -= best
    held /= np.maximum(sd * GUMBEL_SCALE, least)
    np.exp(held, out=held)
    held /= held.sum(axis=1, keepdims=True)
    return held
