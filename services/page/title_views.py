"""What the page says of titles and their artworks. Times in ms; takes and shares in 0 to 1."""

from msgspec import Struct


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


class PriorView(Struct, frozen=True, kw_only=True):
    """What the prior alone expects of an artwork, at the level of its title."""

    mean: float
    low: float
    high: float


class ArtworkView(Struct, frozen=True, kw_only=True):
    """What is believed of an artwork before taste, and how often it is shown.

    `prior` is None where no prior has an opinion of it.
    """

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
    prior: PriorView | None = None


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


class OpinionView(Struct, frozen=True, kw_only=True):
    """Whether the prior's opinion helps on a title, by the takes that it has had.

    `helps` is "yes", "no", "even" (not told apart from no opinion), "early" (too few takes to say)
    or "silent" (it holds all artworks for equal); `says` is that in a sentence. `gain` with `low`
    and `high` is the log likelihood that each take gained by the opinion, in nats, None with too
    few of them. `worth` is in impressions; `trust` is how far it is followed, 1 is to the word.
    """

    prior: str
    helps: str
    says: str
    worth: float
    trust: float
    takes: float
    impressions: float
    gain: float | None
    low: float | None
    high: float | None


class TitleView(Struct, frozen=True, kw_only=True):
    """One title. Beliefs are those for `surface`: as asked for, or where it is shown most.

    `elsewhere` are origins of pictures that this page may not load, so it draws them. `bounded` are
    callers' keys of whose word only a part is believed. `ruled` is None where no rule touched
    what was shown; `opinion` is None where no prior has one of this title.
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
    opinion: OpinionView | None = None
