"""Reward definitions: what a decision that was seen was worth. Plain functions, found by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyart.schemas.errors import UnknownName
from keyart.schemas.events import Click, Engagement, Finish, Hide, Like, Play


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardRules:
    """The definition's name and its numbers. `window_ms` counts from the impression."""

    definition: str = "quality_play"
    window_ms: int = 1_800_000
    minutes: float = 2.0


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
    """Return the names of all definitions."""
    return tuple(_DEFINITIONS)


def described_rewards() -> dict[str, str]:
    """Return what each definition returns, in a sentence, by name."""
    return {
        name: " ".join((definition.__doc__ or "a site's own").split())
        for name, definition in _DEFINITIONS.items()
    }


def register_reward(name: str, definition: RewardDefinition) -> None:
    """Add a site's own definition; its values are clipped to 0..1."""
    _DEFINITIONS[name] = definition


def reward_of(engaged: Sequence[Engagement], rules: RewardRules) -> float:
    """Return the value, 0 to 1, of what a viewer did within the window.

    Raises
    ------
    UnknownName
        Nobody registered the definition.
    """
    if (definition := _DEFINITIONS.get(rules.definition)) is None:
        raise UnknownName(f"no reward definition {rules.definition!r}; there are {reward_names()}")
    return min(1.0, max(0.0, definition(engaged, rules)))
