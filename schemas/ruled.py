"""What a site's rules did to a decision, and to a title's decisions together."""

from math import isfinite
from typing import Annotated, Final

from msgspec import Meta, Struct

from keyart.schemas.ids import LoggedName

MOST_MOVED: Final = 40
"""Of one decision: a title has no more artworks."""
NARROWED, BOUNDED, PINNED, DEFAULTED = KINDS = 1, 2, 4, 8
"""How: artworks were taken away, shares bounded, the choice pinned, or the default stood in."""


class Ruled(Struct, frozen=True, array_like=True):
    """What rules did to one decision, against what would have been without any.

    Parameters
    ----------
    how
        Sum of `KINDS`.
    changed
        The probability that another artwork was chosen than without rules: half the sum of
        differences between the two distributions, 0 to 1.
    artworks
        Of all that the title has, those whose probability rules moved.
    forgone
        Of each, (probability without rules - probability under them) x taste multiplier: the
        relative takes that were given up, below 0 where the rules gave some.
    """

    how: Annotated[int, Meta(ge=0, lt=16)]
    changed: Annotated[float, Meta(ge=0.0, le=1.0)]
    artworks: Annotated[tuple[LoggedName, ...], Meta(max_length=MOST_MOVED)] = ()
    forgone: Annotated[
        tuple[Annotated[float, Meta(ge=-100.0, le=100.0)], ...], Meta(max_length=MOST_MOVED)
    ] = ()

    @property
    def fits(self) -> bool:
        """Whether its fields fit each other."""
        return len(self.artworks) == len(self.forgone) and all(map(isfinite, self.forgone))


class RuledBucket(Struct, array_like=True):
    """The same of one title's impressions in one bucket of time, added up.

    Parameters
    ----------
    impressions
        Those whose decision a rule touched: of which the next four say how.
    changed
        Sum over them.
    forgone
        By artwork, sum over them of `forgone` x the title's level when it was decided: takes that
        were given up, where the artwork takes as much as the title does on the whole.
    """

    impressions: int = 0
    narrowed: int = 0
    bounded: int = 0
    pinned: int = 0
    defaulted: int = 0
    changed: float = 0.0
    forgone: dict[str, float] = {}

    def add(self, ruled: Ruled, level: float) -> None:
        """Add one impression's."""
        self.impressions += 1
        self.narrowed += bool(ruled.how & NARROWED)
        self.bounded += bool(ruled.how & BOUNDED)
        self.pinned += bool(ruled.how & PINNED)
        self.defaulted += bool(ruled.how & DEFAULTED)
        self.changed += ruled.changed
        for name, moved in zip(ruled.artworks, ruled.forgone, strict=True):
            self.forgone[name] = self.forgone.get(name, 0.0) + moved * level
