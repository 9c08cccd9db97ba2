"""The note of a rollout: which two versions serve, and to whom each; and how long they decide."""

import logging
from collections.abc import Mapping

from keyart.models.ope.canary import SLOWEST, Took
from keyart.models.statistics.times import quantile
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rollout import Rollout
from keyart.streams.site import Note, Register

log = logging.getLogger(__name__)
TIMES_LEVEL = 0.975
"""Of either version's interval, so that both hold together at 95 %."""


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


def timed_as(version: str, bucket: int) -> str:
    """Return under what a page is counted that a version decided within this bucket's time."""
    return f"{bucket}|{version}"


def times_of(rollout: Rollout) -> str:
    """Return the name under which api processes count how long deciding takes in its last step.

    Each step has its own: shares differ between them, and so do the hours that they are about.
    """
    return f"deciding-{rollout.version}@{rollout.steps[-1].since_ms}"


def took_of(rollout: Rollout, counts: Mapping[str, int]) -> Took | None:
    """Return how long deciding takes with both versions; None before each has decided."""
    by_version: dict[str, dict[int, int]] = {}
    for name, count in counts.items():
        bucket, _, version = name.partition("|")
        by_version.setdefault(version, {})[int(bucket)] = count
    its, others = (
        quantile(by_version.get(version, {}), SLOWEST, level=TIMES_LEVEL)
        for version in (rollout.version, rollout.against)
    )
    return None if its is None or others is None else Took(its, others)
