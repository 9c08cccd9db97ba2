"""A decision joined with what came of it: what the bandit learns from, a training log's row."""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.columns import BELIEF_BYTES, LoggedTaste
from keyart.schemas.context import Context, Situation
from keyart.schemas.decisions import MAX_ARTWORKS, Position, Probability, Split, Versions
from keyart.schemas.ids import CallerName, LoggedName, Millis, PseudonymField
from keyart.schemas.ruled import Ruled

REWARD_VERSION = 2
"""2: with what was known of the viewer and of every candidate. 1: of the chosen one alone."""
MOST_WATCHED = 16
"""Readers take more than a site may name, so that a later keyart may allow more."""
Watched = Annotated[
    dict[LoggedName, Annotated[float, Meta(ge=-1.0, le=1.0)]], Meta(max_length=MOST_WATCHED)
]
LoggedBeliefs = Annotated[bytes, Meta(max_length=MAX_ARTWORKS * BELIEF_BYTES)]


class Reward(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one decision that was seen was worth, once its window closed.

    `id` is the decision's. `source` and `sequence` name the join's partition and its running
    number, by which a record produced twice is recognised. `value` is in 0 to 1, by the named
    definition; `watched` is what others say of the same, -1 to 1 by name, and teaches nothing: one
    that the clocks leave open, or that failed, is not there.
    `split` is how viewers were shared out between policies when it was decided. `fresh`: the viewer
    was first seen within an hour of it. `caller` is the name of the key with which its impression
    came, "" where none was asked for. `context`, `situation` and `response` are those of the page
    and the decision, `responded` is the log of the response before it is trusted, less its mean
    under the propensities; once a viewer is erased there is no context. `position` as the
    decision's.

    What follows is there from version 2 on, for whoever judges another policy or prior: `beliefs`
    are of every candidate, packed as `BELIEFS`; `level`, `trust` and `strength` of the title, as in
    `CHOICE_DTYPE`; `taste` and `segment` what was known of the viewer; `ruled` what a site's rules
    did, None where none said anything.
    """

    id: LoggedName
    viewer: PseudonymField
    title: LoggedName
    artwork: LoggedName
    surface: LoggedName
    value: Probability
    shown_at_ms: Millis
    closed_at_ms: Millis
    candidates: Annotated[tuple[LoggedName, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
    propensities: Annotated[tuple[Probability, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
    explored: bool
    policy: str
    versions: Versions
    features: Annotated[tuple[float, ...], Meta(max_length=64)] = ()
    personal: float = 0.0
    multiplier: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0
    expected: Probability = 0.0
    minutes: float = 0.0
    engaged: tuple[str, ...] = ()
    definition: str = "quality_play"
    watched: Watched = {}
    source: int = 0
    sequence: int = 0
    split: Split = ""
    fresh: bool = False
    caller: CallerName = ""
    context: Context = {}
    situation: Situation = ()
    responded: Annotated[float, Meta(ge=-8.0, le=8.0)] = 0.0
    response: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0
    position: Position = 0
    beliefs: LoggedBeliefs = b""
    taste: LoggedTaste = b""
    segment: str = ""
    level: Probability = 0.0
    trust: float = 0.0
    strength: float = 0.0
    ruled: Ruled | None = None
    version: Annotated[int, Meta(ge=1)] = 1

    @property
    def propensity(self) -> float:
        """The probability with which the policy chose this artwork."""
        return self.propensities[self.candidates.index(self.artwork)]
