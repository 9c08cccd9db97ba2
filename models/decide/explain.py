"""One true sentence that says why this artwork was shown, made from the terms of its score.

Nothing is said that the terms do not hold: a draw by chance is called one, a factor is named only
when it raised this artwork, and percentages are the factors themselves.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from keyart.models.bandits.protocol import REASONS
from keyart.models.bandits.registry import POLICIES
from keyart.models.decide.responding import RESPONSE, SITUATION
from keyart.models.decide.situated import CONTEXT, LIKES
from keyart.models.taste.features import F32, PROJECTED, PROJECTED_SHORT, SURFACES
from keyart.schemas.decisions import Decision, Terms
from keyart.schemas.rules import ALIKE, DEFAULT, PINNED

NOTICEABLE: Final = 1.02
"""A factor below this is not worth a word."""
CLOSE: Final = 0.35
"""Cosine from which an artwork may be said to be about an interest."""

_LONG: Final = "this viewer's long-standing interests"
_RECENT: Final = "what this viewer took recently"
_REASONS: Final = {
    "long": _LONG,
    "short": _RECENT,
    "negative": "what this viewer has rejected",
    "best": "the nearest of this viewer's interests",
    "best_squared": "the nearest of this viewer's interests",
    "agreement": "where long-standing and recent interests of this viewer agree",
    "typical": "how typical it is of the title (whoever looks)",
    "distinct": "how far it stands out among the title's artworks (whoever looks)",
    "long_typical": "this viewer's interests and how typical it is of the title",
    **{f"long_{axis}": _LONG for axis in range(PROJECTED)},
    **{f"short_{axis}": _RECENT for axis in range(PROJECTED_SHORT)},
    **{f"long_{name}": f"{_LONG}, as they count on {name}" for name in SURFACES},
    "personal": "what is expected of viewers with such a taste",
}
FEW: Final = 200
"""Impressions below which the benefit of the doubt is given as the reason."""


def explain(
    decision: Decision, *, policy: str, explore_share: float = 0.0, interest: str = ""
) -> str:
    """Return one sentence, with a full stop.

    Parameters
    ----------
    decision
        As logged.
    policy
        The name of the policy that made it; of one that is no longer here the usual words hold.
    explore_share
        The share of uniform exploration then, 0 to 1; 0 leaves it unsaid.
    interest
        A named interest of the viewer that the artwork is close to (`closest_interests`), if any.
    """
    count, terms, propensity = len(decision.candidates), decision.terms, decision.propensity
    if terms.because == DEFAULT:
        return "The title's default artwork: its rules, or the request's, leave no other."
    if count == 1:
        return "Shown because the title has no other artwork."
    if terms.because == ALIKE:
        return "The least like the pictures before it: all that the title has are too much so."
    if terms.because == PINNED:
        return f"Pinned: a rule of the title shows this artwork in {_percent(propensity)} of cases."
    if decision.explored:
        share = f", as {_percent(explore_share)} of choices are" if explore_share > 0 else ""
        # those that a slate leaves out have no probability
        count = sum(each > 0.0 for each in decision.propensities)
        return (
            f"Explored: drawn evenly from {count} artworks{share}, to keep the evaluation honest."
        )
    kind = POLICIES.get(policy)
    if kind is not None and (said := kind.why(terms, count)):
        return said
    if propensity < 0.999 / count:
        return (
            f"Shown by chance: the policy gives this artwork {_percent(propensity)} of choices, "
            f"less than an even share of {count}, so that it keeps learning."
        )
    reasons = _reasons(terms, REASONS if kind is None else kind.reasons(), interest)
    if not reasons:
        return (
            f"Shown in {_percent(propensity)} of cases, although nothing known so far raises it "
            f"above the title's level of {_percent(terms.level)}."
        )
    return f"Shown because {', and '.join(reasons)}."


def explain_kept(*, count: int, propensity: float, explored: bool, age_ms: int) -> str:
    """Return one sentence for a decision that stands since an earlier request.

    Parameters
    ----------
    count
        Artworks that the title has now.
    propensity, explored
        Of the decision, when it was made.
    age_ms
        How long ago that was.
    """
    if count == 1:
        return "Shown because the title has no other artwork."
    how = (
        "it was explored: drawn evenly, to keep the evaluation honest"
        if explored
        else f"the policy gave it {_percent(propensity)} of choices"
    )
    return f"Kept as decided {_ago(age_ms)} ago, so that the picture does not change; then {how}."


def _ago(age_ms: int) -> str:
    for unit, size in (("hour", 3_600_000), ("minute", 60_000)):
        if age_ms >= size:
            many = age_ms // size
            return f"{many} {unit}{'s' * (many > 1)}"
    return "less than a minute"


def _reasons(terms: Terms, used: Sequence[str], interest: str) -> list[str]:
    """Return the two strongest reasons, strongest first; fewer when fewer are noticeable."""
    factors = {"taste": terms.taste, "prior": terms.prior, "own": terms.own}
    expected = terms.level * terms.prior * terms.taste * terms.own
    if terms.bonus > 0.0 and terms.impressions < FEW and expected > 0.0:
        factors["bonus"] = 1.0 + terms.bonus / expected
    strong = [
        (factor, name) for name, factor in factors.items() if name in used and factor >= NOTICEABLE
    ]
    if len(strong) > 1:
        strong.sort(key=itemgetter(0), reverse=True)
    return [_told(name, factor, terms, interest) for factor, name in strong[:2]]


def _told(name: str, factor: float, terms: Terms, interest: str) -> str:
    if name == "taste":
        return _taste(terms, interest)
    if name == "prior":
        return (
            f"the prior, trusted at {terms.trust:.2f}, expects {_times(factor)} "
            "the title's level of it"
        )
    if name == "own":
        return f"what viewers did so far puts it at {_times(factor)} what was expected of it"
    return (
        f"with {terms.impressions:.0f} impressions so far little is known of it, and the "
        f"benefit of the doubt adds {_percent(factor - 1.0)}"
    )


def _taste(terms: Terms, interest: str) -> str:
    kind, _, note = terms.because.partition(": ")
    if kind in (RESPONSE, SITUATION):
        return _responded(terms, kind, note)
    if kind in (CONTEXT, LIKES):
        return _situated(terms, kind, note)
    reason = _REASONS.get(terms.because, "this viewer's taste")
    if interest and terms.because not in ("typical", "distinct", "negative"):
        reason = f"{reason} (near '{interest}')"
    return (
        f"{reason}, above all, makes it {_percent(terms.taste - 1.0)} more likely to be taken than "
        "the title's artworks are on average"
    )


def _responded(terms: Terms, kind: str, note: str) -> str:
    """Return what an artwork's own response makes of it, beyond what its text says."""
    much = f"({_percent(terms.taste - 1.0)} above the title's artworks on average)"
    if kind == SITUATION:
        return f"where {note} it is taken more often than elsewhere {much}"
    who = f"who like {note}" if note else "of such a taste"
    return f"viewers {who} take this picture more often than its text would suggest {much}"


