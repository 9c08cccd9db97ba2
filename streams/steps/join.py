"""The reward join: a decision, its impression and its engagements become one reward.

What meets what, and what is counted when it does not:

| what comes | effect | counter |
|---|---|---|
| a decision again within its dwell period | the first one stands | repeat_decisions |
| an impression or engagement before its decision | it waits for it | early_events |
| ... and the decision never comes | dropped | orphaned |
| a decision whose impression never comes | teaches nothing | unseen |
| a second impression | none | repeat_impressions |
| an event with the id of an earlier one | none | repeat_events |
| an engagement outside the window | none on the reward | outside_window |
| an event after its window was closed | none on the reward | late_events |
| an event for another artwork than the decision's | none on the reward | other_artwork |
| an open decision of a viewer who was erased | dropped | erased |
| a reward beyond the viewer's hourly bound | not learned from | limited |
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from msgspec import Struct, structs

from keyart.models.bandits.uniforms import dwell_period
from keyart.models.rewards import RewardRules, minutes_played, reward_of
from keyart.schemas import codec
from keyart.schemas.decisions import Decision, DecisionPage
from keyart.schemas.events import Erasure, Event, Impression, TitleEvent
from keyart.schemas.ids import ViewerKey, decision_id
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import REWARDS
from keyart.streams.ports import Output
from keyart.streams.steps.due import Due
from keyart.streams.steps.effects import Effects, Held, Wanted

JOIN = "join"
MAX_EVENTS = 32
MAX_REMEMBERED = 512
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRules:
    """How rewards are made. `dwell_ms` is the period in which repeats are one assignment."""

    rewards: RewardRules = field(default_factory=RewardRules)
    lateness_ms: int = 120_000
    dwell_ms: int = 21_600_000
    hourly: int = 500


class Waiting(Struct, kw_only=True, omit_defaults=True):
    """One decision whose window is open, or events that wait for their decision."""

    due_ms: int
    viewer: str
    reward: Reward | None = None
    events: list[TitleEvent] = []


class Remembered(Struct, kw_only=True, omit_defaults=True):
    """What the join keeps of a viewer: decisions closed in this period, and the hour's rewards."""

    due_ms: int
    closed: list[int] = []
    hour: int = 0
    rewards: int = 0
    erased_at_ms: int = 0


class Stored(Struct, kw_only=True):
    """What says when a window, or what is kept of a viewer, is due."""

    due_ms: int
    viewer: str = ""


