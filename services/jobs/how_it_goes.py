"""How housekeeping goes, as it notes it in the store, and how long a round may take."""

from msgspec import Struct

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.alive import ALIVE_MORE_S, ALIVE_ROUNDS
from keyart.streams.site import Note, Register


class Housekeeping(Struct, frozen=True, kw_only=True):
    """How housekeeping goes: its last round, and its last one in which nothing failed, in ms.

    `failures` counts the rounds that failed since. `set_aside` counts the files of the archive that
    could not be read.
    """

    round_ms: int = 0
    done_ms: int = 0
    failures: int = 0
    reason: str = ""
    set_aside: int = 0

    def late(self, *, at_ms: int, archive_s: float) -> bool:
        """Whether there was no round for longer than one may take, if there ever was one."""
        return at_ms - self.round_ms > 1000 * (ALIVE_ROUNDS * archive_s + ALIVE_MORE_S)


def how_it_goes(register: Register) -> Housekeeping | None:
    """Return what housekeeping last said of itself; None if it never did, or cannot be read."""
    if (data := register.read(Note.HOUSEKEEPING)) is None:
        return None
    try:
        return codec.unpack(data, Housekeeping)
    except InvalidRecord:
        return None
