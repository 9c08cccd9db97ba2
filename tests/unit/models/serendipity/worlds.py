"""Worlds with a structure that is known, drawn from a seed."""

import numpy as np

from keyart.models.serendipity.world import World, WorldBuilder

GROUPS = 12
EACH = 8


def groups_of(groups: int, each: int) -> WorldBuilder:
    """Return a world of titles alone, `t<group>-<at>`: a group shares two terms, and no other."""
    into = WorldBuilder()
    for group in range(groups):
        for at in range(each):
            into.said(f"t{group}-{at}", f"tag{group}")
            into.said(f"t{group}-{at}", f"also{group}")
    return into


def pairs_world(viewers: int = 240, *, seed: int = 0) -> World:
    """Return viewers who go from group g to g + 6 modulo 12 later, and to a popular group 0 or 1.

    Groups 2 to 5 are joined to 8 to 11; everybody passes by group 0.
    """
    rng = np.random.default_rng(seed)
    into = groups_of(GROUPS, EACH)
    for number in range(viewers):
        first = int(rng.integers(2, 6))
        way = [0, first, first, int(rng.integers(2, 6)), first + 6, first + 6]
        for time, group in enumerate(way):
            into.engaged(f"v{number}", f"t{group}-{rng.integers(EACH)}", float(time))
    return into.build()
