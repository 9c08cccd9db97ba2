"""What the bandit believes, as sums: per title and artwork, and shared by all titles.

Sums decay by event time and carry the time they stand at; adding has no order, so a replay, a late
record and a rebalanced partition end in the same posterior, to floating-point rounding.
"""

from bisect import bisect_right
from typing import Final

from msgspec import Struct, field

from keyart.schemas.ruled import RuledBucket

POSTERIOR_VERSION = 1
MAX_SURFACES = 8
MAX_KEPT_ARTWORKS = 200
MAX_CALLERS = 8
NOBODY = ""
"""The caller of what came without a key, or was learned before callers were kept apart."""
OTHER_CALLER = "*"
"""All callers of a title beyond `MAX_CALLERS`: no key has this name."""


class Cell(Struct, array_like=True, kw_only=False):
    """Sums of one artwork on one surface.

    `count` and `taken` are exact and never decay; `reward` (sum of values) and `expected` (sum of
    taste multipliers: expected relative takes) decay to the record's `as_of_ms`. `bands` are parts
    of these two by where on the page it was shown, `reward` of band b at 2 b and `expected` after
    it; bands that end it with nothing are left out, and so is what was shown nobody knows where.
    """

    count: int = 0
    taken: float = 0.0
    reward: float = 0.0
    expected: float = 0.0
    bands: list[float] = []


BAND_STARTS: Final = (1, 2, 3, 5, 8, 13, 21, 41)
"""First position of each band, 1 for the first of a page; the last has no end. Sums are stored by
band, so what stands here stays."""


def band_of(position: int) -> int:
    """Return the band of a position, -1 for one that is not known (0)."""
    return bisect_right(BAND_STARTS, position) - 1


Cells = dict[str, dict[str, Cell]]
"""Artwork id -> surface -> cell."""


Responses = dict[str, bytes]
"""Artwork id -> its sums against situations, float64 (`models/sums/responses.py`), decayed to the
record's `as_of_ms`: 288 bytes, or 544 where the site gives a context."""


class Burst(Struct, array_like=True):
    """Rewards of viewers first seen within the hour, apart: how many, shown from when to when.

    `callers` as in `TitleSums`, and `responses` too while it waits.
    """

    rewards: int = 0
    since_ms: int = 0
    until_ms: int = 0
    artworks: Cells = {}
    callers: dict[str, Cells] = {}
    responses: Responses = {}


class Fresh(Struct, kw_only=True, omit_defaults=True):
    """What new viewers taught a title (`models/sums/bursts.py`).

    `recent` windows are part of the title's sums, `open` is unless it `waits`, because the title
    was on its guard when it began; `held` is not: it was no luck.
    """

    recent: list[Burst] = []
    open: Burst = field(default_factory=Burst)
    held: Burst = field(default_factory=Burst)
    guarded_until_ms: int = 0
    waits: bool = False


class TitleSums(Struct, kw_only=True, omit_defaults=True):
    """One title's sums; `shares` counts what was shown by bucket, `ruled` what rules did to it.

    `callers` are the same sums by the name of the caller's key, and add up to `artworks`. While one
    caller has told everything they are left out, and `caller` says whose they are. `responses` are
    what the artworks' own responses to taste and context are learned from. `days` counts rewards by
    the day (since 1970, UTC) they were shown on.
    """

    title: str
    as_of_ms: int = 0
    artworks: Cells = {}
    shares: dict[int, dict[str, int]] = {}
    ruled: dict[int, RuledBucket] = {}
    fresh: Fresh | None = None
    caller: str = NOBODY
    callers: dict[str, Cells] = {}
    responses: Responses = {}
    days: dict[int, int] = {}
    version: int = POSTERIOR_VERSION


class SharedSums(Struct, kw_only=True, omit_defaults=True):
    """Least-squares sums for the shared taste weights, decayed to `as_of_ms`.

    x holds `dimensions` features and, after them, what each of `priors` said to the viewer: a
    decision has one prior, and 0 for all others. So what one prior's word was worth is not held
    for or against the next. `gram` is the upper triangle of A = sum y x x', row by row; `moment` is
    g = sum (y - b) x. `situations` is the upper triangle of sum e (1, z) (1, z)' over all artworks:
    how situations z vary (`Responses`). `responded` are A = sum y r r and g = sum (y - b m) r, with
    r the artwork's own log response centred under the propensities and b m the take expected
    without it: how far responses can be trusted.
    """

    as_of_ms: int = 0
    count: int = 0
    dimensions: int = 0
    priors: list[str] = []
    gram: list[float] = []
    moment: list[float] = []
    situations: list[float] = []
    responded: list[float] = []
    version: int = POSTERIOR_VERSION


class Noted(Struct, array_like=True):
    """What one watched reward said of a part's impressions, with replicates as the part has.

    `gain` is the sum of what it said above 0, `loss` of what it said below, as a positive number.
    """

    count: int = 0
    gain: float = 0.0
    loss: float = 0.0
    counts: list[int] = []
    gains: list[float] = []
    losses: list[float] = []


class Part(Struct, array_like=True):
    """What a part of a bucket's rewards add: those of one surface, decided under one split.

    `counts` and `values` are the bucket's replicates, of this part alone. `watched` is by the name
    of a reward that was watched beside the one that teaches.
    """

    count: int = 0
    value: float = 0.0
    counts: list[int] = []
    values: list[float] = []
    watched: dict[str, Noted] = {}


class PolicyBucket(Struct, array_like=True):
    """One policy's figures in one time bucket, with replicates of an online Poisson bootstrap.

    The replicates draw Poisson(1) by a hash of (viewer, replicate), so intervals cluster by viewer.
    `chosen` and `predicted` are, by candidate index, how often it was chosen and the sum of its
    propensity; `variance` the sum of p (1 - p): artworks against propensities.

    `parts` are by `<split>|<surface>` and add up to the bucket's own; a bucket that was stored
    before there were parts has none for what it held then. A split is how viewers were shared out
    when the choices were made: `explore=0.05;optimistic=0.9;lola=0.1`, "" where nobody wrote it.
    """

    count: int = 0
    value: float = 0.0
    explored: int = 0
    entropy: float = 0.0
    lag_ms: int = 0
    counts: list[int] = []
    values: list[float] = []
    chosen: list[int] = []
    predicted: list[float] = []
    variance: list[float] = []
    parts: dict[str, Part] = {}


class TitlesMeta(Struct, kw_only=True, omit_defaults=True):
    """What a lane of titles keeps about itself.

    `sequences` is the highest reward sequence applied from each source partition: what makes
    effects once. `buckets` are the keys of the timeline that exist: (start in ms, policy).
    """

    sequences: dict[int, int] = {}
    buckets: list[tuple[int, str]] = []
