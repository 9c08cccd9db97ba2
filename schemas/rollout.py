"""How far a version of a model has been let out, and how that went."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from keyart.schemas.decisions import Probability
from keyart.schemas.ids import Millis

ROLLOUT_VERSION: Final = 1
CANARY: Final = "canary"
WATCH: Final = "watch"
MAX_LOOKS: Final = 200


class Step(Struct, frozen=True, kw_only=True):
    """From `since_ms` on this share of viewers is served by the version that is tried."""

    share: Probability
    since_ms: Millis


class Look(Struct, frozen=True, kw_only=True):
    """What was seen at one look: rewards of the version, its lift over the other, in words.

    `took_ms` is how long deciding a page takes with the version at the 95th percentile in the last
    step, `others_took_ms` with the other one; None where nothing was timed.
    """

    at_ms: Millis
    share: Probability
    rewards: int
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    took_ms: float | None = None
    others_took_ms: float | None = None
    says: str = ""


class Rollout(Struct, frozen=True, kw_only=True):
    """A version that is being tried beside the one that it would follow, or has followed.

    A viewer is served by `version` where their hash is below the share of the last step, else by
    `against`. In the phase `canary` the champion is `against`, in `watch` it is `version`.
    `rewards` had come at the last look that found new ones, at `heard_ms`; `failures` bad looks
    came one after the other.
    """

    version: str
    against: str
    phase: str
    steps: Annotated[tuple[Step, ...], Meta(min_length=1)]
    heard_ms: Millis
    rewards: int = 0
    failures: int = 0
    looks: tuple[Look, ...] = ()
    schema: Annotated[int, Meta(ge=1)] = ROLLOUT_VERSION

    @property
    def share(self) -> float:
        """The share of viewers that the version serves now."""
        return self.steps[-1].share

    @property
    def since_ms(self) -> int:
        """When it was first let out, or since when it is watched."""
        return self.steps[0].since_ms
