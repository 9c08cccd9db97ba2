"""`keyart retrain`: fit on what viewers did, ask the gate, and deploy or withdraw."""

import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from keyart.models.ope.gate.rules import Judgement
from keyart.schemas.errors import Contended, InvalidRecord, KeyartError, SettingsError
from keyart.services.jobs.canary import Canaries
from keyart.services.jobs.deploy import RIDGE, Deployment
from keyart.services.jobs.gate import Gate
from keyart.services.jobs.priors.learning import CannotRefresh, Tell, Trains
from keyart.services.jobs.priors.refreshing import Refreshing
from keyart.services.jobs.retrain.stages import (
    DECIDED,
    DOING,
    FITTED,
    JOB,
    JUDGED,
    PROPOSED,
    Doing,
    Done,
    Fit,
    Folder,
    Job,
    Jobs,
)
from keyart.services.processes.lock import FolderLock
from keyart.streams.ports import Clock
from keyart.streams.site import Lease

log = logging.getLogger(__name__)
BY: Final = "retrain"
PROMOTE, PROPOSE, CANARY = "promote", "propose", "canary"


class OutOfTime(KeyartError):
    """A retraining took longer than it may; the next one takes it up where it stopped."""


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """Retrains the prior of a site.

    Parameters
    ----------
    jobs
        What was begun and what has ended, on disk.
    lease
        (owner) -> the right to retrain, which one process at a time may hold, here or elsewhere.
    trainers
        Kind -> what makes a version of it.
    refreshing
        What measures one anew without training.
    gate, deployment, canaries
        What judges, deploys, and lets out step by step.
    clock
        Now, in milliseconds.
    """

    jobs: Jobs
    lease: Callable[[str], Lease]
    trainers: Mapping[str, Trains]
    refreshing: Refreshing
    gate: Gate
    deployment: Deployment
    canaries: Canaries
    clock: Clock

    def run(
        self,
        *,
        reason: str,
        since_ms: int = 0,
        refresh: bool = False,
        kind: str = RIDGE,
        then: str = PROPOSE,
        most_s: float = 3600.0,
        tell: Tell = lambda said: None,
    ) -> Done:
        """Take up the job that is open, or begin one; do its stages; return how it ended.

        Parameters
        ----------
        reason
            Why: kept in the registry.
        since_ms
            What was shown before teaches nothing; 0: since the last change of the world that was
            found (`services.jobs.world`), all where there was none.
        refresh
            Nothing is trained: what serves is measured anew.
        kind
            What a job that is begun now makes, one of `trainers`. One that is taken up makes what
            it was begun for.
        then
            What becomes of a version that passes the gate: `promote` lets it serve at once,
            `propose` leaves it as candidate, to be promoted by a person, `canary` lets it out to a
            share of viewers that grows while it does well.
        most_s
            It ends itself after so long.

        Raises
        ------
        Contended
            Another one is at it, here or on another machine.
        Fenced
            This one was stopped for so long that another took over.
        OutOfTime
            It took too long.
        NotFound, InvalidRecord
            There is nothing to learn from yet.
        """
        jobs = self.jobs
        owner = jobs.owner()
        lock = FolderLock(jobs.path / "retrain.lock", "`keyart retrain`")
        try:
            lock.take(wait_s=0.0)
        except SettingsError as held:
            raise Contended("a retraining runs already: one at a time") from held
        try:
            # the lock says that the former holder of this folder's lease is dead
            with self.lease(owner) as lease, _bounded(most_s):
                folder = jobs.open() or self._begun(reason, since_ms, refresh, kind)
                done = _Stages(self, folder, lease, then, tell).run()
                jobs.tidy()
                return done
        finally:
            lock.release()

    def _begun(self, reason: str, since_ms: int, refresh: bool, kind: str) -> Folder:
        number = self.jobs.next_number()
        folder = self.jobs.folder(number)
        champion = self.deployment.opinions.current
        folder.write(
            JOB,
            Job(
                number=number,
                reason=reason,
                since_ms=since_ms or self.deployment.world_ms,
                champion=champion,
                started_at_ms=self.clock(),
                refresh=refresh,
                kind=kind,
            ),
        )
        return folder


