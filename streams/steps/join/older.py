"""Join state as it was kept until decisions had ids of their own, taken over once.

Then one family held both decisions, by their ids, and viewers, by `v:` and their pseudonyms, and
an event that named a viewer in place of a decision stopped the lane for good.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.events import TitleEvent
from keyart.schemas.ids import is_decision_id
from keyart.schemas.rewards import Reward
from keyart.streams.families import ASSIGNED, ERASED, VISITS
from keyart.streams.steps.effects import Wanted
from keyart.streams.steps.join.batch import JoinBatch
from keyart.streams.steps.join.clocks import Stamp
from keyart.streams.steps.join.logged import MAX_EARLY, Early, Logged
from keyart.streams.steps.join.pages import Line, head_in, pack_page
from keyart.streams.steps.join.rules import JoinRules
from keyart.streams.steps.join.state import Trace, Window
from keyart.streams.steps.join.viewers import Viewer

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


def take_over(batch: JoinBatch, found: Sequence[Older], rules: JoinRules) -> None:
    """Take over what was kept of viewers and of decisions."""
    for key, each in found:
        viewer = batch.viewer(key)
        if isinstance(each, Waiting):
            _take_decision(batch, viewer, each, rules)
            continue
        visit = viewer.visit
        if each.hour >= visit.hour:
            visit.hour, visit.rewards = each.hour, each.rewards
        if each.erased_at_ms:
            batch.trace(key, Trace(each.erased_at_ms))


def _take_decision(batch: JoinBatch, viewer: Viewer, older: Waiting, rules: JoinRules) -> None:
    begun, visit = older.reward, viewer.visit
    received = [Logged(max(0, older.due_ms - rules.patience_ms), event) for event in older.events]
    if begun is None:
        visit.early = [*visit.early, *map(Early.of, received)][:MAX_EARLY]
        return
    if viewer.assigned.find(begun.id) is not None or not viewer.room:
        return
    decided_at_ms = begun.closed_at_ms
    viewer.assign(
        [begun],
        begun.surface,
        pack_page(head_in(begun), [Line.of(begun)]),
        decided_at_ms=decided_at_ms,
        policy=begun.versions.policy,
        due_ms=decided_at_ms + rules.life_ms,
    )
    if not begun.shown_at_ms and not received:
        return
    at = viewer.assigned.find(begun.id)
    assert at is not None
    seen = begun.shown_at_ms > 0
    # they were put here by the device's time alone
    shown = Stamp(begun.shown_at_ms, max(begun.shown_at_ms, decided_at_ms)) if seen else None
    viewer.keep_page(at, older.due_ms, seen=seen)
    begun = structs.replace(begun, shown_at_ms=0)
    batch.keep(viewer, begun.id, Window(older.due_ms, begun, shown, received))
