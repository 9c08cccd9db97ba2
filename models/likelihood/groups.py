"""What opinions are worth by title group, where a group has enough evidence to say otherwise."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from keyart.models.likelihood.calibrate import Calibration, calibrate, log_likelihood
from keyart.models.likelihood.relative import Effects, relative_effects

Array = NDArray[np.float64]

LEAST_TITLES: Final = 30
LEAST_TAKES: Final = 500.0
LEAST_GAIN: Final = 4.0
"""Nats by which a group's own pair must beat everybody's on its takes: two for what any pair of
numbers gains by chance, and two more (Akaike's criterion with a margin)."""


class GroupWorth(Struct, frozen=True, kw_only=True):
    """What a group's titles say of opinions on everybody's scale.

    `factor` is the power on top of everybody's scale, `strength` the effective sample size in
    impressions, `gain` the log likelihood over everybody's pair, in nats, on so many `titles`.
    """

    factor: float
    strength: float
    gain: float
    titles: int


def worth_by_group(
    opinion: Array,
    spread: float,
    *,
    group: Sequence[str],
    title: NDArray[np.intp],
    impressions: Array,
    takes: Array,
) -> dict[str, GroupWorth]:
    """Return the groups that differ from the rest, by name; titles without a group ("") never do.

    Parameters
    ----------
    opinion
        (N,) held-out opinions on everybody's scale: log relative takes.
    spread
        Of what they miss, over all titles.
    group, title
        (N,) the title of each row, and that title's group.
    impressions, takes
        (N,) counts.
    """
    found: dict[str, GroupWorth] = {}
    labels = np.asarray(group)
    for name in sorted(set(group) - {""}):
        of = np.flatnonzero(labels == name)
        titles = len(np.unique(title[of]))
        if titles < LEAST_TITLES or takes[of].sum() < LEAST_TAKES:
            continue
        effects = relative_effects(title[of], impressions[of], takes[of])
        own = calibrate(opinion[of], effects)
        gain = _fit(own.scale * opinion[of], own.spread, effects) - _fit(
            opinion[of], spread, effects
        )
        if gain >= LEAST_GAIN:
            found[name] = _worth(own, gain, titles)
    return found


def _fit(opinion: Array, spread: float, effects: Effects) -> float:
    counts = effects.group, effects.expected, effects.takes
    return log_likelihood(opinion, spread, *counts, len(effects.level))


def _worth(own: Calibration, gain: float, titles: int) -> GroupWorth:
    return GroupWorth(
        factor=round(own.scale, 4),
        strength=round(own.strength, 1),
        gain=round(gain, 2),
        titles=titles,
    )
