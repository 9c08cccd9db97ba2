"""Which engagements were within the window, whatever the clocks of the viewer's devices say.

An event has two times: the device's, which may be wrong by anything, and that of the log, which is
right and at most late. What happened for a decision happened after it was decided and before the
log had it. If one offset between device and server puts both the impression and the engagement
between these bounds, the device's own times order them. If none does, they come from two clocks, or
from one that was set in between: then the log's times do, as far as they tell. What stays open is
doubt, and doubt never becomes a label.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Stamp(NamedTuple):
    """The device's time of an event, and the log's; 0 where the log gave none."""

    occurred_at_ms: int
    logged_at_ms: int

    @property
    def received_at_ms(self) -> int:
        """When the log had it, as far as is known."""
        return self.logged_at_ms or self.occurred_at_ms


class Within(Enum):
    """Whether an engagement was within the window of the impression."""

    YES = 1
    NO = 2
    UNKNOWN = 3


def bounds(decided_at_ms: int, stamps: Sequence[Stamp]) -> tuple[int, int]:
    """Return (low, high) for device time minus server time, ms; low > high when nothing fits.

    A device that is `offset` ahead stamps what happens after the decision with `decided + offset`
    or later, and what the log has with `logged + offset` or earlier.
    """
    high = min(each.occurred_at_ms for each in stamps) - decided_at_ms
    low = max(each.occurred_at_ms - each.received_at_ms for each in stamps)
    return low, high


def corrected(decided_at_ms: int, stamp: Stamp) -> int:
    """Return when an event happened, by the server's clock: at the decision or later.

    A time that can be is believed. One that cannot be is replaced by that of its receipt: events
    that are sent at once are the rule.
    """
    low, high = bounds(decided_at_ms, [stamp])
    if low <= 0 <= high:
        return stamp.occurred_at_ms
    return max(decided_at_ms, stamp.received_at_ms)


def within(
    decided_at_ms: int,
    shown: Stamp,
    engaged: Stamp,
    window: int,
    *,
    moment_ms: int,
    cited: bool,
) -> Within:
    """Return whether an engagement was within so many ms, `window`, of the impression.

    Parameters
    ----------
    moment_ms
        How much earlier than the impression it may be stamped in the same visit.
    cited
        It names the decision: then one that was stamped before the impression cannot be put down to
        something else.
    """
    apart = engaged.occurred_at_ms - shown.occurred_at_ms
    between = engaged.received_at_ms - shown.received_at_ms
    near = -moment_ms <= between <= window
    low, high = bounds(decided_at_ms, [shown, engaged])
    if low > high:
        soon = engaged.received_at_ms - decided_at_ms <= window
        return Within.YES if near or soon else Within.UNKNOWN
    if -moment_ms <= apart <= window:
        return Within.YES
    return Within.UNKNOWN if near or (cited and apart < 0) else Within.NO