class JoinBatch:
    """One batch through the join: reads `held`, gathers what changes.

    Parameters
    ----------
    held
        The state of `wanted`.
    rules
        How rewards are made.
    source, sequence
        The join's partition, and the number of its last reward.
    already
        Ids of rewards that are in the log: a rebuild makes none of them again.
    """

    def __init__(
        self,
        held: Held,
        rules: JoinRules,
        *,
        source: int,
        sequence: int,
        already: Container[str] = (),
    ) -> None:
        self._held = held
        self._rules = rules
        self._source = source
        self._already = already
        self.sequence = sequence
        self._waiting: dict[str, Waiting | None] = {}
        self._viewers: dict[str, Remembered | None] = {}
        self.effects = Effects()
        self.due: list[Due] = []

    def decide(self, page: DecisionPage) -> None:
        """Take in a page of decisions."""
        for decision in page.decisions:
            if self._is_closed(page.viewer, decision.id):
                self.effects.counts["repeat_decisions"] += 1
                continue
            waiting = self._find(decision.id)
            if waiting is not None and waiting.reward is not None:
                self.effects.counts["repeat_decisions"] += 1
                continue
            early = waiting.events if waiting is not None else []
            due = page.decided_at_ms + self._rules.rewards.window_ms + self._rules.lateness_ms
            reward = _opened(page, decision, self._source)
            self._keep(decision.id, Waiting(due_ms=due, viewer=page.viewer, reward=reward))
            for event in early:
                self._join(decision.id, event)

    def observe(self, event: Event) -> None:
        """Take in an impression or an engagement; corrections do not concern the join."""
        if isinstance(event, Erasure):
            self._erase(event)
        elif isinstance(event, TitleEvent):
            names = decisions_of(event, self._rules.dwell_ms)
            known = (
                name
                for name in names
                if self._find(name) is not None or self._is_closed(event.viewer, name)
            )
            self._join(next(known, names[0]), event)

    def _erase(self, event: Erasure) -> None:
        """Remember only that open decisions of this viewer must not become rewards."""
        due = event.occurred_at_ms + self._rules.dwell_ms + self._patience
        forgotten = Remembered(due_ms=due, erased_at_ms=event.occurred_at_ms)
        self._viewers[event.viewer] = forgotten
        self.due.append(Due(due, "", event.viewer))

    def close(self, due: Iterable[Due]) -> None:
        """Close what is due: windows become rewards, forgotten viewers are dropped."""
        for at_ms, name, viewer in due:
            if name == "":
                remembered = self._remembered(viewer)
                if remembered is not None and remembered.due_ms <= at_ms:
                    self._viewers[viewer] = None
                continue
            waiting = self._find(name)
            if waiting is None or waiting.due_ms != at_ms:
                continue
            self._waiting[name] = None
            if waiting.reward is None:
                self.effects.counts["orphaned"] += len(waiting.events)
                continue
            decided_at_ms = waiting.reward.closed_at_ms
            self._remember(waiting.viewer, name, decided_at_ms)
            remembered = self._remembered(waiting.viewer)
            if remembered is not None and decided_at_ms <= remembered.erased_at_ms:
                self.effects.counts["erased"] += 1
            elif waiting.reward.shown_at_ms == 0:
                self.effects.counts["unseen"] += 1
            else:
                self._reward(waiting, at_ms)

    def finish(self) -> Effects:
        """Return the effects of the whole batch."""
        for name, waiting in self._waiting.items():
            self.effects.puts[JOIN, name] = None if waiting is None else codec.pack(waiting)
        for viewer, kept in self._viewers.items():
            self.effects.puts[JOIN, f"v:{viewer}"] = None if kept is None else codec.pack(kept)
        return self.effects

    def _join(self, name: str, event: TitleEvent) -> None:
        waiting = self._find(name)
        if waiting is None or waiting.reward is None:
            late = waiting is None and self._is_closed(event.viewer, name)
            self.effects.counts["late_events" if late else "early_events"] += 1
            if not late:
                self._wait(name, event)
            return
        reward, counts = waiting.reward, self.effects.counts
        if event.artwork is not None and event.artwork != reward.artwork:
            counts["other_artwork"] += 1
        elif isinstance(event, Impression):
            if reward.shown_at_ms:
                counts["repeat_impressions"] += 1
                return
            due = event.occurred_at_ms + self._rules.rewards.window_ms + self._rules.lateness_ms
            shown = structs.replace(reward, shown_at_ms=event.occurred_at_ms)
            self._keep(name, structs.replace(waiting, reward=shown, due_ms=due))
        elif _is_repeat(event, waiting.events):
            counts["repeat_events"] += 1
        elif len(waiting.events) < MAX_EVENTS:
            self._keep(name, structs.replace(waiting, events=[*waiting.events, event]))
        else:
            counts["too_many_events"] += 1

    def _wait(self, name: str, event: TitleEvent) -> None:
        waiting = self._find(name)
        events = waiting.events if waiting is not None else []
        if _is_repeat(event, events) or len(events) >= MAX_EVENTS:
            self.effects.counts["repeat_events"] += 1
            return
        due = waiting.due_ms if waiting is not None else event.occurred_at_ms + self._patience
        self._keep(name, Waiting(due_ms=due, viewer=event.viewer, events=[*events, event]))

    @property
    def _patience(self) -> int:
        return self._rules.rewards.window_ms + self._rules.lateness_ms

    def _reward(self, waiting: Waiting, at_ms: int) -> None:
        assert waiting.reward is not None
        shown, rules = waiting.reward.shown_at_ms, self._rules
        inside = [
            event
            for event in waiting.events
            if shown <= event.occurred_at_ms <= shown + rules.rewards.window_ms
            and not isinstance(event, Impression)
        ]
        self.effects.counts["outside_window"] += len(waiting.events) - len(inside)
        remembered = self._viewers[waiting.viewer]
        assert remembered is not None
        hour = shown // HOUR_MS
        so_far = remembered.rewards if remembered.hour == hour else 0
        if so_far >= rules.hourly:
            self.effects.counts["limited"] += 1
            return
        remembered.hour, remembered.rewards = hour, so_far + 1
        if waiting.reward.id in self._already:
            self.effects.counts["rewarded_already"] += 1
            return
        self.sequence += 1
        reward = structs.replace(
            waiting.reward,
            value=reward_of(inside, rules.rewards),
            minutes=minutes_played(inside),
            engaged=tuple(sorted({type(event).__name__.lower() for event in inside})),
            definition=rules.rewards.definition,
            closed_at_ms=at_ms,
            sequence=self.sequence,
        )
        self.effects.outputs.append(Output(REWARDS, reward.title, codec.encode(reward)))
        self.effects.counts["rewards"] += 1

    def _find(self, name: str) -> Waiting | None:
        if name not in self._waiting:
            data = self._held.get((JOIN, name))
            self._waiting[name] = None if data is None else codec.unpack(data, Waiting)
        return self._waiting[name]

    def _keep(self, name: str, waiting: Waiting) -> None:
        before = self._waiting.get(name)
        self._waiting[name] = waiting
        if before is None or before.due_ms != waiting.due_ms:
            self.due.append(Due(waiting.due_ms, name, waiting.viewer))

    def _remembered(self, viewer: str) -> Remembered | None:
        if viewer not in self._viewers:
            data = self._held.get((JOIN, f"v:{viewer}"))
            self._viewers[viewer] = None if data is None else codec.unpack(data, Remembered)
        return self._viewers[viewer]

    def _is_closed(self, viewer: str, name: str) -> bool:
        remembered = self._remembered(viewer)
        return remembered is not None and _mark(name) in remembered.closed

    def _remember(self, viewer: str, name: str, decided_at_ms: int) -> None:
        remembered = self._remembered(viewer) or Remembered(due_ms=0)
        forgotten = decided_at_ms + self._rules.dwell_ms + self._patience
        closed = [*remembered.closed[-MAX_REMEMBERED + 1 :], _mark(name)]
        if forgotten > remembered.due_ms:
            self.due.append(Due(forgotten, "", viewer))
        self._viewers[viewer] = Remembered(
            due_ms=max(forgotten, remembered.due_ms),
            closed=closed,
            hour=remembered.hour,
            rewards=remembered.rewards,
            erased_at_ms=remembered.erased_at_ms,
        )


