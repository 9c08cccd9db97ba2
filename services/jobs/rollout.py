"""The note of a rollout: which two versions serve, and to whom each."""

import logging

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rollout import Rollout
from keyart.streams.site import Note, Register

log = logging.getLogger(__name__)


def rollout_in(register: Register, note: Note = Note.ROLLOUT) -> Rollout | None:
    """Return the rollout that is noted; None for none, or for one that cannot be read.

    `Note.ROLLED` holds the one that ended last.
    """
    if not (data := register.read(note)):
        return None
    try:
        return codec.unpack(data, Rollout)
    except InvalidRecord as wrong:
        log.warning("the note of the rollout cannot be read: %s", wrong)
        return None


def other_of(rollout: Rollout, serving: str) -> str:
    """Return which version stands beside the one that serves; "" where none of the two serves."""
    pair = {rollout.version: rollout.against, rollout.against: rollout.version}
    return pair.get(serving, "")
