"""What the page's endpoints answer. Times in ms since 1970 UTC; takes and shares in 0 to 1."""

from msgspec import Struct

from keyart.schemas.decisions import Terms, Versions


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


class Point(Struct, frozen=True, kw_only=True):
    """Take fraction of what was shown up to `at`."""

    at: int
    mean: float
    low: float
    high: float
    n: int


class Series(Struct, frozen=True, kw_only=True):
    """One policy over time."""

    policy: str
    name: str
    role: str
    place: int
    points: tuple[Point, ...]


class LiftPoint(Struct, frozen=True, kw_only=True):
    """How far above its control a policy was in all up to `at`; 0.1 is 10 % above."""

    at: int
    mean: float
    low: float
    high: float
    n: int


class LiftSeries(Struct, frozen=True, kw_only=True):
    """A policy over its control, so far, over time; intervals hold at every look."""

    policy: str
    name: str
    place: int
    points: tuple[LiftPoint, ...]


class MarkView(Struct, frozen=True, kw_only=True):
    """From `at_ms` on another version of the prior served; `words` say which, and by whom."""

    at_ms: int
    words: str


class Timeline(Struct, frozen=True, kw_only=True):
    """All policies over time; a point of view "moving" covers `window_impressions` of all.

    In a hole (after, until) nothing was shown. View "lift" has `lifts` and no series. `marks` are
    the newest changes of the version that serves, in the order of time.
    """

    view: str
    window_impressions: int
    holes: tuple[tuple[int, int], ...]
    series: tuple[Series, ...]
    lifts: tuple[LiftSeries, ...] = ()
    marks: tuple[MarkView, ...] = ()


class TitleRow(Struct, frozen=True, kw_only=True):
    """A title in the list. `lead` is how far its best artwork is above the others' mean belief.

    `ruled` is how many of its artworks have rules.
    """

    id: str
    name: str
    artworks: int
    impressions: int
    lead: float
    picture: str
    ruled: int = 0


class TitleList(Struct, frozen=True, kw_only=True):
    """Titles that match, the most shown first: of `total`, `found` match."""

    total: int
    found: int
    titles: tuple[TitleRow, ...]


class ArtworkView(Struct, frozen=True, kw_only=True):
    """What is believed of an artwork before taste, and how often it is shown."""

    id: str
    description: str
    picture: str
    removed: bool
    mean: float
    low: float
    high: float
    impressions: int
    takes: float
    share: float


class Span(Struct, frozen=True, kw_only=True):
    """Impressions in one span of time, parallel to the artworks."""

    at_ms: int
    counts: tuple[int, ...]


class CallerView(Struct, frozen=True, kw_only=True):
    """A caller's key that told of a title what the others do not, and is bounded to its share.

    `told` and `counts` are expected takes: all that it told, and what of them is believed.
    """

    name: str
    told: float
    counts: float


class RuleView(Struct, frozen=True, kw_only=True):
    """One rule of one artwork in words, and whether it holds `now`.

    `state` is "holds", "waits", "over", or "asked" for what depends on each request.
    """

    artwork: str
    words: str
    state: str
    now: str


class RuledView(Struct, frozen=True, kw_only=True):
    """What rules did to a title's impressions, those of `shares`.

    Of all `impressions`, rules `touched` some, and `changed` is the expected number of them that
    showed another artwork than they would have without rules. Four figures say how: of how many
    artworks were taken away, or shares bounded; how many were pinned, or were defaults. `cost` is
    in takes, with a 95 % interval, below 0 where rules gained some; it is `told` where the interval
    leaves no doubt whether they cost or gained.
    """

    impressions: int
    touched: int
    changed: float
    narrowed: int
    bounded: int
    pinned: int
    defaulted: int
    cost: float
    low: float
    high: float
    told: bool


class TitleView(Struct, frozen=True, kw_only=True):
    """One title. Beliefs are those for `surface`: as asked for, or where it is shown most.

    `elsewhere` are origins of pictures that this page may not load, so it draws them. `bounded` are
    callers' keys of whose word only a part is believed. `ruled` is None where no rule touched
    what was shown.
    """

    id: str
    name: str
    group: str
    surface: str
    impressions: int
    artworks: tuple[ArtworkView, ...]
    shares: tuple[Span, ...]
    elsewhere: tuple[str, ...] = ()
    bounded: tuple[CallerView, ...] = ()
    rules: tuple[RuleView, ...] = ()
    ruled: RuledView | None = None


class Candidate(Struct, frozen=True, kw_only=True):
    """An artwork that could have been chosen."""

    artwork: str
    description: str
    picture: str
    propensity: float


class DecisionView(Struct, frozen=True, kw_only=True):
    """One decision with its reasons. `viewer` is the start of the pseudonym."""

    id: str
    at_ms: int
    viewer: str
    surface: str
    title: str
    title_name: str
    artwork: str
    description: str
    picture: str
    policy: str
    explored: bool
    degraded: str
    sentence: str
    terms: Terms
    candidates: tuple[Candidate, ...]
    versions: Versions


class DecisionList(Struct, frozen=True, kw_only=True):
    """Recent decisions, the newest first, a few of each request."""

    now_ms: int
    decisions: tuple[DecisionView, ...]
