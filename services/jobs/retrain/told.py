"""Retrainings as the page tells them: of this disk's folders, or as a note of who has that disk.

A retraining stands on the disk of the machine that keeps house. Where an api has another disk (a
pod of its own), it knows of them by a note in the store, which housekeeping writes when it changes.
"""

import logging
from statistics import median
from typing import Final

from msgspec import Struct

from keyart.models.ope.gate.rules import Verdict
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.retrain.stages import Folder, Jobs
from keyart.streams.site import Note, Register

MOST: Final = 8
"""Retrainings that are told: the newest."""
log = logging.getLogger(__name__)


class ToldJob(Struct, frozen=True, kw_only=True):
    """A retraining: its last finished stage, what the gate said, how it ended; times in ms, UTC.

    `ended_at_ms` is 0 and `outcome` "" while it is not over.
    """

    number: int
    reason: str
    stage: str
    started_at_ms: int
    ended_at_ms: int = 0
    version: str = ""
    outcome: str = ""
    says: str = ""
    verdicts: tuple[Verdict, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """The newest retrainings first; `took_ms` is how long those that ended took in the middle."""

    jobs: tuple[ToldJob, ...] = ()
    took_ms: float | None = None


def told_of(jobs: Jobs) -> Told:
    """Return what the folders of this disk tell.

    Raises
    ------
    InvalidRecord
        A file of one cannot be read.
    """
    every = [told for folder in jobs.all() if (told := _job(folder)) is not None]
    spans = [each.ended_at_ms - each.started_at_ms for each in every if each.outcome]
    return Told(
        jobs=tuple(reversed(every[-MOST:])), took_ms=float(median(spans)) if spans else None
    )


def note_told(jobs: Jobs, register: Register) -> None:
    """Note for other machines what this disk tells, where that is anything new.

    Raises
    ------
    InvalidRecord
        As `told_of`; what was noted before stays.
    """
    if (told := told_of(jobs)).jobs:
        data = codec.pack(told)
        if register.read(Note.RETRAINED) != data:
            register.write(Note.RETRAINED, data)


def told_in(register: Register) -> Told:
    """Return what is noted; nothing where there is no note, or none that can be read."""
    if not (data := register.read(Note.RETRAINED)):
        return Told()
    try:
        return codec.unpack(data, Told)
    except InvalidRecord as wrong:  # of another keyart: housekeeping writes it anew
        log.warning("the note of retrainings cannot be read: %s", wrong)
        return Told()


def _job(folder: Folder) -> ToldJob | None:
    if (job := folder.job) is None:
        return None
    fit, judgement, done = folder.fit, folder.judgement, folder.done
    return ToldJob(
        number=job.number,
        reason=job.reason,
        stage=folder.stage,
        started_at_ms=job.started_at_ms,
        ended_at_ms=done.at_ms if done else 0,
        version=fit.version if fit else "",
        outcome=done.outcome if done else "",
        says=done.says if done else "",
        verdicts=judgement.verdicts if judgement else (),
    )
