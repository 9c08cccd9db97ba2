"""What the page asks about models, and the two acts that it offers: promote and roll back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound, StoreError
from keyart.schemas.judged import Judged
from keyart.schemas.rollout import Rollout
from keyart.services.jobs.priors.worth_words import worth_words
from keyart.services.jobs.retrain.stages import Jobs
from keyart.services.jobs.retrain.told import ToldJob, told_in, told_of
from keyart.services.jobs.rollout import rollout_in
from keyart.services.page.model_views import (
    JobView,
    ModelsView,
    MoveView,
    RolloutView,
    VersionView,
)
from keyart.services.page.time_views import MarkView
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import NEUTRAL, Registry
from keyart.streams.site import Note, Opinions, Register

MOST: Final = 50
"""Versions, and moves, that are shown: the newest."""
MOST_MARKS: Final = 20


def marks_of(registry: Registry) -> tuple[MarkView, ...]:
    """Return when other versions began to serve: the newest of them, in the order of time.

    None of them while the store of the registry is away: curves are drawn without.
    """
    try:
        moves = sorted(registry.moves(), key=lambda move: move.number)
    except StoreError:
        return ()
    changes = [
        MarkView(
            at_ms=move.moved_at_ms,
            words=f"{move.aliases.champion or NEUTRAL} serves, by {move.by or 'nobody named'}",
        )
        for move in moves
        if move.act in ("promote", "rollback")
    ]
    return tuple(changes[-MOST_MARKS:])


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Versions of models as the page sees and moves them.

    Parameters
    ----------
    registry, jobs, register, opinions
        Versions and aliases; retrainings; the note of a rollout; what serves.
    act
        Runs `keyart` with these words in a process of its own and returns why it failed, "" if it
        did not: scoring takes memory that an api should not keep.
    clock
        Now, in milliseconds.
    """

    registry: Registry
    jobs: Jobs
    register: Register
    opinions: Opinions
    act: Callable[..., str]
    clock: Clock

    def view(self) -> ModelsView:
        """Return all that is shown."""
        held, serves = self.registry.aliases(), self.opinions.current
        named = held.named()
        versions = tuple(
            VersionView(
                name=each.name,
                kind=each.kind,
                made_at_ms=each.made_at_ms,
                made_by=each.made_by,
                parent=each.parent,
                rows=each.rows,
                from_ms=each.from_ms,
                to_ms=each.to_ms,
                aliases=tuple(alias for alias, name in named.items() if name == each.name),
                serves=each.name == serves,
                figures=dict(each.figures),
                note=each.note,
                beside=each.beside,
                says=tuple(worth_words(each.beside)),
            )
            for each in self.registry.versions()[:MOST]
        )
        moves = tuple(
            MoveView(
                number=each.number,
                act=each.act,
                version=each.to,
                champion=each.aliases.champion or NEUTRAL,
                by=each.by,
                why=each.why,
                at_ms=each.moved_at_ms,
            )
            for each in sorted(self.registry.moves(), key=lambda move: -move.number)[:MOST]
        )
        return ModelsView(
            now_ms=self.clock(),
            serves=serves,
            previous=held.previous,
            versions=versions,
            moves=moves,
            jobs=self._jobs(),
            rollouts=self._rollouts(),
            judged=self._judged(),
        )

    def promote(self, version: str, *, by: str, why: str) -> ModelsView:
        """Let a version serve.

        Raises
        ------
        NotFound
            There is none of that name.
        ModelRejected
            It cannot serve; what served goes on.
        """
        if version != NEUTRAL and version not in {each.name for each in self.registry.versions()}:
            raise NotFound(f"there is no version {version!r}")
        return self._acted("promote", version, by=by, why=why)

    def rollback(self, *, by: str, why: str, expected: str) -> ModelsView:
        """Let what served before serve again.

        Raises
        ------
        InvalidRecord
            What would be brought back is not what was `expected`: somebody else moved meanwhile.
        ModelRejected
            It cannot serve.
        """
        previous = self.registry.aliases().previous
        if previous != expected:
            raise InvalidRecord(
                f"aliases were moved meanwhile: a rollback would bring back {previous or NEUTRAL}"
            )
        return self._acted("rollback", by=by, why=why)

    def _acted(self, act: str, *names: str, by: str, why: str) -> ModelsView:
        if failed := self.act("models", act, f"--by={by}", f"--why={why}", "--", *names):
            raise ModelRejected(failed)
        return self.view()

    def _jobs(self) -> tuple[JobView, ...]:
        told = told_of(self.jobs)
        if not told.jobs:  # the disk of who retrains is another machine's
            told = told_in(self.register)
        return tuple(self._job(each) for each in told.jobs)

    def _job(self, told: ToldJob) -> JobView:
        left = None
        if not told.outcome and told.usual_ms is not None:
            left = max(0, round(told.usual_ms - (self.clock() - told.started_at_ms)))
        return JobView(
            number=told.number,
            reason=told.reason,
            kind=told.kind,
            stage=told.stage,
            doing=told.doing,
            started_at_ms=told.started_at_ms,
            ended_at_ms=told.ended_at_ms,
            version=told.version,
            outcome=told.outcome,
            says=told.says,
            verdicts=told.verdicts,
            left_ms=left,
        )

    def _judged(self) -> Judged | None:
        if not (data := self.register.read(Note.JUDGED)):
            return None
        try:
            return codec.unpack(data, Judged)
        except InvalidRecord:
            return None  # of another keyart: housekeeping writes it anew

    def _rollouts(self) -> tuple[RolloutView, ...]:
        running = rollout_in(self.register)
        ended = rollout_in(self.register, Note.ROLLED)
        return tuple(
            _rollout(each, running=each is running) for each in (running, ended) if each is not None
        )


def _rollout(its: Rollout, *, running: bool) -> RolloutView:
    return RolloutView(
        version=its.version,
        against=its.against,
        phase=its.phase,
        share=its.share,
        since_ms=its.since_ms,
        running=running,
        looks=its.looks,
    )
