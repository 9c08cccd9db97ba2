"""What a decision that was seen is worth, of all that was done in its window."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import structs

from keyart.models.sums.rewards import RewardRules, minutes_played, noted, taught, worth
from keyart.schemas.events import Engagement, Impression
from keyart.schemas.rewards import Reward
from keyart.streams.steps.join.clocks import Stamp, Within, corrected, within
from keyart.streams.steps.join.logged import Logged
from keyart.streams.steps.join.rules import JoinRules
from keyart.streams.steps.join.state import Window


class Judged(NamedTuple):
    """The reward, None when the clocks leave its value open, or its definition `failed` to say it.

    And what was outside the window.
    """

    reward: Reward | None
    outside: list[Logged]
    failed: bool = False


class _Met(NamedTuple):
    """Engagements: surely in a span, surely or possibly, and surely not."""

    inside: list[Engagement]
    possible: list[Engagement]
    outside: list[Logged]


def judge(window: Window, shown: Stamp, rules: JoinRules) -> Judged:
    """Return what a window that is closed was worth; `shown` is its impression."""
    decided_at_ms, rewards = window.reward.closed_at_ms, rules.rewards
    spans: dict[tuple[int, int], _Met] = {}

    def met(name: str) -> _Met:
        span = rewards.span_ms(name)
        if span not in spans:
            spans[span] = _met(window, shown, rules, *span)
        return spans[span]

    its = met(rewards.definition)
    value, failed = _said(rewards.definition, its, rewards, taught)
    if value is None:
        return Judged(None, its.outside, failed)
    watched = {}
    for name in rewards.watched:
        found, _ = _said(name, met(name), rewards, noted)
        if found is not None:
            watched[name] = found
    reward = structs.replace(
        window.reward,
        value=value,
        shown_at_ms=corrected(decided_at_ms, shown),
        minutes=minutes_played(its.inside),
        engaged=tuple(sorted({type(event).__name__.lower() for event in its.inside})),
        definition=rewards.definition,
        watched=watched,
    )
    return Judged(reward, its.outside)


def _met(window: Window, shown: Stamp, rules: JoinRules, after_ms: int, until_ms: int) -> _Met:
    decided_at_ms = window.reward.closed_at_ms
    found = _Met([], [], [])

    def by(each: Logged, span_ms: int) -> Within:
        cited = each.event.decision is not None
        return within(
            decided_at_ms, shown, each.stamp, span_ms, moment_ms=rules.moment_ms, cited=cited
        )

    for each in window.events:
        event = each.event
        if isinstance(event, Impression):
            continue
        when = by(each, until_ms)
        if after_ms and when is not Within.NO:
            early = by(each, after_ms)
            if early is not Within.NO:
                when = Within.NO if early is Within.YES else Within.UNKNOWN
        if when is Within.NO:
            found.outside.append(each)
            continue
        found.possible.append(event)
        if when is Within.YES:
            found.inside.append(event)
    return found


def _said(
    name: str, met: _Met, rules: RewardRules, bounded: Callable[[float], float]
) -> tuple[float | None, bool]:
    """Return what a definition says, None where that is open, and whether it failed.

    What may have been in the window or not must not change it: neither all of it, nor, where a
    weight may take away what another gives, any one of it.
    """
    if (sure := worth(name, met.inside, rules)) is None:
        return None, True
    value = bounded(sure)
    doubtful: list[Sequence[Engagement]] = []
    if len(met.possible) > len(met.inside):
        doubtful.append(met.possible)
        if name in rules.declared:
            doubtful += [
                [*met.inside, each] for each in met.possible if not _among(each, met.inside)
            ]
    for each in doubtful:
        if (other := worth(name, each, rules)) is None:
            return None, True
        if bounded(other) != value:
            return None, False
    return value, False


def _among(event: Engagement, events: Sequence[Engagement]) -> bool:
    return any(event is each for each in events)
