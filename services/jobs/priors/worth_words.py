"""What versions were worth on one log, in words."""

from collections.abc import Sequence
from typing import Final

from keyart.models.likelihood.calibrate import LEAST_GAIN
from keyart.schemas.priors import NEUTRAL
from keyart.schemas.registry import ITSELF, PARENT, UNTRAINED, WorthOnLog

ROLES: Final = {ITSELF: "it", PARENT: "its parent", UNTRAINED: "untrained"}
LOUD, SOFT = 0.8, 1.25
"""Scales beyond which what is said is called too loud, or too soft."""


def worth_words(beside: Sequence[WorthOnLog]) -> list[str]:
    """Return a line for each, and one for what learning from the log has changed."""
    lines = [f"{_who(each)}: {_worth(each)}" for each in beside]
    told = [each for each in beside if not each.missing]
    if len(told) > 1 and told[0].role == ITSELF:
        lines += [_change(told[0], each) for each in told[1:]]
    return lines


def _who(its: WorthOnLog) -> str:
    role = ROLES.get(its.role, its.role)
    return role if its.role == ITSELF else f"{role} ({its.version})"


def _worth(its: WorthOnLog) -> str:
    if its.missing:
        return f"cannot be told: {its.missing}"
    if its.version == NEUTRAL:
        return "no opinion, worth nothing"
    if its.scale == 0.0:
        return "its opinions do not help on this log, worth nothing"
    if its.scale < LOUD:
        fits = "said too loudly"
    else:
        fits = "said too softly" if its.scale > SOFT else "said about as it came"
    return (
        f"worth {its.strength:,.0f} impressions, {its.gain:+.1f} nats over no opinion; {fits} "
        f"(scale {its.scale:.2f})"
    )


def _change(now: WorthOnLog, then: WorthOnLog) -> str:
    who, more = _who(then), now.gain - then.gain
    if abs(more) < LEAST_GAIN:
        return f"learning made no difference that can be told from {who}: {more:+.1f} nats"
    better = "likelier" if more > 0 else "less likely"
    return (
        f"what it learned makes what happened {better} than {who} did, by {abs(more):.1f} nats; "
        f"worth {now.strength:,.0f} impressions against {then.strength:,.0f}"
    )
