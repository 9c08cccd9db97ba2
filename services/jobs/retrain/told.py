"""Retrainings as the page tells them: of this disk's folders, or as a note of who has that disk.

A retraining stands on the disk of the machine that keeps house. Where an api has another disk (a
pod of its own), it knows of them by a note in the store, which housekeeping writes when it changes.
"""

import logging
from collections.abc import Sequence
from statistics import median
from typing import Final

from msgspec import Struct, structs

from keyart.models.ope.gate.rules import Verdict
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.retrain.stages import Folder, Jobs
from keyart.streams.site import Note, Register

MOST: Final = 8
"""Retrainings that are told: the newest."""
REFRESH: Final = "refresh"
log = logging.getLogger(__name__)


class ToldJob(Struct, frozen=True, kw_only=True):
    """A retraining: its last finished stage, what the gate said, how it ended; times in ms, UTC.

    `kind` is what it makes, "refresh" where nothing is trained. `ended_at_ms` is 0 and `outcome` ""
    while it is not over; `doing` is then what it said last that it does, and `usual_ms` how long
    those of its kind that ended took in the middle.
    """

    number: int
    reason: str
    kind: str
    stage: str
    started_at_ms: int
    doing: str = ""
    usual_ms: float | None = None
    ended_at_ms: int = 0
    version: str = ""
    outcome: str = ""
    says: str = ""
    verdicts: tuple[Verdict, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """The newest retrainings first."""

    jobs: tuple[ToldJob, ...] = ()


def told_of(jobs: Jobs) -> Told:
    """Return what the folders of this disk tell.

    Raises
    ------
    InvalidRecord
        A file of one cannot be read.
    """
    every = [told for folder in jobs.all() if (told := _job(folder)) is not None]
    return Told(
        jobs=tuple(
            each if each.outcome else structs.replace(each, usual_ms=_usual(every, each.kind))
            for each in reversed(every[-MOST:])
        )
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


def _usual(every: Sequence[ToldJob], kind: str) -> float | None:
    """Return how long those of a kind that ended took in the middle; a kind may take hours."""
    spans = [
        each.ended_at_ms - each.started_at_ms
        for each in every
        if each.kind == kind and each.outcome
    ]
    return float(median(spans)) if spans else None


def _job(folder: Folder) -> ToldJob | None:
    if (job := folder.job) is None:
        return None
    fit, judgement, done = folder.fit, folder.judgement, folder.done
    doing = None if done else folder.doing
    return ToldJob(
        number=job.number,
        reason=job.reason,
        kind=REFRESH if job.refresh else job.kind,
        doing=doing.says if doing else "",
        stage=folder.stage,
        started_at_ms=job.started_at_ms,
        ended_at_ms=done.at_ms if done else 0,
        version=fit.version if fit else "",
        outcome=done.outcome if done else "",
        says=done.says if done else "",
        verdicts=judgement.verdicts if judgement else (),
    )
