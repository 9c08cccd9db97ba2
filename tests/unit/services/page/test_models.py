"""What the page says of models, and how it moves them: by a command of its own, never itself."""

import dataclasses
from pathlib import Path

import pytest
from msgspec import structs

from keyart.models.ope.gate.rules import judgement
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound
from keyart.schemas.judged import Judged
from keyart.schemas.registry import ModelVersion
from keyart.schemas.rollout import Rollout, Step
from keyart.services.jobs.retrain.stages import (
    DECIDED,
    DOING,
    FITTED,
    JOB,
    JUDGED,
    Doing,
    Done,
    Fit,
    Job,
    Jobs,
)
from keyart.services.jobs.retrain.told import note_told
from keyart.services.page.models import Desk, marks_of
from keyart.streams.memory.site import MemoryOpinions, MemoryRegister
from keyart.streams.registry.objects import MemoryObjects
from keyart.streams.registry.registry import Registry
from keyart.streams.site import Note

T0 = 1_700_000_000_000


class Stage:
    """A desk over a registry in memory, whose clock stands; acts are noted, and may fail."""

    def __init__(self, folder: Path) -> None:
        self.now = T0
        self.acts: list[tuple[str, ...]] = []
        self.fails = ""
        self.registry = Registry(MemoryObjects(), lambda: self.now)
        self.jobs, self.register = Jobs(folder), MemoryRegister()
        self.opinions = MemoryOpinions()
        self.desk = Desk(
            registry=self.registry,
            jobs=self.jobs,
            register=self.register,
            opinions=self.opinions,
            act=self._act,
            clock=lambda: self.now,
        )
        for at, name in enumerate(("v1", "v2")):
            facts = ModelVersion(name=name, kind="table", made_at_ms=T0 + at, rows=7 * at)
            self.registry.add(facts, {})

    def _act(self, *words: str) -> str:
        self.acts.append(words)
        return self.fails

    def job(self, number: int, *, began: int, took: int | None, kind: str = "ridge") -> None:
        """Leave a job that ended after so long, or that has not."""
        folder = self.jobs.folder(number)
        job = Job(
            number=number,
            reason="due",
            since_ms=0,
            champion="v1",
            started_at_ms=began,
            kind=kind,
        )
        folder.write(JOB, job)
        folder.write(DOING, Doing(says=f"making a {kind}", at_ms=began))
        folder.write(FITTED, Fit(version="v2", rows=9, to_ms=T0))
        if took is not None:
            folder.write(JUDGED, judgement("v2", "v1", []))
            folder.write(
                DECIDED, Done(outcome="proposed", version="v2", says="passed", at_ms=began + took)
            )


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_versions_stand_newest_first_with_their_aliases_and_moves(stage: Stage) -> None:
    stage.registry.promote("v1", by="me", why="first")
    stage.registry.promote("v2", by="me", why="better")
    stage.opinions.make_current("v2")
    seen = stage.desk.view()
    assert [(each.name, each.aliases, each.serves) for each in seen.versions] == [
        ("v2", ("champion",), True),
        ("v1", ("previous",), False),
    ]
    assert [(each.number, each.version, each.champion, each.why) for each in seen.moves] == [
        (2, "v2", "v2", "better"),
        (1, "v1", "v1", "first"),
    ]
    assert (seen.serves, seen.previous) == ("v2", "v1")


def test_what_runs_says_its_stage_and_how_long_by_those_before(stage: Stage) -> None:
    assert stage.desk.view().jobs == ()
    stage.job(1, began=T0, took=None)
    assert stage.desk.view().jobs[0].left_ms is None, "none has ended: nobody knows"
    for number, took in ((1, 60_000), (2, 100_000), (3, 80_000)):
        stage.job(number, began=T0, took=took)
    stage.job(4, began=T0 + 500_000, took=None)
    stage.now = T0 + 530_000
    newest, *older = stage.desk.view().jobs
    assert (newest.number, newest.stage, newest.outcome) == (4, "fitted", "")
    assert newest.left_ms == 50_000
    assert [each.number for each in older] == [3, 2, 1]
    assert all(each.left_ms is None and each.outcome == "proposed" for each in older)
    assert [each.ended_at_ms - T0 for each in older] == [80_000, 100_000, 60_000]
    assert newest.ended_at_ms == 0
    stage.now = T0 + 900_000
    assert stage.desk.view().jobs[0].left_ms == 0


