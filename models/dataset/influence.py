"""How much each reward of a log counts when something is fitted on it: nobody more than a share.

Serving bounds what comes within an hour; whoever fits on the whole log later needs bounds of its
own. A reward's weight, 0 to 1, is the product of

- a viewer's: of a title, and of the whole log, no viewer counts more than `viewer_share`, neither
  of the takes nor of the impressions, whatever they say;
- an hour's, and that of the new viewers of an hour: of a title, they move no artwork's takes or
  impressions by more than `hour_share` of what all others say, *where they say what the others do
  not* (the likelihood ratio of `sums/rates` at one in ten thousand, the title's level free by a
  factor of two). A plain bound would starve titles that live for an afternoon.

Weights are a function of sums by title, viewer and hour: no order of rewards moves them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.sums.rates import LEAST_TAKES, lucks

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

VIEWER_SHARE: Final = 0.01
HOUR_SHARE: Final = 0.05
MOST: Final = 5_000_000
LUCK: Final = 1e-4
"""So rarely would an hour that says the same as the others be taken for one that does not."""
LEVEL: Final = 2.0
"""In an hour a title's level may honestly be so many times higher or lower."""
LEAST: Final = 1.0
"""A viewer may always say so much: one impression, one take."""
ROUNDS: Final = 50
EXACT: Final = 0.01
"""A viewer's share is kept to so much of it."""
FEW: Final = 2.0
"""Of fewer viewers than `FEW` / share each has a share of `FEW` / their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What may teach.

    Parameters
    ----------
    viewer_share
        Of one viewer, above 0 to 1; 1: not bounded.
    hour_share
        Of an hour, and of the new viewers of an hour, that contradict the rest; 1: not bounded.
    hold_bursts
        Whether what serving held back of new viewers does not teach.
    half_life_ms
        Of serving's forgetting: what a burst contradicted depends on it.
    all_hours
        Whether an hour is bounded with all its viewers, or its new viewers alone: whoever looks for
        what changed must not leave out what contradicts the hours before.
    most
        Rewards of a longer log that are read: the newest.
    positions
        Whether exposures count by where on the page they stood (`models.dataset.places`).
    """

    viewer_share: float = VIEWER_SHARE
    hour_share: float = HOUR_SHARE
    hold_bursts: bool = True
    half_life_ms: float = 60 * 86_400_000.0
    all_hours: bool = True
    most: int = MOST
    positions: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """N rewards in numbers: (N,) each.

    Parameters
    ----------
    title, artwork
        Of all titles, and of all artworks: those of another title have other numbers.
    viewer
        -1 for those who were erased: who they were is not known, so nothing of theirs is bounded
        by viewer.
    hour
        In which it was shown.
    fresh
        Whether its viewer was first seen within an hour of it.
    shown, takes
        What was expected of it relative to others (the taste multiplier), and what came of it.
    """

    title: Numbers
    artwork: Numbers
    viewer: Numbers
    hour: Numbers
    fresh: NDArray[np.bool_]
    shown: Array
    takes: Array


def weights(told: Told, bounds: Bounds) -> Array:
    """Return (N,) what each reward counts, 0 to 1."""
    found = np.ones(len(told.title))
    if not len(found):
        return found
    if bounds.viewer_share < 1.0:
        known = np.flatnonzero(told.viewer >= 0)
        of_all = np.zeros(len(known), np.intp)
        # what one bound takes away makes the others' shares larger: until all hold
        for _ in range(ROUNDS):
            before = found.copy()
            for title in (told.title[known], of_all):
                found[known] *= _of_viewers(
                    title,
                    told.viewer[known],
                    (found * told.shown)[known],
                    (found * told.takes)[known],
                    bounds.viewer_share,
                )
            if (found >= (1.0 - EXACT) * before).all():
                break
    if bounds.hour_share < 1.0:
        every = [np.arange(len(found))] if bounds.all_hours else []
        for rows in (np.flatnonzero(told.fresh), *every):
            found[rows] *= _of_hours(told, found, rows, bounds.hour_share)
    return found


def _of_viewers(title: Numbers, viewer: Numbers, shown: Array, takes: Array, share: float) -> Array:
    """Return (N,) what each row of a viewer counts, so that none is above its share of a title."""
    if not len(title):
        return np.ones(0)
    _, group = np.unique(title * (int(viewer.max()) + 1) + viewer, return_inverse=True)
    owner = np.zeros(int(group.max()) + 1, np.intp)
    owner[group] = title
    its = np.maximum(share, FEW / np.bincount(owner)[owner])
    factor = np.ones(len(owner))
    for mass in (shown, takes):
        told = np.bincount(group, mass, len(owner)).astype(np.float64)
        cap = np.maximum(level_cap(owner, told, its), LEAST)
        factor = np.minimum(factor, np.minimum(1.0, cap / np.maximum(told, 1e-300)))
    return factor[group]