def decisions_of(event: TitleEvent, dwell_ms: int) -> list[str]:
    """Return the ids an event's decision may have: as it says, or this period's and the last."""
    if event.decision is not None:
        return [event.decision]
    viewer = ViewerKey(event.viewer)
    period = dwell_period(viewer, event.occurred_at_ms, dwell_ms)
    return [decision_id(viewer, event.title, event.surface, each) for each in (period, period - 1)]


def wanted(
    pages: Sequence[DecisionPage], events: Sequence[Event], due: Sequence[Due], rules: JoinRules
) -> Wanted:
    """Return the join's state that a batch has to see."""
    names = {decision.id for page in pages for decision in page.decisions}
    viewers = {page.viewer for page in pages} | {each.viewer for each in due}
    names |= {each.name for each in due if each.name}
    for event in events:
        if isinstance(event, TitleEvent):
            names.update(decisions_of(event, rules.dwell_ms))
            viewers.add(event.viewer)
    return {(JOIN, name) for name in names} | {(JOIN, f"v:{viewer}") for viewer in viewers}


def key_of(due: Due) -> str:
    """Return the key of the state that is due."""
    return due.name or f"v:{due.viewer}"


def due_of(key: str, value: bytes) -> Due:
    """Return when a stored value is due.

    Raises
    ------
    InvalidRecord
        It cannot be read.
    """
    if key.startswith("v:"):
        return Due(codec.unpack(value, Stored).due_ms, "", key[2:])
    stored = codec.unpack(value, Stored)
    return Due(stored.due_ms, key, stored.viewer)


def check(key: str, value: bytes) -> None:
    """Refuse a stored value that cannot be used.

    Raises
    ------
    InvalidRecord
        It is damaged, or of a newer keyart.
    """
    codec.unpack(value, Remembered if key.startswith("v:") else Waiting)


def _opened(page: DecisionPage, decision: Decision, source: int) -> Reward:
    return Reward(
        id=decision.id,
        viewer=page.viewer,
        title=decision.title,
        artwork=decision.artwork,
        surface=page.surface,
        value=0.0,
        shown_at_ms=0,
        closed_at_ms=page.decided_at_ms,
        candidates=decision.candidates,
        propensities=decision.propensities,
        explored=decision.explored,
        policy=page.policy,
        versions=page.versions,
        features=decision.features,
        personal=decision.personal,
        multiplier=decision.multiplier,
        expected=decision.expected,
        source=source,
        split=page.split,
    )


def _is_repeat(event: TitleEvent, events: Sequence[TitleEvent]) -> bool:
    return any(event.id == other.id for other in events)


def _mark(name: str) -> int:
    return crc32(name.encode())
