"""What the page says of models: versions, moves, retrainings and rollouts. Times in ms, UTC."""

from msgspec import Struct

from keyart.models.ope.gate.rules import Verdict
from keyart.schemas.judged import Judged
from keyart.schemas.registry import WorthOnLog
from keyart.schemas.rollout import Look


class VersionView(Struct, frozen=True, kw_only=True):
    """A version with the aliases that stand on it; `serves` says whether it decides now.

    `beside` is what it was worth on the log that it learned from, next to its parent and to what
    had learned nothing; `says` is the same in words.
    """

    name: str
    kind: str
    made_at_ms: int
    made_by: str
    parent: str
    rows: int
    from_ms: int
    to_ms: int
    aliases: tuple[str, ...]
    serves: bool
    figures: dict[str, float]
    note: str
    beside: tuple[WorthOnLog, ...] = ()
    says: tuple[str, ...] = ()


class MoveView(Struct, frozen=True, kw_only=True):
    """A move of aliases: what was done to which version, by whom and why; the newest first."""

    number: int
    act: str
    version: str
    champion: str
    by: str
    why: str
    at_ms: int


class JobView(Struct, frozen=True, kw_only=True):
    """A retraining: what it makes, its last finished stage, what the gate said, how it ended.

    `outcome` is "" while it is not over; `left_ms` is then how long it will take still, by those of
    its kind before it, None where none has ended, and `doing` what it said last that it does.
    `kind` is "refresh" where nothing is trained.
    """

    number: int
    reason: str
    kind: str
    stage: str
    doing: str
    started_at_ms: int
    ended_at_ms: int
    version: str
    outcome: str
    says: str
    verdicts: tuple[Verdict, ...]
    left_ms: int | None


class RolloutView(Struct, frozen=True, kw_only=True):
    """A version that is let out beside another, or was last; `share` of viewers see it.

    Each of `looks` has the lift in takes over all others, with an interval that holds at every
    look; None where it cannot be told yet.
    """

    version: str
    against: str
    phase: str
    share: float
    since_ms: int
    running: bool
    looks: tuple[Look, ...]


class ModelsView(Struct, frozen=True, kw_only=True):
    """All that the page says of models.

    `serves` decides now, `previous` is what a rollback brings back, "" for nothing. `judged` is
    what housekeeping last found in the log, None before it has looked.
    """

    now_ms: int
    serves: str
    previous: str
    versions: tuple[VersionView, ...]
    moves: tuple[MoveView, ...]
    jobs: tuple[JobView, ...]
    rollouts: tuple[RolloutView, ...]
    judged: Judged | None = None