def _situated(terms: Terms, kind: str, note: str) -> str:
    """Return what all titles have taught of the context, and what it makes of this artwork."""
    much = f"({_percent(terms.taste - 1.0)} above the title's artworks on average)"
    note = note or "nothing is known of the context"
    if kind == LIKES:
        return f"where {note} what viewers like counts for more, and this is like it {much}"
    return f"where {note} artworks that show what this one shows are taken more often {much}"


def _percent(share: float) -> str:
    """Return a share as text: two digits, never a rounded 0 % or 100 % that is not one."""
    value = 100.0 * share
    if value >= 10.0:
        return f"{value:.0f} %" if value <= 99.5 or value >= 100.0 else f"{value:.1f} %"
    return f"{value:.1f} %" if value >= 1.0 else f"{value:.2g} %"


def _times(factor: float) -> str:
    return f"{factor:.2f} times"


def closest_interests(artworks: F32, interests: F32, names: Sequence[str]) -> list[str]:
    """Return (N,) the name of the interest that each artwork is about, "" where it is about none.

    Parameters
    ----------
    artworks
        (N, D) unit vectors.
    interests
        (C, D) unit vectors of the viewer's named interests.
    names
        (C,) their names.
    """
    if not len(names):
        return [""] * len(artworks)
    alike = artworks @ interests.T  # (N, C)
    near = (alike.max(axis=1) >= CLOSE).tolist()
    places = alike.argmax(axis=1).tolist()
    return [names[at] if close else "" for at, close in zip(places, near, strict=True)]
