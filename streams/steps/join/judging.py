"""What a decision that was seen is worth, of all that was done in its window."""

from typing import NamedTuple

from msgspec import structs

from keyart.models.sums.rewards import minutes_played, reward_of
from keyart.schemas.events import Engagement, Impression
from keyart.schemas.rewards import Reward
from keyart.streams.steps.join.clocks import Stamp, Within, corrected, within
from keyart.streams.steps.join.logged import Logged
from keyart.streams.steps.join.rules import JoinRules
from keyart.streams.steps.join.state import Window


class Judged(NamedTuple):
    """The reward, None when the clocks leave its value open; and what was outside the window."""

    reward: Reward | None
    outside: list[Logged]


def judge(window: Window, shown: Stamp, rules: JoinRules) -> Judged:
    """Return what a window that is closed was worth; `shown` is its impression."""
    decided_at_ms = window.reward.closed_at_ms
    inside: list[Engagement] = []
    possible: list[Engagement] = []
    outside: list[Logged] = []
    for each in window.events:
        event = each.event
        if isinstance(event, Impression):
            continue
        cited = event.decision is not None
        found = within(decided_at_ms, shown, each.stamp, rules, cited=cited)
        if found is Within.NO:
            outside.append(each)
            continue
        possible.append(event)
        if found is Within.YES:
            inside.append(event)
    value = reward_of(inside, rules.rewards)
    if len(possible) > len(inside) and reward_of(possible, rules.rewards) != value:
        return Judged(None, outside)
    reward = structs.replace(
        window.reward,
        value=value,
        shown_at_ms=corrected(decided_at_ms, shown),
        minutes=minutes_played(inside),
        engaged=tuple(sorted({type(event).__name__.lower() for event in inside})),
        definition=rules.rewards.definition,
    )
    return Judged(reward, outside)