class _Stages:
    """The stages of one job, each skipped if it is done."""

    def __init__(
        self, site: Retraining, folder: Folder, lease: Lease, then: str, tell: Tell
    ) -> None:
        self._site = site
        self._folder = folder
        self._lease = lease
        self._then = then
        self._heard = tell
        job = folder.job
        if job is None:
            raise InvalidRecord(f"{folder.path} holds no job")
        self._job = job

    def _tell(self, said: str) -> None:
        """Say what is done now to who called, and to the page."""
        self._heard(said)
        self._folder.write(DOING, Doing(says=said, at_ms=self._site.clock()))

    def run(self) -> Done:
        """Do what is left."""
        try:
            fit = self._folder.fit or self._fit()
        except CannotRefresh as wrong:
            # the next one may find more: a job that stayed open would be taken up at every look
            job = self._job
            return self._end("refused", Fit(version=job.champion, rows=0, to_ms=0), str(wrong))
        if fit.version == self._site.deployment.opinions.current and self._folder.judgement is None:
            return self._end("same", fit, "it came out as the version that serves")
        if not (self._folder.path / f"{PROPOSED}.json").is_file():
            self._propose(fit)
        judgement = self._folder.judgement or self._judge(fit)
        return self._decide(fit, judgement)

    def _fit(self) -> Fit:
        self._lease.check()
        job, site = self._job, self._site
        if job.refresh:
            self._tell("measuring")
            name = site.refreshing.refresh(job.champion, since_ms=job.since_ms, by=BY)
        elif job.kind in site.trainers:
            trainer = site.trainers[job.kind]
            name = trainer.train(since_ms=job.since_ms, by=BY, tell=self._tell)
        else:
            raise InvalidRecord(f"this keyart retrains no {job.kind}: {', '.join(site.trainers)}")
        version = site.deployment.registry.version(name)
        fit = Fit(version=version.name, rows=version.rows, to_ms=version.to_ms)
        self._folder.write(FITTED, fit)
        return fit

    def _propose(self, fit: Fit) -> None:
        registry = self._site.deployment.registry
        if registry.aliases().candidate != fit.version:
            registry.propose(fit.version, by=BY, why=self._job.reason, fence=self._lease.token)
        self._folder.write(PROPOSED, fit)

    def _judge(self, fit: Fit) -> Judgement:
        self._tell("asking the gate")
        self._lease.check()
        judgement = self._site.gate.judge(fit.version, since_ms=self._job.since_ms)
        self._folder.write(JUDGED, judgement)
        return judgement

    def _decide(self, fit: Fit, judgement: Judgement) -> Done:
        self._lease.check()
        registry, token = self._site.deployment.registry, self._lease.token
        held = registry.aliases()
        if not judgement.passed:
            if held.candidate == fit.version:
                registry.withdraw(fit.version, by="gate", why=judgement.says, fence=token)
            return self._end("refused", fit, judgement.says)
        if self._then == PROMOTE:
            if held.champion != fit.version:
                self._tell("letting it serve")
                why = f"{self._job.reason}; gate: {judgement.says}"
                self._site.deployment.promote(fit.version, by=BY, why=why, fence=token)
            return self._end("promoted", fit, judgement.says)
        if self._then == CANARY:
            self._tell("letting it out")
            why = f"{self._job.reason}; gate: {judgement.says}"
            self._site.canaries.begin(fit.version, by=BY, why=why, fence=token)
            return self._end(CANARY, fit, judgement.says)
        return self._end("proposed", fit, judgement.says)

    def _end(self, outcome: str, fit: Fit, says: str) -> Done:
        done = Done(outcome=outcome, version=fit.version, says=says, at_ms=self._site.clock())
        self._folder.write(DECIDED, done)
        return done


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` within, after so long; only in a main thread, where signals arrive."""

    def over(*_: object) -> None:
        raise OutOfTime(f"retraining took longer than {seconds:.0f} s; the next one goes on")

    try:
        before = signal.signal(signal.SIGALRM, over)
    except ValueError:  # not the main thread: whoever runs it there bounds it
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
