"""Reward definitions: what a decision that was seen was worth. Plain functions, found by name.

One teaches: its value is bounded to 0 to 1, which is what a take fraction, and the sums that the
bandit learns from, can be made of. Others are watched beside it, bounded to -1 to 1.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from keyart.models.sums.declared import Declared
from keyart.models.sums.reward_plugins import load_plugin, plugin_names
from keyart.schemas.errors import SettingsError, UnknownName
from keyart.schemas.events import Click, Engagement, Finish, Hide, Like, Play

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardRules:
    """How what was seen is valued. `window_ms` counts from the impression.

    Parameters
    ----------
    definition
        Name of the one that teaches.
    window_ms, minutes
        Its numbers, and those of every definition that has none of its own.
    watched
        Names of those that are watched beside it.
    declared
        By name, those that a site declares in its settings.
    """

    definition: str = "quality_play"
    window_ms: int = 1_800_000
    minutes: float = 2.0
    watched: tuple[str, ...] = ()
    declared: Mapping[str, Declared] = field(default_factory=dict)

    def span_ms(self, name: str) -> tuple[int, int]:
        """Return (after, until): when after the impression a definition counts, in ms."""
        if (own := self.declared.get(name)) is None:
            return 0, self.window_ms
        until_ms = self.window_ms if own.window_s is None else round(own.window_s * 1000)
        return round(own.after_s * 1000), until_ms


RewardDefinition = Callable[[Sequence[Engagement], RewardRules], float]


def minutes_played(engaged: Sequence[Engagement]) -> float:
    """Return the minutes of all plays together."""
    return sum(event.minutes for event in engaged if isinstance(event, Play))


def quality_play(engaged: Sequence[Engagement], rules: RewardRules) -> float:
    """Return 1 for a finish, or plays of `rules.minutes` or more together; else 0."""
    finished = any(isinstance(event, Finish) for event in engaged)
    return float(finished or minutes_played(engaged) >= rules.minutes)


def any_click(engaged: Sequence[Engagement], rules: RewardRules) -> float:
    """Return 1 for a click or a play, else 0: for sites that have nothing better."""
    return float(any(isinstance(event, Click | Play | Finish) for event in engaged))


def satisfied_play(engaged: Sequence[Engagement], rules: RewardRules) -> float:
    """Halve a quality play unless the viewer also finished or liked it; 0 once hidden."""
    if any(isinstance(event, Hide) for event in engaged):
        return 0.0
    sure = any(isinstance(event, Finish | Like) for event in engaged)
    return quality_play(engaged, rules) * (1.0 if sure else 0.5)


_DEFINITIONS: dict[str, RewardDefinition] = {
    each.__name__: each for each in (quality_play, any_click, satisfied_play)
}


def reward_names() -> tuple[str, ...]:
    """Return the names of keyart's own definitions, and of those that are installed beside it."""
    return (*_DEFINITIONS, *(name for name in plugin_names() if name not in _DEFINITIONS))


def is_plugin(name: str) -> bool:
    """Whether a definition of that name is another package's."""
    return name not in _DEFINITIONS and name in plugin_names()


def described_rewards() -> dict[str, str]:
    """Return what each definition returns, in a sentence, by name; or why it cannot be had."""
    found = {}
    for name in reward_names():
        try:
            said = definition_of(name).__doc__ or "a package's own"
        except SettingsError as wrong:
            said = str(wrong)
        found[name] = " ".join(said.split())
    return found


def definition_of(name: str) -> RewardDefinition:
    """Return a definition that is no declared one.

    Raises
    ------
    UnknownName
        There is none of that name.
    SettingsError
        It is another package's, and cannot be loaded.
    """
    if (own := _DEFINITIONS.get(name)) is not None:
        return own
    if name not in plugin_names():
        raise UnknownName(f"no reward definition {name!r}; there are {reward_names()}")
    return load_plugin(name)


def worth(name: str, engaged: Sequence[Engagement], rules: RewardRules) -> float | None:
    """Return what a definition says, unbounded; None where another package's fails to say it.

    Raises
    ------
    UnknownName
        There is no definition of that name.
    """
    if (declared := rules.declared.get(name)) is not None:
        return declared.value(engaged)
    definition = definition_of(name)
    if name in _DEFINITIONS:
        return definition(engaged, rules)
    try:
        value = float(definition(engaged, rules))
    except Exception:  # code of others: it must not stop a lane
        log.warning("reward %r failed", name, exc_info=True)
        return None
    return value if isfinite(value) else None


def taught(value: float) -> float:
    """Return the value of the definition that teaches as the bandit can take it, 0 to 1."""
    return min(1.0, max(0.0, value))


def noted(value: float) -> float:
    """Return the value of one that is watched, -1 to 1."""
    return min(1.0, max(-1.0, value))
