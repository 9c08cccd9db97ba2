"""What the page says of the whole: the headline, policies, and how the service runs.

Times in ms since 1970 UTC; takes and shares in 0 to 1.
"""

from msgspec import Struct


class PolicyFigures(Struct, frozen=True, kw_only=True):
    """One policy's own choices, from the first to the last; `role` is "policy" or "control"."""

    policy: str
    name: str
    role: str
    place: int
    impressions: int
    takes: float
    mean: float
    low: float
    high: float


class LiftView(Struct, frozen=True, kw_only=True):
    """How far the policy is above its control, in percent; intervals hold at every look.

    `extra` are takes that the policy had beyond what the control would have had in its place, since
    `since_ms`. `until` says how long until it can be told; "" when it can. `arm` and `against` are
    the names that settings and metrics have for `policy` and `control`.
    """

    arm: str
    against: str
    policy: str
    control: str
    control_words: str
    percent: float
    low: float
    high: float
    extra: float
    extra_low: float
    extra_high: float
    impressions: int
    since_ms: int
    until: str


class WorthView(Struct, frozen=True, kw_only=True):
    """What all of it is worth: keyart against viewers who see default artworks alone.

    `lift` is None while `waiting` says what is missing; `share` of viewers are held back now.
    """

    lift: LiftView | None = None
    share: float = 0.0
    waiting: str = ""


class ArmView(Struct, frozen=True, kw_only=True):
    """One arm of an experiment: its share of viewers, and how far it is above the default's.

    `mean` with `low` and `high` is its take fraction; `lift` is None for the default policy, and
    while `waiting` says what is missing.
    """

    policy: str
    name: str
    place: int
    share_meant: float
    share_seen: float
    impressions: int
    takes: float
    mean: float
    low: float
    high: float
    lift: LiftView | None
    waiting: str


class ExperimentView(Struct, frozen=True, kw_only=True):
    """The newest experiment. `p_value` is the sample-ratio check of the arms' shares, at any look.

    `control` is the default policy, the first of `arms`; not `running`: its last impressions were
    decided before the settings changed.
    """

    control: str
    since_ms: int
    last_ms: int
    running: bool
    impressions: int
    p_value: float
    passed: bool
    arms: tuple[ArmView, ...]


class NotedFigures(Struct, frozen=True, kw_only=True):
    """What a watched reward was by impression under one policy, -1 to 1, with a 95 % interval."""

    policy: str
    name: str
    role: str
    impressions: int
    mean: float
    low: float
    high: float


class WatchedView(Struct, frozen=True, kw_only=True):
    """One reward that is watched beside the one that teaches."""

    reward: str
    policies: tuple[NotedFigures, ...]


class PlaceView(Struct, frozen=True, kw_only=True):
    """Positions `first` to `last` of a page, 0 for no end.

    `factor` is how often a picture is taken there, of what the same picture is at an average place,
    with a 95 % interval; `impressions` are effective ones.
    """

    first: int
    last: int
    factor: float
    low: float
    high: float
    impressions: float


class PositionsView(Struct, frozen=True, kw_only=True):
    """What positions do on a surface: what pictures are believed to be is without it."""

    surface: str
    places: tuple[PlaceView, ...]


class KeepingView(Struct, frozen=True, kw_only=True):
    """What keeping pictures costs, by `reason`: "dwell" (their period) or "swaps" (used up).

    `cost` is the part of takes that choices anew are expected to have and what stays is not, with a
    95 % interval; `takes_per_1000` the same in takes of 1,000 pictures that stay. None while too
    few pictures or viewers were looked at. One of `one_in` requests is, since the process started.
    """

    reason: str
    pictures: int
    one_in: int
    cost: float | None
    low: float | None
    high: float | None
    takes_per_1000: float | None


class RatioView(Struct, frozen=True, kw_only=True):
    """One policy's artworks against its propensities; `p_value` holds however often looked at."""

    policy: str
    decisions: int
    p_value: float
    passed: bool


class UntaughtView(Struct, frozen=True, kw_only=True):
    """How many of one kind ("impressions", "plays", "decisions") did not teach, because.

    `lost` is False for what is as it should be: a repeat, a decision that nobody saw.
    """

    of: str
    count: int
    because: str
    lost: bool


class EntropyView(Struct, frozen=True, kw_only=True):
    """How many equally likely artworks have the mean entropy of the newest choices.

    `artworks` is the mean number of artworks of a title; `trail` is `effective` over time.
    """

    effective: float
    artworks: float
    trail: tuple[float, ...]


class TrustView(Struct, frozen=True, kw_only=True):
    """Mean trust in the prior over the titles of which it has an opinion."""

    mean: float
    titles: int
    prior: str


class SurfacesView(Struct, frozen=True, kw_only=True):
    """Surfaces with a level of their own, and how many others are counted together as one."""

    own: tuple[str, ...]
    pooled: int


class Overview(Struct, frozen=True, kw_only=True):
    """The headline and how the service runs.

    `waiting` says what is missing for the headline. `since_ms` is when the first impression of the
    filter was, 0 before there is one; `shown_on` are all surfaces, the most shown first. `pending`
    impressions wait for their window, which is known `pending_ms` after each. `aside` records could
    not be read or applied and were set aside.
    """

    now_ms: int
    note: str
    titles: int
    events: int
    decisions: int
    behind_ms: int
    behind_records: int
    reward_wait_ms: float | None
    newest_ms: int
    policies: tuple[PolicyFigures, ...]
    lift: LiftView | None
    waiting: str
    experiment: ExperimentView | None
    worth: WorthView
    since_ms: int
    shown_on: tuple[str, ...]
    pending: int
    pending_ms: int
    untaught: tuple[UntaughtView, ...]
    aside: int
    propensities: tuple[RatioView, ...]
    entropy: EntropyView | None
    trust: TrustView | None
    surfaces: SurfacesView
    watched: tuple[WatchedView, ...] = ()
    positions: tuple[PositionsView, ...] = ()
    keeping: tuple[KeepingView, ...] = ()
