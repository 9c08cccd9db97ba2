"""What is left to do after a viewer asked to be erased: the log and the archive.

The api deletes the state, appends an `Erasure`, and registers it with the offset at which it
stands. Once the viewers' lane has read that far nothing new of the viewer can be written.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from keyart.schemas.topics import EVENTS, partition_of
from keyart.streams.ports import VIEWERS, Clock, Lane, StateStore, sortable
from keyart.streams.site import AGAIN, Note, Register, StoreServer

REWRITE_S: Final = 120.0
POLL_S: Final = 0.05


class Past(Protocol):
    """Log and archive, as far as an erasure goes through them."""

    def erase_from_log(self, viewers: Mapping[str, int]) -> set[str] | None:
        """Delete the viewers' records, and return of whom something is left.

        None where records go with their topic's retention instead.
        """

    def erase_from_archive(self, viewers: Mapping[str, int]) -> int:
        """Take the viewers out of the archive; return how many files were written anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasures:
    """Erases viewers, and finishes what was begun.

    Parameters
    ----------
    register
        Which erasures are not finished, by whatever process.
    store
        The state.
    partitions
        Of each topic.
    past
        Log and archive; asked for when there is something to finish.
    forget_examples
        Removes what unfinished trainings took from the archive.
    clock
        Now, in milliseconds.
    """

    register: Register
    store: StateStore
    partitions: int
    past: Callable[[], Past]
    forget_examples: Callable[[], object]
    clock: Clock

    def forget_now(self, viewer: str) -> None:
        """Delete what is stored of a viewer at once; the lane does it again once it reads of it."""
        self.store.forget(self._lane(viewer), viewer)
        self.register.count_erasure()

    def add(self, viewer: str, offset: str) -> None:
        """Note that a viewer's erasure stands at this offset of their partition of `events`."""
        self.register.add_erasure(viewer, offset, until_ms=self.clock())

    def finish(self) -> int:
        """Erase all whose erasure the lane has read from log and archive; return how many.

        A viewer whose rewards still wait to be archived stays registered for the next round. In
        Kafka records go with their topic's retention; the archive is gone through twice, so that
        rewards that were on their way to Kafka when the erasure was read are met by the second
        round.
        """
        registered = self.register.erasures()
        ready = {
            viewer: self.clock() if noted.until_ms is None else noted.until_ms
            for viewer, noted in registered.items()
            if noted.offset == AGAIN or self._has_read(viewer, noted.offset)
        }
        if not ready:
            return 0
        past = self.past()
        if (left := past.erase_from_log(ready)) is not None:
            done = ready.keys() - left
        else:
            done = {viewer for viewer in ready if registered[viewer].offset == AGAIN}
            for viewer in sorted(ready.keys() - done):
                self.register.add_erasure(viewer, AGAIN, until_ms=ready[viewer])
        past.erase_from_archive(ready)
        self.forget_examples()
        self.register.finish_erasures(done)
        return len(done)

    def _lane(self, viewer: str) -> Lane:
        return Lane(VIEWERS, partition_of(viewer, self.partitions))

    def _has_read(self, viewer: str, offset: str) -> bool:
        reached = self.store.offsets(self._lane(viewer)).get(EVENTS)
        return reached is not None and sortable(reached) >= sortable(offset)


def rewrite_if_due(register: Register, server: StoreServer) -> bool:
    """Let the embedded server write its file anew when viewers were erased; return if it did.

    The file holds every command since it was last written, those about an erased viewer too.
    """
    if register.read(Note.REWRITE) is None or server.rewriting:
        return False
    # what is written from here on stands in the new file: a later erasure sets it again
    register.drop(Note.REWRITE)
    server.begin_rewrite()
    deadline = time.monotonic() + REWRITE_S
    while time.monotonic() < deadline:
        time.sleep(POLL_S)
        if not server.rewriting:
            break
    if not server.rewritten:
        register.write(Note.REWRITE, b"1")
        return False
    return True
