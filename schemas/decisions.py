"""What keyart chose, with what anybody needs to judge it later."""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.context import Context, Situation
from keyart.schemas.ids import DecisionId, Millis, Name, PseudonymField

DECISION_VERSION = 1
MAX_TITLES = 200
MAX_ARTWORKS = 40
DWELL_S = 21_600
"""How long a decision stands unless a site says otherwise: six hours."""
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Split = Annotated[str, Meta(max_length=512)]


class Versions(Struct, frozen=True, kw_only=True):
    """What made a decision: names that change whenever the thing itself does."""

    policy: str
    prior: str
    posterior: str
    space: str


class Terms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The factors of the chosen artwork's score; their product, if below 1, is the expected take.

    `level` is a probability; `prior`, `taste`, `own` are factors around 1; `bonus` is what optimism
    added to the index, in probability; `trust` is in -1 to 1, below 0 for a prior that was found to
    be upside down; `impressions` is the artwork's effective number; `because` names the taste
    feature that mattered most.
    """

    level: float
    prior: float = 1.0
    trust: float = 0.0
    taste: float = 1.0
    own: float = 1.0
    bonus: float = 0.0
    impressions: float = 0.0
    because: str = ""
    note: str = ""


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice of an artwork for (viewer, title, surface).

    `candidates` and `propensities` are parallel and hold every artwork that could have been
    chosen; the propensities sum to one. `features` are the chosen artwork's, centred under the
    propensities, and so is `personal`: what the prior said for this viewer beyond what it says for
    everybody. `multiplier` is the taste multiplier m; `expected` the take expected without it.
    `response` is the part of m that is the artwork's own response to the page's `situation`.
    """

    id: DecisionId
    title: Name
    artwork: Name
    candidates: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
    propensities: Annotated[tuple[Probability, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
    explored: bool
    terms: Terms
    features: Annotated[tuple[float, ...], Meta(max_length=64)] = ()
    personal: float = 0.0
    multiplier: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0
    expected: Probability = 0.0
    response: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0

    @property
    def propensity(self) -> float:
        """The probability with which the policy chose what it chose."""
        return self.propensities[self.candidates.index(self.artwork)]


class DecisionPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All decisions of one request: one record of topic `decisions`, keyed by viewer.

    `segment` is the taste segment whose opinions the prior had for this viewer; "" is everybody's.
    `split` is how viewers were shared out between policies then, as in `PolicyBucket`. `context` is
    what the site said of the situation, as it said it; `situation` what artworks respond to.
    """

    viewer: PseudonymField
    surface: Name
    decided_at_ms: Millis
    policy: str
    versions: Versions
    decisions: Annotated[tuple[Decision, ...], Meta(max_length=MAX_TITLES)]
    degraded: str = ""
    segment: str = ""
    split: Split = ""
    context: Context = {}
    situation: Situation = ()
    version: Annotated[int, Meta(ge=1)] = DECISION_VERSION
