"""Reward definitions that a site declares in its settings: events, minutes, weights, a window."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from keyart.schemas.errors import SettingsError
from keyart.schemas.events import Engagement, Finish, Play

MOST_DEFINITIONS: Final = 8
"""Of one site: the one that teaches, and those that are watched."""
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_S: Final = 604_800.0
Kind = Literal["click", "play", "finish", "like", "hide"]
Weight = Annotated[float, Meta(ge=-1.0, le=1.0)]
_Minutes = Annotated[float, Meta(ge=0.0, le=1440.0)]
_Seconds = Annotated[float, Meta(ge=0.0, le=LONGEST_S)]


class Played(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What plays are worth by their minutes together: `least` or more, and `under` some.

    With `under`, a play that came to the title's end does not count: it was short, not left.
    """

    weight: Weight
    least: _Minutes = 0.0
    under: _Minutes | None = None


class Declared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One definition: the sum of the weights of all that happened.

    Parameters
    ----------
    events
        By kind of engagement, what it is worth that there was one or more of it, -1 to 1.
    played
        What minutes are worth, each by itself.
    window_s
        Until how long after the impression an engagement counts; None: the site's window.
    after_s
        What comes as soon as this after the impression does not count: what is delayed does.
    """

    events: dict[Kind, Weight] = {}
    played: Annotated[tuple[Played, ...], Meta(max_length=8)] = ()
    window_s: _Seconds | None = None
    after_s: _Seconds = 0.0

    def value(self, engaged: Sequence[Engagement]) -> float:
        """Return the sum of the weights of what was done; whoever asks bounds it."""
        kinds = {type(event).__name__.lower() for event in engaged}
        found = sum(weight for kind, weight in self.events.items() if kind in kinds)
        plays = [event.minutes for event in engaged if isinstance(event, Play)]
        if not plays:
            return found
        minutes = sum(plays)
        finished = any(isinstance(event, Finish) for event in engaged)
        for each in self.played:
            left = each.under is None or (minutes < each.under and not finished)
            if minutes >= each.least and left:
                found += each.weight
        return found

    @property
    def gives(self) -> bool:
        """Whether anything in it is worth more than nothing."""
        weights = (*self.events.values(), *(each.weight for each in self.played))
        return any(weight > 0.0 for weight in weights)

    @property
    def words(self) -> str:
        """What it is worth, in a sentence."""
        parts = [f"{weight:+g} for a {kind}" for kind, weight in self.events.items()]
        for each in self.played:
            least = f" of {each.least:g} minutes or more" if each.least else ""
            under = "" if each.under is None else f" of under {each.under:g} minutes, not finished"
            parts.append(
                f"{each.weight:+g} for plays{least}{' and' * bool(least and under)}{under}"
            )
        when = f", {self.after_s:g} s or later" if self.after_s else ""
        until = "" if self.window_s is None else f", within {self.window_s:g} s"
        return f"{', '.join(parts)}{when}{until}"


def read_declared(text: str, *, window_s: float, name: str) -> dict[str, Declared]:
    """Return the definitions of a JSON object, by name.

    Parameters
    ----------
    text
        `{"NAME": {"events": {"finish": 1.0}, "played": [{"least": 2, "weight": 0.5}]}}`; "": none.
    window_s
        The site's window, in seconds: none of theirs is longer.
    name
        What the text is called in an error.

    Raises
    ------
    SettingsError
        It is no such object, or a definition says what cannot be.
    """
    if not text.strip():
        return {}
    try:
        found = msgspec.json.decode(text, type=dict[str, Declared])
    except msgspec.DecodeError as wrong:  # a ValidationError is one
        raise SettingsError(f"{name}: {wrong}") from None
    if len(found) > MOST_DEFINITIONS:
        raise SettingsError(f"{name} declares {len(found)} rewards, at most {MOST_DEFINITIONS}")
    for each, declared in found.items():
        _check(each, declared, window_s, name)
    return found


def _check(each: str, declared: Declared, window_s: float, name: str) -> None:
    if not NAME.fullmatch(each):
        raise SettingsError(f"{name}: {each[:50]!r} must be of a-z, 0-9 and _, at most 40")
    if not (declared.events or declared.played):
        raise SettingsError(f"{name}: {each!r} names neither events nor played")
    if declared.window_s is not None and not 0.0 < declared.window_s <= window_s:
        raise SettingsError(
            f"{name}: window_s of {each!r} is {declared.window_s:g}, and must be above 0 and at "
            f"most KEYART_REWARD_WINDOW_S, {window_s:g}"
        )
    until_s = window_s if declared.window_s is None else declared.window_s
    if declared.after_s >= until_s:
        raise SettingsError(
            f"{name}: after_s of {each!r} is {declared.after_s:g}, and its window ends at "
            f"{until_s:g}"
        )
    for its in declared.played:
        if its.under is not None and its.under <= its.least:
            raise SettingsError(
                f"{name}: {each!r} has no minutes from {its.least:g} to under {its.under:g}"
            )
