"""Tastes that nothing moves any more are let go, once a day."""

import logging
from dataclasses import dataclass
from typing import Final, Protocol

from keyart.streams.idle import looked_upto
from keyart.streams.ports import VIEWERS, Clock, Lane
from keyart.streams.site import Note, Register

log = logging.getLogger(__name__)
DAY_MS: Final = 86_400_000


class Tastes(Protocol):
    """Stored tastes, as far as they are let go."""

    def forget_idle_tastes(self, lane: Lane, since_ms: int) -> int:
        """Delete tastes that nothing has moved since; return how many."""


@dataclass(frozen=True, kw_only=True)
class IdleTastes:
    """Lets tastes go that nothing has moved for as long as they are kept.

    Parameters
    ----------
    register
        Up to when they were looked through.
    tastes
        The lanes' state.
    partitions
        Of each topic.
    kept_ms
        How long they are kept, in milliseconds; 0: for ever.
    clock
        Now, in milliseconds.
    """

    register: Register
    tastes: Tastes
    partitions: int
    kept_ms: int
    clock: Clock

    def let_go(self) -> int:
        """Look through them if that is due; return how many went."""
        if not self.kept_ms:
            return 0
        before_ms = int(self.register.read(Note.IDLE_UPTO) or 0)
        upto_ms = looked_upto(before_ms, self.clock())
        if upto_ms == before_ms:
            return 0
        found = 0
        if upto_ms > before_ms > 0:
            found = sum(
                self.tastes.forget_idle_tastes(Lane(VIEWERS, partition), upto_ms - self.kept_ms)
                for partition in range(self.partitions)
            )
        self.register.write(Note.IDLE_UPTO, str(upto_ms).encode())
        if found:
            days = self.kept_ms / DAY_MS
            log.info("%d tastes that nothing had moved for %g days are gone", found, days)
        return found
