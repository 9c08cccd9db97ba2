"""What each policy made of the same visits, with intervals."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from keyart.models.simulate import Catalogue
from keyart.models.statistics.bootstrap import LEVEL, Worlds
from keyart.services.demo.loop.figures import Decided, Phase
from keyart.services.demo.serendipity import Proposals

POLICIES: Final = ("keyart", "uniform", "best fixed artwork in hindsight")
KEYART, UNIFORM, BEST_FIXED = range(3)
RESAMPLES: Final = 4000

FloatArray = NDArray[np.float64]


class PolicyFigures(Struct, frozen=True, kw_only=True):
    """One policy's take fraction with its 95 % interval."""

    name: str
    impressions: int
    quality_plays: int
    take_fraction: float
    low: float
    high: float


class Lift(Struct, frozen=True, kw_only=True):
    """By how many per cent keyart is above uniform, with its 95 % interval, paired."""

    percent: float
    low: float
    high: float


class Figures(Struct, frozen=True, kw_only=True):
    """What `keyart demo --json` writes.

    `gap_to_best_fixed_closed`: (keyart - uniform) / (best fixed - uniform); above 1, keyart beats
    every choice that is the same for all viewers. None where the best fixed is not above uniform.
    `loop` and `gate`: what the loop came to, unless it was left out; `serendipity`: what came of
    proposals, the same.
    """

    policies: tuple[PolicyFigures, ...]
    over_uniform: Lift
    gap_to_best_fixed_closed: float | None
    loop: tuple[Phase, ...] = ()
    gate: tuple[Decided, ...] = ()
    serendipity: Proposals | None = None


@dataclass(slots=True)
class Tally:
    """Impressions and quality plays of every viewer under every policy. One writer at a time.

    Attributes
    ----------
    shown
        Shape (V,): impressions, the same under all policies.
    taken
        Shape (3, V): quality plays, by policy.
    expected
        Shape (3,): sums of the true take probabilities of what was shown, by policy: quality plays
        without their luck.
    degraded
        How many pages were answered with less than all that is known, by what was missing.
    would_have
        Shape (M,): quality plays that each artwork would have had, shown on every page its title
        was on, by the same luck.
    """

    viewers: int
    catalogue: Catalogue
    degraded: Counter[str] = field(init=False, default_factory=Counter)
    shown: NDArray[np.int64] = field(init=False)
    taken: NDArray[np.int64] = field(init=False)
    expected: FloatArray = field(init=False)
    would_have: NDArray[np.int64] = field(init=False)
    _title_of: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        """Start from nothing."""
        self.shown = np.zeros(self.viewers, np.int64)
        self.taken = np.zeros((len(POLICIES), self.viewers), np.int64)
        self.expected = np.zeros(len(POLICIES))
        self._title_of = self.catalogue.title_of
        self.would_have = np.zeros(len(self._title_of), np.int64)

    def add(self, viewer: int, luck: FloatArray, takes: FloatArray) -> None:
        """Add one visit: luck (P,), and take probabilities under each policy, (3, P)."""
        self.shown[viewer] += len(luck)
        self.taken[:, viewer] += (luck < takes).sum(axis=1)
        self.expected += takes.sum(axis=1)

    def add_all(self, titles: NDArray[np.intp], luck: FloatArray, takes: FloatArray) -> None:
        """Add what each artwork (M,) of these titles (P,) would have had by this luck (P,)."""
        needed = np.full(self.catalogue.titles, np.inf)
        needed[titles] = luck
        self.would_have += needed[self._title_of] < takes

    @property
    def best_fixed_as_it_came(self) -> float:
        """The take fraction of the artworks that turned out best in these very visits.

        It is above the best fixed artworks' by truth, because it is chosen by luck that nobody
        could know; the more visits, the less.
        """
        best = np.maximum.reduceat(self.would_have, self.catalogue.starts[:-1])
        return float(best.sum()) / max(int(self.shown.sum()), 1)

    @property
    def fractions(self) -> FloatArray:
        """The take fractions, shape (3,)."""
        fractions: FloatArray = self.taken.sum(axis=1) / max(int(self.shown.sum()), 1)
        return fractions

    def figures(self, *, seed: int) -> Figures:
        """Return the figures with intervals.

        The bootstrap draws viewers, not impressions, because a viewer's impressions hang together;
        each draw takes the same viewers under every policy, so differences are paired.
        """
        worlds = Worlds(self.viewers, seed=[seed, 4], draws=RESAMPLES)
        shown = np.maximum(worlds.totals(self.shown), 1.0)
        fractions = (worlds.totals(self.taken) / shown).T  # (RESAMPLES, 3)
        tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        low, high = np.quantile(fractions, tails, axis=0)
        uniform = np.maximum(fractions[:, UNIFORM], 1 / shown)
        lifts = np.quantile(100 * (fractions[:, KEYART] / uniform - 1), tails)
        now = self.fractions
        gap = float(now[BEST_FIXED] - now[UNIFORM])
        base = max(float(now[UNIFORM]), 1 / max(int(self.shown.sum()), 1))
        return Figures(
            policies=tuple(
                PolicyFigures(
                    name=name,
                    impressions=int(self.shown.sum()),
                    quality_plays=int(self.taken[at].sum()),
                    take_fraction=float(now[at]),
                    low=float(low[at]),
                    high=float(high[at]),
                )
                for at, name in enumerate(POLICIES)
            ),
            over_uniform=Lift(
                percent=100 * (float(now[KEYART]) / base - 1),
                low=float(lifts[0]),
                high=float(lifts[1]),
            ),
            gap_to_best_fixed_closed=float(now[KEYART] - now[UNIFORM]) / gap if gap > 0 else None,
        )
