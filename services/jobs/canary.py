"""The canary in service: what it is judged on, and what its verdict moves.

The registry says what may serve, the note of the rollout to whom. The registry is moved first: who
is killed in between leaves a note that no longer fits it, and the next look mends that.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from keyart.models.dataset.influence import Bounds
from keyart.models.dataset.training_log import read_rewards
from keyart.models.ope.canary import (
    Act,
    CanaryRules,
    Evidence,
    Followed,
    begun,
    follow,
    watched,
)
from keyart.models.ope.canary_takes import compared
from keyart.models.ope.gate.loss import LEAST_ROWS
from keyart.models.ope.gate.rules import Slope
from keyart.models.ope.gate.slope import opinion_slope
from keyart.schemas import codec
from keyart.schemas.errors import Contended, InvalidRecord, KeyartError, NotFound
from keyart.schemas.registry import Aliases
from keyart.schemas.rollout import CANARY, Rollout
from keyart.schemas.training import columns
from keyart.services.jobs.deploy import Deployment
from keyart.services.jobs.evaluation.own_log import read_own
from keyart.services.jobs.evaluation.priors_on_log import opinions_on
from keyart.services.jobs.rollout import other_of, rollout_in, times_of, took_of
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import NEUTRAL, Registry
from keyart.streams.site import Note, Opinions, Register

log = logging.getLogger(__name__)
BY: Final = "canary"
COLUMNS: Final = columns("viewer", "value", "policy", "prior_version", "shown_at_ms")
ERASED: Final = "0" * 32
NOT_CHOSEN_FOR: Final = "holdback"
MOST_ROWS: Final = 200_000
ENDS: Final = (Act.BACK, Act.ALL, Act.DONE)
"""Acts after which the looks of a phase are kept for who asks later."""


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """Lets versions out, and looks how they do.

    Parameters
    ----------
    deployment
        Moves what serves.
    register
        Where the rollout is noted.
    archive
        Folder of the training log.
    rules
        How versions are let out.
    bounds
        On who may say how much of what it is judged on.
    clock
        Milliseconds since 1970.
    """

    deployment: Deployment
    register: Register
    archive: Path
    rules: CanaryRules
    bounds: Bounds
    clock: Clock

    @property
    def registry(self) -> Registry:
        """Versions and aliases."""
        return self.deployment.registry

    @property
    def opinions(self) -> Opinions:
        """What versions say of titles."""
        return self.deployment.opinions

    def begin(self, name: str, *, by: str, why: str, fence: int = 0) -> Rollout:
        """Let a version out to the first share of viewers; again is no error.

        Raises
        ------
        NotFound, ModelRejected
            There is no such version, or it cannot serve.
        InvalidRecord
            It serves already.
        Contended
            Another one is out, or watched.
        """
        version = self.registry.version(name).name
        if (out := rollout_in(self.register)) is not None and self._stands(out):
            if out.version == version and out.phase == CANARY:
                return out
            if out.phase == CANARY:
                raise Contended(f"{out.version} is out as canary: one at a time")
        against = self.registry.aliases().champion or self.opinions.current
        if version == against:
            raise InvalidRecord(f"{version} serves already")
        self.deployment.prepare(version)
        if self.registry.aliases().candidate != version:
            self.registry.propose(version, by=by, why=why, fence=fence)
        rollout = begun(version, against or NEUTRAL, self.rules, self.clock())
        self._note(rollout)
        return rollout

    def look(self) -> Followed | None:
        """Look how the rollout goes and do what follows; None where nothing is out."""
        rollout = rollout_in(self.register)
        if rollout is None:
            return None
        if not self._stands(rollout):
            mended = self._mended(rollout)
            if mended is None:
                self.register.drop(Note.ROLLOUT)
                log.warning("%s is out no more: aliases were moved by others", rollout.version)
                return None
            rollout = mended
        self.score_new()
        found = follow(rollout, self._evidence(rollout), self.rules, self.clock())
        self._do(found)
        return found

    def score_new(self) -> None:
        """Let the version that stands beside the one that serves see titles that are new.

        Without an opinion of what came after it was let out it would be judged on the old.
        """
        rollout = rollout_in(self.register)
        if rollout is None or not (name := other_of(rollout, self.opinions.current)):
            return
        try:
            self.deployment.scoring.score_new(name)
        except KeyartError as wrong:
            log.warning("%s has no opinion of new titles: %s", name, wrong)

    def _do(self, found: Followed) -> None:
        rollout, why = found.rollout, f"canary: {found.says}"
        if found.act in ENDS:
            self.register.write(Note.ROLLED, codec.pack(rollout))
        if found.act is Act.BACK and rollout.phase == CANARY:
            self.registry.withdraw(rollout.version, by=BY, why=why)
            self.register.drop(Note.ROLLOUT)
        elif found.act is Act.BACK:
            self.deployment.rollback(by=BY, why=why)
            self.register.drop(Note.ROLLOUT)
        elif found.act is Act.ALL:
            self.deployment.promote(rollout.version, by=BY, why=why)
            self._note(watched(rollout, self.rules, self.clock()))
        elif found.act is Act.DONE:
            self.register.drop(Note.ROLLOUT)
        else:
            self._note(rollout)

    def _stands(self, rollout: Rollout) -> bool:
        held = self.registry.aliases()
        if rollout.phase == CANARY:
            return held.candidate == rollout.version and held.champion in ("", rollout.against)
        return held.champion == rollout.version and _before(held) == rollout.against

    def _mended(self, rollout: Rollout) -> Rollout | None:
        """Return the watch of a version that was promoted by a canary that died right after."""
        held = self.registry.aliases()
        promoted = rollout.phase == CANARY and held.champion == rollout.version
        if promoted and _before(held) == rollout.against:
            return watched(rollout, self.rules, self.clock())
        return None

    def _evidence(self, rollout: Rollout) -> Evidence:
        try:
            frame, _ = read_rewards(self.archive, COLUMNS, since_ms=rollout.since_ms)
        except NotFound:
            return Evidence(0, 0, None)
        kept = frame.filter((frame["viewer"] != ERASED) & (frame["policy"] != NOT_CHOSEN_FOR))
        kept = kept.tail(MOST_ROWS)
        made = int((kept["prior_version"] == rollout.version).sum())
        if not kept.height:
            return Evidence(0, 0, None)
        lift, in_step = compared(
            rollout,
            kept["viewer"].to_list(),
            kept["value"].to_numpy().astype(np.float64),
            kept["shown_at_ms"].to_numpy().astype(np.int64),
            share=self.bounds.viewer_share,
        )
        took = took_of(rollout, self.register.counts(times_of(rollout)))
        return Evidence(made, in_step, lift, self._slope(rollout), took)

    def _slope(self, rollout: Rollout) -> Slope | None:
        try:
            held = read_own(
                self.archive,
                most=MOST_ROWS,
                since_ms=rollout.since_ms,
                # finding bursts would read the whole log at every look
                bounds=replace(self.bounds, hold_bursts=False),
            )
        except KeyartError:
            return None
        if len(held.rows) < LEAST_ROWS:
            return None
        said = opinions_on(held, self.opinions.titles(rollout.version))
        return opinion_slope(held.rows, held.logged, held.title, said.relative, counts=held.counts)

    def _note(self, rollout: Rollout) -> None:
        self.register.write(Note.ROLLOUT, codec.pack(rollout))


def _before(held: Aliases) -> str:
    return held.previous or NEUTRAL
