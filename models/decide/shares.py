"""Bounds on shares: the distribution nearest to the policy's that keeps them, and its draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats, Indices, Mask, choose, uniform_propensities
from keyart.schemas.rules import Rules

_FLOOR: Final = 1e-12
"""Of a policy's propensity, where a bound must be met by artworks that it would never choose."""
_HALVINGS: Final = 64


def bounds(rules: Rules | None) -> bool:
    """Whether rules bound an artwork's share."""
    return rules is not None and bool(rules.pin or rules.least or rules.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on the shares of T titles with up to K candidates.

    Parameters
    ----------
    pin
        (T, K) share that is pinned, 0 for none.
    least, until
        (T, K) the lower bound, while effective impressions are below `until`.
    most
        (T, K) the upper bound, 1 for none.
    """

    pin: NDArray[np.float64]
    least: NDArray[np.float64]
    until: NDArray[np.float64]
    most: NDArray[np.float64]

    @classmethod
    def of(cls, titles: Sequence[Sequence[Rules | None]], width: int) -> "Limits | None":
        """Return the limits by the candidates' rules, padded to so many; None for none."""
        if not any(bounds(rules) for each in titles for rules in each):
            return None
        shape = (len(titles), width)
        pin, least, until = (np.zeros(shape) for _ in range(3))
        most = np.ones(shape)
        for at, title in enumerate(titles):
            for place, rules in enumerate(title):
                if rules is None:
                    continue
                if rules.pin:
                    pin[at, place] = rules.pin.share
                if rules.least:
                    least[at, place] = rules.least.share
                    until[at, place] = rules.least.impressions
                if rules.most is not None:
                    most[at, place] = rules.most
        return cls(pin=pin, least=least, until=until, most=most)


class Shares(NamedTuple):
    """The distribution that is drawn from, and its parts.

    Parameters
    ----------
    propensities
        (T, K) `pin + (1 - pinned) (explore x even + (1 - explore) own)`; rows sum to one.
    own
        (T, K) the policy's, within the bounds.
    pin
        (T, K) of the whole.
    pinned
        (T,) share that is pinned.
    explore
        (T,) share of the rest that is drawn evenly.
    free
        (T,) whether lower and upper bounds changed nothing.
    """

    propensities: Floats
    own: Floats
    pin: Floats
    pinned: Floats
    explore: Floats
    free: NDArray[np.bool_]


def bounded(own: Floats, mask: Mask, seen: Floats, limits: Limits, explore_share: float) -> Shares:
    """Return the policy's distribution within the limits.

    Pins that together are more than all are scaled to all. Bounds are of what is not pinned, with
    its uniform exploration; where exploration alone would break a ceiling there is none of it.
    Lower bounds that together are more than all give way in proportion, and so do ceilings that
    together leave less than all.

    Parameters
    ----------
    own
        (T, K) of the policy; rows sum to one.
    mask
        (T, K) candidates.
    seen
        (T, K) effective impressions.
    explore_share
        0 to 1.
    """
    count = mask.sum(axis=1, keepdims=True).astype(np.float64)
    pin = limits.pin * mask
    pin /= np.maximum(1.0, pin.sum(axis=1, keepdims=True))
    pinned = pin.sum(axis=1)
    high = np.where(mask, limits.most, 0.0)
    high /= np.minimum(1.0, high.sum(axis=1, keepdims=True))
    low = np.where(mask & (seen < limits.until), limits.least, 0.0)
    low = np.minimum(low / np.maximum(1.0, low.sum(axis=1, keepdims=True)), high)
    even = explore_share / count
    explore = np.where((np.where(mask, high, 1.0) < even).any(axis=1), 0.0, explore_share)[:, None]
    rest = np.maximum(1.0 - explore, _FLOOR)
    given = np.where(mask, own, 0.0).astype(np.float64)
    least, most = (np.clip((bound - explore / count) / rest, 0.0, 1.0) for bound in (low, high))
    free = ((least <= given) & (given <= np.where(mask, most, 0.0))).all(axis=1)
    inner = given.copy()
    if not free.all():
        inner[~free] = within(given[~free], mask[~free], least[~free], most[~free])
    mixed = explore * mask / count + (1.0 - explore) * inner
    propensities = pin + (1.0 - pinned)[:, None] * mixed
    propensities /= propensities.sum(axis=1, keepdims=True)
    free &= explore[:, 0] == explore_share
    return Shares(propensities, inner, pin, pinned, explore[:, 0], free)


def draw(
    shares: Shares, mask: Mask, uniform: Floats, coin: Floats
) -> tuple[Indices, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (T,) choices, whether each was explored, and whether it was pinned.

    Parameters
    ----------
    uniform, coin
        (T,) independent, in [0, 1): the coin says which part is drawn from.
    """
    pinned = coin < shares.pinned
    left = np.where(pinned, 1.0, 1.0 - shares.pinned)
    explored = ~pinned & ((coin - shares.pinned) / left < shares.explore)
    even = uniform_propensities(mask)
    whole = np.where(shares.pinned > 0.0, shares.pinned, 1.0)[:, None]
    part = np.where(
        pinned[:, None], shares.pin / whole, np.where(explored[:, None], even, shares.own)
    )
    return choose(part, uniform), explored, pinned


def within(own: Floats, mask: Mask, low: Floats, high: Floats) -> Floats:
    """Return the distribution nearest to `own` with every share between `low` and `high`.

    Nearest in Kullback-Leibler divergence: each share is c x its own, clipped to its bounds, with
    one c per title (the I-projection on a box; Csiszar, 1975). All are (T, K); lower bounds sum to
    one at most, upper ones to one at least.
    """
    # artworks that the policy would never choose have a part only where the others may not fill it
    fills = np.where(own > 0.0, high, low).sum(axis=1, keepdims=True) >= 1.0
    held = np.where(mask & ~fills, np.maximum(own, _FLOOR), np.where(mask, own, 0.0))
    # c by halving its logarithm: the sum of the clipped shares grows with it
    below, above = (np.full((len(held), 1), sign * np.log(2.0 / _FLOOR)) for sign in (-1.0, 1.0))
    for _ in range(_HALVINGS):
        middle = (below + above) / 2.0
        short = np.clip(np.exp(middle) * held, low, high).sum(axis=1, keepdims=True) < 1.0
        below, above = np.where(short, middle, below), np.where(short, above, middle)
    scaled = np.exp(above) * held
    found = np.clip(scaled, low, high)
    free = mask & (scaled > low) & (scaled < high)
    # what is not at a bound makes up what is missing, exactly
    missing = 1.0 - np.where(free, 0.0, found).sum(axis=1, keepdims=True)
    inside = np.where(free, held, 0.0).sum(axis=1, keepdims=True)
    exact = held * missing / np.where(inside > 0.0, inside, 1.0)
    shares: Floats = np.where(free, np.clip(exact, low, high), found)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares
