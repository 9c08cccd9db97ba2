"""What made a lane's state: the settings, and from which offset on.

A lane's state is sums over what it has read, and settings say how: change one, and what is read
from then on is summed differently. So that a replay can do the same, a lane remembers its eras.
"""

from msgspec import Struct, structs

MOST_ERAS = 100
Value = str | int | float | bool


class Era(Struct, frozen=True, kw_only=True):
    """A stretch of the log that was read with the same settings.

    `offsets`: by topic, the last record that was read before; a topic that is absent had not been
    read at all. `known` is False for what was read before eras were kept.
    """

    settings: dict[str, Value]
    offsets: dict[str, str] = {}
    at_ms: int = 0
    known: bool = True


class Eras(Struct, frozen=True, kw_only=True):
    """All eras of a lane, the oldest first. `forgotten` counts those there is no room for."""

    eras: tuple[Era, ...] = ()
    forgotten: int = 0


def begun(held: Eras, era: Era) -> Eras:
    """Return the eras once the lane's owner reads as this one says; the same if nothing is new.

    What was read before eras were kept is taken to be of the first era that is known.
    """
    if not era.offsets:
        # nothing was read yet, so nothing was made with anything else
        held = Eras()
    elif not held.eras:
        return Eras(eras=(structs.replace(era, offsets={}, known=False),))
    if held.eras and held.eras[-1].settings == era.settings:
        return held
    eras = (*held.eras, era)
    forgotten = held.forgotten + max(0, len(eras) - MOST_ERAS)
    return Eras(eras=eras[-MOST_ERAS:], forgotten=forgotten)
