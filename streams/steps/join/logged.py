"""An event with the time of the log, and as it waits for its decision."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.events import Erasure, Impression, TitleEvent
from keyart.streams.steps.join.clocks import Stamp

MAX_EARLY: Final = 576
"""Events of one viewer that wait for their decisions: the largest page (200 titles) with an
impression and an engagement of each, some more, and the unasked."""
MAX_UNASKED: Final = 64
"""Those among them that may never meet a decision, such as a viewer's plays of former days."""
_event: msgspec.msgpack.Decoder[TitleEvent] = msgspec.msgpack.Decoder(TitleEvent)


class Logged(Struct, frozen=True, array_like=True):
    """An event, and when the log took it in (0: not known)."""

    logged_at_ms: int
    event: TitleEvent

    @property
    def received_at_ms(self) -> int:
        """When the log had it, as far as is known."""
        return self.logged_at_ms or self.event.occurred_at_ms

    @property
    def stamp(self) -> Stamp:
        """Its two times."""
        return Stamp(self.event.occurred_at_ms, self.logged_at_ms)


ByViewer = Mapping[str, Sequence[Logged | Erasure]]
"""What a batch brings of each viewer, in the log's order."""


class Early(Struct, frozen=True, array_like=True):
    """A `Logged` as it is stored: most are never looked at again, and are not taken apart."""

    logged_at_ms: int
    event: Raw

    @classmethod
    def of(cls, logged: Logged) -> "Early":
        """Return it for an event."""
        return cls(logged.logged_at_ms, Raw(codec.pack(logged.event)))

    @property
    def logged(self) -> Logged:
        """The event.

        Raises
        ------
        InvalidRecord
            The store holds something else.
        """
        try:
            return Logged(self.logged_at_ms, _event.decode(self.event))
        except msgspec.DecodeError as wrong:
            raise InvalidRecord(f"stored event that waits: {wrong}") from None

    @property
    def received_at_ms(self) -> int:
        """When the log had it, as far as is known."""
        return self.logged_at_ms or self.logged.received_at_ms


def is_unasked(event: TitleEvent) -> bool:
    """Return whether an engagement says of itself that it came of no decision."""
    return event.decision is None and not isinstance(event, Impression)


def first_of(early: Sequence[Early]) -> int:
    """Return when the log had the first of some that wait."""
    return min([each.logged_at_ms or each.received_at_ms for each in early])
