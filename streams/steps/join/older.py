"""Join state as it was kept until decisions had ids of their own, taken over once.

Then one family held both decisions, by their ids, and viewers, by `v:` and their pseudonyms, and
an event that named a viewer in place of a decision stopped the lane for good.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.events import TitleEvent
from keyart.schemas.ids import is_decision_id
from keyart.schemas.rewards import Reward
from keyart.streams.steps.effects import Wanted
from keyart.streams.steps.join.rules import ASSIGNED, ERASED, VISITS

JOIN: Final = "join"
"""The family in which they stood."""
_VIEWER: Final = "v:"


class Waiting(Struct, kw_only=True, omit_defaults=True):
    """One decision whose window was open, or events that waited for their decision."""

    due_ms: int
    viewer: str
    reward: Reward | None = None
    events: list[TitleEvent] = []


class Remembered(Struct, kw_only=True, omit_defaults=True):
    """What was kept of a viewer; marks of closed decisions were there too."""

    due_ms: int
    hour: int = 0
    rewards: int = 0
    erased_at_ms: int = 0


Older = tuple[str, Waiting | Remembered]
"""(viewer, what was kept)."""


def read(key: str, value: bytes) -> Older:
    """Return what a stored value says, with its viewer.

    Raises
    ------
    InvalidRecord
        It cannot be read, or does not stand where it belongs.
    """
    if key.startswith(_VIEWER):
        return key.removeprefix(_VIEWER), codec.unpack(value, Remembered)
    waiting = codec.unpack(value, Waiting)
    if not is_decision_id(key):
        raise InvalidRecord("stands under what is no id of a decision")
    return waiting.viewer, waiting


def wanted(found: Sequence[Older]) -> Wanted:
    """Return the state into which these are taken over."""
    viewers = {viewer for viewer, _ in found}
    return {(family, viewer) for viewer in viewers for family in (ASSIGNED, VISITS)} | {ERASED}
