"""Visits: who comes when, what they are offered, and what they do, on common random numbers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.services.demo.world import World

PAGE: Final = 40
"""Titles a visit is offered."""
BAIT: Final = 0.25
"""Clicks with a short play after them, as a share of quality plays."""
BAIT_MINUTES: Final = 0.5
LIKED: Final = 0.1
"""Quality plays that end in a like."""

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One viewer's visit.

    Attributes
    ----------
    number
        The running number of the visit.
    viewer
        Row of the viewer.
    titles
        Shape (P,): indices of the titles on the page, distinct.
    luck
        Shape (P,), in 0 to 1: a viewer takes a title if, and only if, luck < take probability of
        the artwork they see. The same number under every policy.
    uniform
        Shape (P,): the artwork (index over all) that the uniform policy shows.
    minutes
        Shape (P,): how long a quality play would last; at least 2.
    """

    number: int
    viewer: int
    titles: IntArray
    luck: FloatArray
    uniform: IntArray
    minutes: FloatArray


class Visits:
    """The sequence of visits of one seed: visit n is the same whoever asks, whenever.

    Every viewer comes once in each round of V visits, in an order of its own.
    """

    def __init__(self, world: World, *, seed: int, page: int = PAGE) -> None:
        self._viewers = len(world.viewers)
        self._starts = world.audience.catalogue.starts
        self._page = min(page, world.audience.catalogue.titles)
        self._seed = seed

    def __getitem__(self, number: int) -> Visit:
        """Return visit `number`, 0 or more."""
        turn, place = divmod(number, self._viewers)
        order = np.random.default_rng([self._seed, 2, turn]).permutation(self._viewers)
        rng = np.random.default_rng([self._seed, 3, number])
        titles = rng.choice(len(self._starts) - 1, self._page, replace=False)
        first, count = self._starts[titles], np.diff(self._starts)[titles]
        return Visit(
            number=number,
            viewer=int(order[place]),
            titles=titles,
            luck=rng.random(self._page),
            uniform=first + (rng.random(self._page) * count).astype(np.intp),
            minutes=2.0 + rng.exponential(20.0, self._page).clip(max=600.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a viewer does about one artwork on their screen.

    kind: `click`, `play` or `like`. minutes: of a play.
    """

    place: int
    kind: str
    minutes: float = 0.0


def acts(visit: Visit, takes: FloatArray) -> list[Act]:
    """Return what the viewer does, given the take probabilities (P,) of what is on the screen.

    A quality play is a click and a play of `minutes`. A little more luck than that is a click and a
    play too short to count: the artwork promised what the title does not hold.
    """
    done: list[Act] = []
    for place in np.flatnonzero(visit.luck < takes * (1 + BAIT)).tolist():
        luck, take = float(visit.luck[place]), float(takes[place])
        quality = luck < take
        minutes = float(visit.minutes[place]) if quality else BAIT_MINUTES
        done.append(Act(place=place, kind="click"))
        done.append(Act(place=place, kind="play", minutes=round(minutes, 2)))
        if luck < take * LIKED:
            done.append(Act(place=place, kind="like"))
    return done
