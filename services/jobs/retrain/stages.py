"""A retraining on disk: one folder a job, one file a finished stage.

A stage is done when its file is there, written whole and forced to disk. Whoever takes a job up
after a kill skips what is done and does the next stage from its beginning; every stage may be done
twice.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from keyart.models.artifacts.whole import write_whole
from keyart.models.ope.gate.rules import Judgement
from keyart.schemas.errors import InvalidRecord

JOB, FITTED, PROPOSED, JUDGED, DECIDED = STAGES = ("job", "fitted", "proposed", "judged", "decided")
KEPT: Final = 20
"""Finished jobs whose folders stay; the registry has their versions and moves."""
DOING: Final = "doing"
"""The file in which a job says what it is doing now."""
Kind = TypeVar("Kind", bound=Struct)


class Job(Struct, frozen=True, kw_only=True):
    """What is to be done: why, which kind, from which rewards on, and whether without training."""

    number: int
    reason: str
    since_ms: int
    champion: str
    started_at_ms: int
    refresh: bool = False
    kind: str = "ridge"


class Doing(Struct, frozen=True, kw_only=True):
    """What a job is doing now, in words, and since when."""

    says: str
    at_ms: int


class Fit(Struct, frozen=True, kw_only=True):
    """What was fitted."""

    version: str
    rows: int
    to_ms: int


class Done(Struct, frozen=True, kw_only=True):
    """How it ended: `promoted`, `proposed`, `refused` or `same`."""

    outcome: str
    version: str
    says: str
    at_ms: int


class Folder:
    """The folder of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, stage: str, kind: type[Kind]) -> Kind | None:
        """Return what a stage left; None when it is not done.

        Raises
        ------
        InvalidRecord
            Its file cannot be read: somebody else wrote it.
        """
        file = self.path / f"{stage}.json"
        if not file.is_file():
            return None
        try:
            return msgspec.json.decode(file.read_bytes(), type=kind)
        except msgspec.DecodeError as wrong:
            raise InvalidRecord(f"{file}: {wrong}") from None

    def write(self, stage: str, what: Any) -> None:
        """Note that a stage is done."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(
            self.path / f"{stage}.json", msgspec.json.format(msgspec.json.encode(what), indent=1)
        )

    @property
    def job(self) -> Job | None:
        """What is to be done."""
        return self.read(JOB, Job)

    @property
    def fit(self) -> Fit | None:
        """What was fitted."""
        return self.read(FITTED, Fit)

    @property
    def judgement(self) -> Judgement | None:
        """What the gate said."""
        return self.read(JUDGED, Judgement)

    @property
    def done(self) -> Done | None:
        """How it ended."""
        return self.read(DECIDED, Done)

    @property
    def doing(self) -> Doing | None:
        """What it said last that it is doing."""
        return self.read(DOING, Doing)

    @property
    def stage(self) -> str:
        """The last stage that is done; "" for none."""
        done = [stage for stage in STAGES if (self.path / f"{stage}.json").is_file()]
        return done[-1] if done else ""


class Jobs:
    """All jobs of a site, by number."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[Folder]:
        """Return the jobs' folders, the oldest first."""
        if not self.path.is_dir():
            return []
        numbers = sorted(int(each.name) for each in self.path.iterdir() if each.name.isdecimal())
        return [self.folder(number) for number in numbers]

    def folder(self, number: int) -> Folder:
        """Return one job's folder."""
        return Folder(self.path / f"{number:06d}")

    def open(self) -> Folder | None:
        """Return the job that was begun and has not ended."""
        held = [each for each in self.all() if each.job is not None]
        return held[-1] if held and held[-1].done is None else None

    def last(self, *, trained: bool = False) -> Folder | None:
        """Return the newest job that has ended; of those that trained, where that is asked."""
        ended = [each for each in self.all() if each.done is not None]
        if trained:
            ended = [each for each in ended if (job := each.job) is not None and not job.refresh]
        return ended[-1] if ended else None

    def next_number(self) -> int:
        """Return the number of the next job."""
        held = self.all()
        return int(held[-1].path.name) + 1 if held else 1

    def tidy(self) -> None:
        """Remove the folders of all but the newest jobs, and of the newest that trained."""
        trained = self.last(trained=True)
        for each in self.all()[:-KEPT]:
            if trained is None or each.path != trained.path:
                shutil.rmtree(each.path, ignore_errors=True)

    def owner(self) -> str:
        """Return this folder's own name, made once: what its lease is held under."""
        file = self.path / "owner.json"
        if not file.is_file():
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(file, json.dumps({"owner": os.urandom(8).hex()}).encode())
        held = json.loads(file.read_text())
        return f"retrainer-{held['owner']}"