def level_cap(owner: Numbers, mass: Array, share: Array) -> Array:
    """Return (G,) the largest c with c <= share x sum of min(mass, c), over each owner's members.

    0 where there is none: of few members with different masses each is above a small share.

    Parameters
    ----------
    owner
        (G,) whose member each is.
    mass
        (G,) at least 0.
    share
        (G,) the same for all members of an owner.
    """
    order = np.lexsort((-mass, owner))
    owner, mass, share = owner[order], mass[order], share[order]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    at = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(owner)))
    above = np.cumsum(mass) - mass
    above -= above[starts][at]
    rest = np.add.reduceat(mass, starts)[at] - above
    rank = np.arange(len(owner)) - starts[at]
    left = 1.0 - share * rank
    cap = np.where(left > 0.0, share * rest / np.where(left > 0.0, left, 1.0), 0.0)
    # the largest `rank` members are at the cap, and the next one fits below it
    fits = (left > 0.0) & (cap >= mass)
    first = np.minimum.reduceat(np.where(fits, np.arange(len(owner)), len(owner)), starts)
    caps = np.where(first < len(owner), cap[np.minimum(first, len(owner) - 1)], 0.0)
    found = np.empty(len(owner))
    found[order] = caps[at]
    return found


def _of_hours(told: Told, counted: Array, rows: Numbers, share: float) -> Array:
    """Return what these rows count, by their title, hour and artwork, beside all that count."""
    found = np.ones(len(rows))
    if not len(rows):
        return found
    masses = (counted * told.takes, counted * told.shown)
    takes = np.bincount(told.title, masses[0])
    order = np.argsort(told.title[rows], kind="stable")
    names, starts = np.unique(told.title[rows][order], return_index=True)
    every = np.argsort(told.title, kind="stable")
    ends = np.searchsorted(told.title[every], names, side="right")
    begins = np.searchsorted(told.title[every], names)
    for title, its, low, high in zip(
        names.tolist(), np.split(order, starts[1:]), begins, ends, strict=True
    ):
        if takes[title] < LEAST_TAKES:
            continue
        whole = every[low:high]
        artworks, place = np.unique(told.artwork[whole], return_inverse=True)
        both = np.array(
            [np.bincount(place.ravel(), mass[whole], len(artworks)) for mass in masses],
            np.float64,
        )
        hours, hour = np.unique(told.hour[rows[its]], return_inverse=True)
        at = hour.ravel() * len(artworks) + np.searchsorted(artworks, told.artwork[rows[its]])
        shape = (len(hours), len(artworks))
        tables = np.stack(
            [
                np.bincount(at, mass[rows[its]], shape[0] * shape[1]).reshape(shape)
                for mass in masses
            ],
            axis=1,
        ).astype(np.float64)
        found[its] = hour_weights(both, tables, share).ravel()[at]
    return found


def hour_weights(whole: Array, hours: Array, share: float) -> Array:
    """Return (H, K) what of each hour counts, artwork by artwork.

    The one with the largest excess first: beside a flood everybody else seems to contradict.

    Parameters
    ----------
    whole
        (2, K) takes and impressions of a title by artwork.
    hours
        (H, 2, K) those of each hour; together at most `whole`.
    share
        An hour that contradicts the others counts for no more of either than this share.
    """
    whole, counted = whole.copy(), hours.copy()
    found = np.ones((len(hours), hours.shape[2]))
    odds = share / (1.0 - share)
    waiting = np.ones(len(hours), np.bool_)
    while waiting.any():
        others = np.maximum(whole - counted, 0.0)
        some = counted > 0.0
        part = np.where(some, np.minimum(1.0, odds * others / np.where(some, counted, 1.0)), 1.0)
        part = part.min(axis=1)
        asked = np.flatnonzero(waiting & (part.min(axis=1) < 1.0))
        asked = asked[lucks(others[asked], _at_level(others[asked], counted[asked])) < LUCK]
        if not len(asked):
            break
        worst = int(asked[np.argmin(part[asked].min(axis=1))])
        whole -= counted[worst] * (1.0 - part[worst])
        counted[worst] *= part[worst]
        found[worst] = part[worst]
        waiting[worst] = False
    return found


def _at_level(others: Array, hours: Array) -> Array:
    """Return the hours' tables with what was expected moved to their own level, within bounds."""
    rate = others[:, 0] / np.where(others[:, 1] > 0.0, others[:, 1], 1.0)
    told, expected = hours[:, 0].sum(axis=1), (hours[:, 1] * rate).sum(axis=1)
    level = np.where(expected > 0.0, told / np.where(expected > 0.0, expected, 1.0), LEVEL)
    level = np.clip(np.where(told + expected > 0.0, level, 1.0), 1.0 / LEVEL, LEVEL)
    return np.stack((hours[:, 0], hours[:, 1] * level[:, None]), axis=1)
