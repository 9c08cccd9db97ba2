"""A canary as a pure machine: what was seen, and what follows.

A version is served to a share of viewers that grows by steps, beside the champion. It is judged on
takes of all viewers who were to see it against all others in the same time, whoever chose what they
then saw (intention to treat), by an interval that holds at every look; on whether takes follow its
opinions; and on how long it takes to decide. One bad look is not enough, and silence is: what
nobody hears of goes back. Then it serves all but a few, who keep the champion of before, and is
watched by the same rules.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import structs

from keyart.models.ope.gate.rules import MARGIN, Slope
from keyart.models.statistics.times import Quantile
from keyart.schemas.rollout import CANARY, MAX_LOOKS, WATCH, Look, Rollout, Step

if TYPE_CHECKING:
    from keyart.models.statistics.lift import Contrast

HOUR_MS: Final = 3_600_000
SLOWEST: Final = 0.95
"""The quantile of deciding times that is compared."""


class Act(StrEnum):
    """What follows from a look."""

    STAY = "stay"
    GROW = "grow"
    BACK = "back"
    ALL = "all"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryRules:
    """How a version is let out.

    Parameters
    ----------
    shares
        Of viewers, step by step, 0 to 1, each larger than the one before.
    step_ms, least
        How long a step lasts at least, and how many rewards its viewers give at least.
    margin
        Share of takes that may be lost at most, for all that is known, before it serves all.
    most_ms
        What could not be told by then goes back.
    silence_ms
        Without a new reward of the version for so long, it goes back.
    slower_ms
        How much longer deciding a page may take than with the other version, at the 95th
        percentile.
    failures
        Bad looks, one after the other, after which it goes back.
    kept
        Share of viewers who keep the champion of before while the version is watched.
    watch_ms
        How long it is watched.
    """

    shares: tuple[float, ...] = (0.01, 0.05, 0.2, 0.5)
    step_ms: int = HOUR_MS
    least: int = 200
    margin: float = MARGIN
    most_ms: int = 72 * HOUR_MS
    silence_ms: int = 6 * HOUR_MS
    slower_ms: float = 5.0
    failures: int = 3
    kept: float = 0.1
    watch_ms: int = 168 * HOUR_MS


class Took(NamedTuple):
    """How long deciding a page takes at the 95th percentile, with the version and the other one."""

    version: Quantile
    other: Quantile


class Evidence(NamedTuple):
    """What came of a rollout so far.

    Parameters
    ----------
    rewards
        Of decisions that the version made.
    in_step
        Of viewers who were to see it, since the last step began.
    lift
        Of those viewers over the others; None before each side has ten takes.
    slope
        Of takes on its opinions; None where that cannot be told.
    took
        In the last step; None before both have decided.
    """

    rewards: int
    in_step: int
    lift: "Contrast | None"
    slope: Slope | None = None
    took: Took | None = None


class Followed(NamedTuple):
    """What to do, the rollout as it stands then, and why in words."""

    act: Act
    rollout: Rollout
    says: str


def salt_of(version: str) -> bytes:
    """Return what makes one rollout's draw of viewers another's: at most 16 bytes."""
    return b"c" + version.encode()[-15:]


def begun(version: str, against: str, rules: CanaryRules, now_ms: int) -> Rollout:
    """Return a canary at its first step."""
    step = Step(share=rules.shares[0], since_ms=now_ms)
    return Rollout(version=version, against=against, phase=CANARY, steps=(step,), heard_ms=now_ms)


def watched(rollout: Rollout, rules: CanaryRules, now_ms: int) -> Rollout:
    """Return the watch over a version that serves all but a few."""
    step = Step(share=1.0 - rules.kept, since_ms=now_ms)
    return structs.replace(
        rollout, phase=WATCH, steps=(step,), heard_ms=now_ms, rewards=0, failures=0
    )


def follow(rollout: Rollout, seen: Evidence, rules: CanaryRules, now_ms: int) -> Followed:
    """Return what follows from what was seen by now."""
    fresh = seen.rewards > rollout.rewards
    if not fresh:
        quiet_ms = now_ms - rollout.heard_ms
        if quiet_ms > rules.silence_ms:
            says = f"nothing was heard of it for {quiet_ms / HOUR_MS:.1f} hours: no data means back"
            return _told(Act.BACK, rollout, seen, says, now_ms)
        return Followed(Act.STAY, rollout, "no new reward of it")
    rollout = structs.replace(rollout, rewards=seen.rewards, heard_ms=now_ms)
    if fault := _fault(seen, rules):
        rollout = structs.replace(rollout, failures=rollout.failures + 1)
        says = f"{fault} (look {rollout.failures} of {rules.failures})"
        act = Act.BACK if rollout.failures >= rules.failures else Act.STAY
        return _told(act, rollout, seen, says, now_ms)
    rollout = structs.replace(rollout, failures=0)
    held = _in_words(seen.lift) + _time_in_words(seen.took)
    if rollout.phase == WATCH:
        over = now_ms - rollout.since_ms > rules.watch_ms
        return _told(Act.DONE if over else Act.STAY, rollout, seen, held, now_ms)
    if now_ms - rollout.since_ms > rules.most_ms:
        says = f"in {rules.most_ms / HOUR_MS:.0f} hours it could not be told: {held}"
        return _told(Act.BACK, rollout, seen, says, now_ms)
    step = rollout.steps[-1]
    if now_ms - step.since_ms < rules.step_ms or seen.in_step < rules.least:
        return _told(Act.STAY, rollout, seen, held, now_ms)
    if larger := [share for share in rules.shares if share > step.share]:
        told = _told(Act.GROW, rollout, seen, held, now_ms)
        steps = (*rollout.steps, Step(share=larger[0], since_ms=now_ms))
        return told._replace(rollout=structs.replace(told.rollout, steps=steps))
    if seen.lift is not None and seen.lift.lift.low >= -rules.margin:
        return _told(Act.ALL, rollout, seen, held, now_ms)
    says = f"it cannot be told yet that it loses at most {100 * rules.margin:.0f} %: {held}"
    return _told(Act.STAY, rollout, seen, says, now_ms)


def _fault(seen: Evidence, rules: CanaryRules) -> str:
    if seen.lift is not None and seen.lift.lift.high < 0.0:
        return f"it is taken less often: {_in_words(seen.lift)}"
    if seen.slope is not None and seen.slope.high < 0.0:
        return f"takes go against its opinions: slope below {seen.slope.high:.2f}"
    took = seen.took
    if took is not None and took.version.low > took.other.high + rules.slower_ms / 1000.0:
        return f"it decides more than {rules.slower_ms:g} ms slower{_time_in_words(took)}"
    return ""


def _time_in_words(took: Took | None) -> str:
    if took is None or not all(isfinite(each.estimate) for each in took):
        return ""
    its, others = (1000.0 * each.estimate for each in took)
    return f"; 95 % of its pages are decided in {its:.3g} ms, of the others in {others:.3g} ms"


def _in_words(lift: "Contrast | None") -> str:
    if lift is None:
        return "too few takes to compare"
    its = lift.lift
    return f"{100 * its.estimate:+.1f} % takes ({100 * its.low:+.1f} to {100 * its.high:+.1f})"


def _told(act: Act, rollout: Rollout, seen: Evidence, says: str, now_ms: int) -> Followed:
    its = None if seen.lift is None else seen.lift.lift
    took = [None, None] if seen.took is None else [1000.0 * each.estimate for each in seen.took]
    look = Look(
        at_ms=now_ms,
        share=rollout.share,
        rewards=seen.rewards,
        lift=None if its is None else its.estimate,
        low=None if its is None else its.low,
        high=None if its is None else its.high,
        took_ms=_finite(took[0]),
        others_took_ms=_finite(took[1]),
        says=says,
    )
    looks = (*rollout.looks, look)[-MAX_LOOKS:]
    return Followed(act, structs.replace(rollout, looks=looks), says)


def _finite(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else round(value, 4)
