"""The settings of the belief: what may be true of a title before its own takes are counted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import SettingsError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyper:
    """A grid of trusts and spreads, and how alike titles, groups and versions are.

    Parameters
    ----------
    trusts
        (Gr,) powers rho to which the prior's relative opinion may be raised: 1 is full trust, 0
        none, below 0 the opinion is upside down. Must hold 0 and 1.
    spreads
        (Gs,) standard deviations r > 0 of an artwork's own deviation (relative, 1 is the mean).
    stated_within
        Factor, above 1, to which a prior's statement of what it is worth is believed to be right.
    trust_kept, spread_kept
        Probability, 0 to 1, that a title has the trust (spread) of its group, and a group that of
        its prior's version; otherwise any other on the grid, evenly.
    first_trust
        Probability of trust 1 before any title has been seen; the rest is spread evenly.
    level_titles
        Weight, in titles, of the level that is assumed before any title has been seen.
    level_mean, level_sd
        That level: mean and standard deviation of the log of a title's take fraction.
    group_levels
        Whether titles of a group share how far their levels are above others'.
    """

    trusts: tuple[float, ...] = (-1.0, 0.0, 0.5, 1.0)
    spreads: tuple[float, ...] = (0.25, 0.45)
    stated_within: float = 2.0
    trust_kept: float = 0.95
    spread_kept: float = 0.9
    first_trust: float = 0.9
    level_titles: float = 5.0
    level_mean: float = float(np.log(0.02))
    level_sd: float = 1.0
    group_levels: bool = True

    def __post_init__(self) -> None:
        """Raise SettingsError when a value is out of its range."""
        if not {0.0, 1.0} <= set(self.trusts) and self.trusts != (0.0,):
            raise SettingsError(f"belief: trusts {self.trusts} must hold 0 and 1, or be only 0")
        if len(set(self.trusts)) != len(self.trusts) or len(set(self.spreads)) != len(self.spreads):
            raise SettingsError("belief: a trust or spread stands twice on its grid")
        if not self.spreads or min(self.spreads) <= 0.0:
            raise SettingsError(f"belief: spreads {self.spreads} must be above 0")
        for name in ("trust_kept", "spread_kept", "first_trust"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise SettingsError(f"belief: {name} is {getattr(self, name)}, must be in (0, 1]")
        if not self.stated_within > 1.0:
            raise SettingsError(f"belief: stated_within is {self.stated_within}, must be above 1")
        if not (self.level_sd > 0.0 and self.level_titles > 0.0):
            raise SettingsError("belief: level_sd and level_titles must be above 0")

    @property
    def shape(self) -> tuple[int, int]:
        """(Gr, Gs)."""
        return len(self.trusts), len(self.spreads)

    @property
    def size(self) -> int:
        """G = Gr Gs points; a point is trust index times Gs plus spread index."""
        return len(self.trusts) * len(self.spreads)

    def start(self) -> Array:
        """Return (G,) log probabilities of the points before any title has been seen."""
        trusts = np.asarray(self.trusts)
        others = max(len(trusts) - 1, 1)
        first = np.where(trusts == 1.0, self.first_trust, (1.0 - self.first_trust) / others)
        if len(trusts) == 1:
            first = np.ones(1)
        points = np.repeat(first, len(self.spreads)) / len(self.spreads)
        return np.asarray(np.log(np.maximum(points, 1e-12)), np.float64)

    def kernel(self) -> Array:
        """Return (G, G) probabilities of a child's point (column) given its parent's (row)."""
        kept = _kept(len(self.trusts), self.trust_kept)
        return np.asarray(np.kron(kept, _kept(len(self.spreads), self.spread_kept)), np.float64)


def _kept(size: int, stay: float) -> Array:
    if size == 1:
        return np.ones((1, 1))
    off = (1.0 - stay) / (size - 1)
    return np.asarray(np.full((size, size), off) + (stay - off) * np.eye(size), np.float64)