def test_an_api_without_that_disk_tells_the_same_by_a_note(stage: Stage, tmp_path: Path) -> None:
    stage.job(1, began=T0, took=60_000)
    stage.job(2, began=T0 + 100_000, took=None)
    stage.now = T0 + 110_000
    elsewhere = dataclasses.replace(stage.desk, jobs=Jobs(tmp_path / "another disk"))
    assert elsewhere.view().jobs == ()
    note_told(stage.jobs, stage.register)
    assert elsewhere.view().jobs == stage.desk.view().jobs
    assert [each.left_ms for each in elsewhere.view().jobs] == [50_000, None]
    stage.job(2, began=T0 + 100_000, took=9_000)
    note_told(stage.jobs, stage.register)
    assert [each.outcome for each in elsewhere.view().jobs] == ["proposed", "proposed"]
    # who has no retraining of its own takes nobody's away, and what is not a note is none
    note_told(Jobs(tmp_path / "another disk"), stage.register)
    assert len(elsewhere.view().jobs) == 2
    stage.register.write(Note.RETRAINED, b"of another keyart")
    assert elsewhere.view().jobs == ()
    assert len(stage.desk.view().jobs) == 2, "who has the disk reads the disk"


def test_a_kind_that_takes_hours_is_not_timed_by_one_that_takes_minutes(stage: Stage) -> None:
    stage.job(1, began=T0, took=60_000)
    stage.job(2, began=T0 + 100_000, took=None, kind="sft")
    stage.now = T0 + 110_000
    running, ended = stage.desk.view().jobs
    assert (running.kind, running.doing, running.left_ms) == ("sft", "making a sft", None)
    assert (ended.kind, ended.doing) == ("ridge", "")
    stage.job(2, began=T0 + 100_000, took=7_200_000, kind="sft")
    stage.job(3, began=T0 + 110_000, took=None, kind="sft")
    assert stage.desk.view().jobs[0].left_ms == 7_200_000


def test_a_rollout_that_runs_and_the_one_that_ended_last_are_told(stage: Stage) -> None:
    assert stage.desk.view().rollouts == ()
    out = Rollout(
        version="v2",
        against="v1",
        phase="canary",
        steps=(Step(share=0.2, since_ms=T0),),
        heard_ms=T0,
    )
    stage.register.write(Note.ROLLED, codec.pack(structs.replace(out, version="v0")))
    stage.register.write(Note.ROLLOUT, codec.pack(out))
    found = [(each.version, each.running, each.share) for each in stage.desk.view().rollouts]
    assert found == [("v2", True, 0.2), ("v0", False, 0.2)]


def test_promoting_runs_the_command_and_what_is_not_known_is_refused_first(stage: Stage) -> None:
    stage.desk.promote("v2", by="the page", why="--fast")
    assert stage.acts == [("models", "promote", "--by=the page", "--why=--fast", "--", "v2")]
    with pytest.raises(NotFound, match="no version '--help'"):
        stage.desk.promote("--help", by="the page", why="")
    assert len(stage.acts) == 1
    stage.fails = "v2 was fitted on another space"
    with pytest.raises(ModelRejected, match="another space"):
        stage.desk.promote("v2", by="the page", why="")


def test_a_rollback_goes_only_where_it_was_shown_to_go(stage: Stage) -> None:
    stage.registry.promote("v1", by="me", why="first")
    stage.registry.promote("v2", by="me", why="better")
    with pytest.raises(InvalidRecord, match="would bring back v1"):
        stage.desk.rollback(by="the page", why="", expected="v0")
    assert stage.acts == []
    stage.desk.rollback(by="the page", why="", expected="v1")
    assert stage.acts == [("models", "rollback", "--by=the page", "--why=", "--")]


def test_marks_are_the_changes_of_what_serves_in_the_order_of_time(stage: Stage) -> None:
    stage.registry.propose("v1", by="retrain", why="a candidate serves nobody")
    stage.registry.promote("v1", by="me", why="first")
    stage.now += 1000
    stage.registry.promote("v2", by="", why="better")
    stage.now += 1000
    stage.registry.rollback(by="canary", why="worse", of="v2")
    assert [(each.at_ms, each.words) for each in marks_of(stage.registry)] == [
        (T0, "v1 serves, by me"),
        (T0 + 1000, "v2 serves, by nobody named"),
        (T0 + 2000, "v1 serves, by canary"),
    ]


def test_what_was_judged_is_shown_and_a_note_of_another_kind_is_none(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.desk.view().judged is None
    judged = Judged(at_ms=T0, rewards=9, to_ms=T0)
    stage.register.write(Note.JUDGED, codec.pack(judged))
    assert stage.desk.view().judged == judged
    stage.register.write(Note.JUDGED, b"something else")
    assert stage.desk.view().judged is None
