"""The audience's truth: every take probability, and what policies would make of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.simulate.appeal import Appeal
from keyart.models.simulate.tastes import Tastes

KAPPA: Final = 1.0
"""Meeting a taste one standard deviation better takes e times as often: a choice, not a finding."""

FARTHEST: Final = 4.0
"""Affinity counts up to this many standard deviations, so taste moves a take at most 55 fold."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Which artwork belongs to which title: the artworks of a title are neighbours.

    Attributes
    ----------
    starts
        Shape (T + 1,): title i's artworks are starts[i] to starts[i + 1] - 1.
    """

    starts: IntArray

    @property
    def titles(self) -> int:
        """T."""
        return len(self.starts) - 1

    @property
    def title_of(self) -> IntArray:
        """Each artwork's title, shape (M,)."""
        return np.repeat(np.arange(self.titles), np.diff(self.starts))


@dataclass(frozen=True)
class Audience:
    """V viewers of T titles with M artworks. Tastes are simulated; levels and appeals are real.

    The take probability is

        p[v, k] = level[title of k] * relative[k] * exp(kappa z[v, k]) / mean_v exp(kappa z[v, k])

    where z is the affinity of viewer and artwork, less the artwork's mean over viewers, in standard
    deviations over all, and within `FARTHEST` of 0. The division keeps each artwork's mean over
    viewers at its real level, so taste moves takes between viewers and never adds any. Then p is
    bounded by 1.

    Parameters
    ----------
    catalogue
        The titles.
    appeal
        Levels and relative appeals from real tests.
    tastes
        The viewers' invented tastes.
    artworks
        Shape (M, H): what the audience sees in each artwork; not what keyart computes from it.
    kappa
        How much taste matters: one standard deviation of affinity multiplies a take by exp(kappa).
        One number, or one for each artwork, shape (M,).
    """

    catalogue: Catalogue
    appeal: Appeal
    tastes: Tastes
    artworks: FloatArray
    kappa: float | FloatArray = KAPPA

    @cached_property
    def takes(self) -> FloatArray:
        """The take probability of each viewer and artwork, shape (V, M)."""
        affinity = self.tastes.affinity(self.artworks)
        centred = affinity - affinity.mean(axis=0)
        scale = centred.std()
        z = np.clip(centred / (scale if scale > 0 else 1.0), -FARTHEST, FARTHEST)
        multiplier = np.exp(self.kappa * z)
        multiplier /= multiplier.mean(axis=0)
        plain = self.appeal.level[self.catalogue.title_of] * self.appeal.relative
        takes: FloatArray = np.minimum(plain * multiplier, 1.0)
        return takes

    @cached_property
    def best_fixed(self) -> IntArray:
        """For each title the artwork with the highest mean take over all viewers, shape (T,)."""
        best: IntArray = self._argmax(self.takes.mean(axis=0)[None])[0]
        return best

    @cached_property
    def best_for_each(self) -> IntArray:
        """For each viewer and title the artwork with the highest take, shape (V, T)."""
        return self._argmax(self.takes)

    def expected_take(self, chosen: IntArray) -> float:
        """Return the mean take over all viewers and titles of one artwork each.

        Parameters
        ----------
        chosen
            Artwork indices, shape (T,) or (V, T).
        """
        every = np.broadcast_to(chosen, (len(self.takes), self.catalogue.titles))
        return float(np.take_along_axis(self.takes, every, axis=1).mean())

    def expected_take_of(self, propensities: FloatArray) -> float:
        """Return the mean take of a policy that draws, over all viewers and titles.

        Parameters
        ----------
        propensities
            Shape (M,) or (V, M); sums to 1 within each title.
        """
        total = (self.takes * propensities).sum(axis=1).mean()
        return float(total / self.catalogue.titles)

    @cached_property
    def uniform(self) -> FloatArray:
        """The propensities of uniform choice, shape (M,)."""
        sizes = np.diff(self.catalogue.starts)
        return np.repeat(1 / sizes, sizes)

    def _argmax(self, values: FloatArray) -> IntArray:
        """Return for each row and title the artwork with the highest value, (N, M) -> (N, T)."""
        starts = self.catalogue.starts
        best = [
            start + values[:, start:stop].argmax(axis=1)
            for start, stop in zip(starts[:-1], starts[1:], strict=True)
        ]
        return np.stack(best, axis=1)
