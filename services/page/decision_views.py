"""What the page says of single decisions."""

from msgspec import Struct

from keyart.schemas.decisions import Terms, Versions


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
