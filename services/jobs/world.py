"""Since when the world is as it is now: what serves has learned it, or a change was found since."""

from typing import Final

from keyart.streams.registry.moves import PROMOTE, PROPOSE
from keyart.streams.registry.registry import Registry

DRIFT: Final = "drift:"
"""How the reason of a retraining begins that a change of the world asked for."""


def world_of(registry: Registry, current: str) -> int:
    """Return the time (ms) from which on the world is as it is; 0: since the log began.

    What serves says since when it was to learn. A change that was found later, and answered with a
    version that was refused or went back, is in the registry as that version and why it was
    proposed: the world has not gone back with it. Whoever lets a version serve that was made after
    that, and learned from before it, has decided otherwise.

    Parameters
    ----------
    current
        The version that serves.
    """
    versions = {each.name: each for each in registry.versions()}
    serves = versions[current].since_ms if current in versions else 0
    changed_ms, found_at_ms = 0, 0
    for move in registry.moves():
        version = versions.get(move.to)
        if version is None:
            continue
        if move.act == PROPOSE and move.why.startswith(DRIFT):
            changed_ms, found_at_ms = version.since_ms, move.moved_at_ms
        elif (
            move.act == PROMOTE
            and version.made_at_ms > found_at_ms
            and version.since_ms < changed_ms
        ):
            changed_ms = 0
    return max(serves, changed_ms)
