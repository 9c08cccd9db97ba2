"""What housekeeping last found in the training log, for the page: calibration, other policies."""

from msgspec import Struct


class CurvePoint(Struct, frozen=True, kw_only=True):
    """Rewards of which about as much was expected: what was, and what came, with its interval."""

    expected: float
    observed: float
    low: float
    high: float
    rewards: int


class PolicyJudged(Struct, frozen=True, kw_only=True):
    """What a policy that does not serve would have taken, and more than what was logged.

    Doubly robust, with 95 % intervals clustered by viewer. `rows_to_tell` is how many rewards in
    all would tell it from what was logged; None if they do not differ. `effective` rows of the log
    are worth something for it.
    """

    policy: str
    value: float
    low: float
    high: float
    more: float
    more_low: float
    more_high: float
    rows_to_tell: float | None
    effective: float


class Judged(Struct, frozen=True, kw_only=True):
    """All of it, of the newest `rewards` up to `to_ms`.

    The curves are by what was expected of a choice when it was made, before anything was learned of
    the artwork itself: with the prior and without. `gain` is the log likelihood by which the prior
    made what came likelier, in nats for 1,000 rewards; None where no prior said anything. `waiting`
    says what is missing for the policies.
    """

    at_ms: int
    rewards: int
    to_ms: int
    with_prior: tuple[CurvePoint, ...] = ()
    without_prior: tuple[CurvePoint, ...] = ()
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    policies: tuple[PolicyJudged, ...] = ()
    logged: float = 0.0
    waiting: str = ""
