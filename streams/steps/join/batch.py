"""One batch through the join."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import compress

from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.assigned import Assigned, mark
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.events import AboutTitle, Erasure, Event, Impression, TitleEvent
from keyart.schemas.ids import fits, is_decision_id
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import REWARDS
from keyart.streams.families import ASSIGNED, ERASED, PAGES, VISITS, WINDOWS
from keyart.streams.ports import Output
from keyart.streams.steps.due import Due
from keyart.streams.steps.effects import Effects, Held, Wanted
from keyart.streams.steps.join.judging import judge
from keyart.streams.steps.join.logged import ByViewer, Early, Logged, is_unasked
from keyart.streams.steps.join.pages import (
    Opened,
    open_taken,
    pack_opened,
    reward_in,
    unpack_page,
)
from keyart.streams.steps.join.rules import (
    HOUR_MS,
    JoinRules,
)
from keyart.streams.steps.join.state import (
    MAX_EVENTS,
    Trace,
    Traces,
    Window,
    bucket_of,
    lasting,
    page_key,
    window_key,
)
from keyart.streams.steps.join.viewers import Viewer
from keyart.streams.steps.reasons import counter


class JoinBatch:
    """One batch through the join: reads `held`, gathers what changes.

    Parameters
    ----------
    held
        The state of `wanted`; that of `wanted_then` is looked up in it later.
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
        self._viewers: dict[str, Viewer] = {}
        self._opened: dict[tuple[str, int], Opened] = {}
        self._resolved: dict[str, tuple[Assigned, list[int | None]]] = {}
        stored = held.get(ERASED)
        self._traces: Traces = {} if stored is None else codec.unpack(stored, dict[int, Trace])
        self.effects = Effects()
        self.due: list[Due] = []

    def wanted_then(self, came: ByViewer, due: Sequence[Due]) -> Wanted:
        """Return what else the batch has to see, now that its viewers and pages are known."""
        found: Wanted = {(WINDOWS, window_key(each.viewer, each.name)) for each in due if each.name}
        for key, its in came.items():
            viewer = self.viewer(key)
            if not len(viewer.assigned):
                continue
            resolved: list[int | None] = []
            for each in its:
                if isinstance(each, Erasure):
                    ids = [viewer.id_at(at) for at in range(len(viewer.assigned))]
                    found |= {(WINDOWS, window_key(key, id)) for id in ids}
                    resolved.append(None)
                    continue
                resolved.append(at := viewer.resolve(each, self._rules))
                page = None if at is None else viewer.page_of(at)
                if at is None or (page is not None and page.number in viewer.pages):
                    continue
                found.add((WINDOWS, window_key(key, viewer.id_at(at, each.event))))
                if page is not None and not page.has_seen(viewer.assigned.mark_at(at)):
                    found.add((PAGES, page_key(key, page.number)))
            self._resolved[key] = viewer.assigned, resolved
        return found

    def decide(self, page: DecisionPage, logged_at_ms: int = 0) -> None:
        """Take in a page of decisions; `logged_at_ms` is when the log had it, 0 if not known."""
        counts, rules = self.effects.counts, self._rules
        trace = self._traces.get(bucket_of(page.viewer))
        if trace is not None and page.decided_at_ms <= trace.erased_at_ms:
            counts["erased"] += len(page.decisions)
            return
        due_ms = page.decided_at_ms + rules.life_ms
        viewer = self.viewer(page.viewer)
        # what comes after its time was over may have been here before
        new = [] if logged_at_ms >= due_ms else viewer.new(page.decisions)
        counts["repeat_decisions"] += len(page.decisions) - len(new)
        rows = new[: viewer.room]
        counts["beyond_bound"] += len(new) - len(rows)
        if not rows:
            return
        taken = [page.decisions[row] for row in rows]
        viewer.visit.since_ms = viewer.visit.since_ms or page.decided_at_ms
        opened = open_taken(page, rows)
        number = viewer.assign(
            taken,
            page.surface,
            pack_opened(opened),
            decided_at_ms=page.decided_at_ms,
            policy=page.versions.policy,
            due_ms=due_ms,
        )
        self._opened[viewer.key, number] = opened
        still: list[Early] = []
        for each in viewer.keep_waiting(still):
            logged = each.logged
            if (at := viewer.resolve(logged, self._rules)) is None:
                still.append(each)
            else:
                self._join(viewer, at, logged)

    def observe(self, came: ByViewer) -> None:
        """Take in impressions, engagements and erasures, after `wanted_then` looked at them."""
        for key, its in came.items():
            viewer = self.viewer(key)
            assigned, resolved = self._resolved.get(key, (viewer.assigned, [None] * len(its)))
            for each, at in zip(its, resolved, strict=True):
                if isinstance(each, Erasure):
                    self._erase(each)
                    continue
                if viewer.assigned is not assigned:
                    at = viewer.resolve(each, self._rules)
                if at is None:
                    self._wait(viewer, each)
                else:
                    self._join(viewer, at, each)

    def close(self, due: Iterable[Due]) -> None:
        """Close what is due: windows become rewards, what is over is forgotten."""
        for at_ms, name, key in due:
            viewer = self.viewer(key)
            if name == "":
                self._clean(viewer, at_ms)
                continue
            window = viewer.window(name)
            if window is None or window.due_ms != at_ms:
                continue
            viewer.windows[name] = None
            if window.shown is None:
                self._count("unseen", *window.events)
            else:
                self._reward(viewer, window, at_ms)

    def crowd_out(self, viewers: Iterable[str]) -> None:
        """Drop what waits of these viewers for its decisions: too much waits of all."""
        for key in viewers:
            for each in self.viewer(key).keep_waiting([]):
                self._given_up("crowded", each.logged)

    def waiting(self) -> Iterator[tuple[str, Sequence[Early]]]:
        """Yield each viewer of the batch, and what waits of them for its decision."""
        for viewer in self._viewers.values():
            yield viewer.key, viewer.visit.early

    def finish(self) -> Effects:
        """Return the effects of the whole batch."""
        for viewer in self._viewers.values():
            puts, due = viewer.puts(self._rules)
            self.effects.puts.update(puts)
            self.due += due
        return self.effects

    def viewer(self, key: str) -> Viewer:
        """Return a viewer, read once."""
        if key not in self._viewers:
            self._viewers[key] = Viewer(key, self._held)
        return self._viewers[key]

    def _wait(self, viewer: Viewer, logged: Logged) -> None:
        event = logged.event
        if event.decision is not None and not is_decision_id(event.decision):
            self._count("orphaned", logged)
        elif viewer.waits(event):
            self._count("repeat", logged)
        elif not viewer.may_wait(event):
            self._given_up("crowded", logged)
        else:
            self._count("early", logged)
            viewer.wait(logged)

    def _given_up(self, why: str, logged: Logged) -> None:
        """Count an event that met no decision; of past plays nothing is lost by that."""
        self._count("unasked" if is_unasked(logged.event) else why, logged)

    def _join(self, viewer: Viewer, at: int, logged: Logged) -> None:
        event, id = logged.event, viewer.id_at(at, logged.event)
        window = viewer.window(id)
        if window is None:
            page = viewer.page_of(at)
            if page is None or page.has_seen(viewer.assigned.mark_at(at)):
                self._count("repeat" if isinstance(event, Impression) else "late", logged)
                return
            window = Window(0, self._begun(viewer, page.number, viewer.assigned.line_at(at)))
        if event.title != window.reward.title:
            self._count("foreign", logged)
        elif event.artwork is not None and event.artwork != window.reward.artwork:
            self._count("other_artwork", logged)
        elif isinstance(event, Impression):
            if window.shown is not None:
                self._count("repeat", logged)
                return
            until = logged.received_at_ms + self._rules.patience_ms
            viewer.keep_page(at, until, seen=True)
            begun = window.reward
            if event.caller != begun.caller:
                begun = structs.replace(begun, caller=event.caller)
            self.keep(viewer, id, Window(until, begun, shown=logged.stamp, events=window.events))
        elif _is_repeat(event, window.events):
            self._count("repeat", logged)
        elif len(window.events) >= MAX_EVENTS:
            self._count("crowded", logged)
        else:
            until = window.due_ms
            if window.shown is None:
                until = max(until, logged.received_at_ms + self._rules.patience_ms)
                viewer.keep_page(at, until, seen=False)
            events = [*window.events, logged]
            self.keep(viewer, id, structs.replace(window, events=events, due_ms=until))

    def _begun(self, viewer: Viewer, number: int, line: int) -> Reward:
        where = (viewer.key, number)
        if where not in self._opened:
            self._opened[where] = unpack_page(viewer.page(number) or b"")
        return reward_in(self._opened[where], line, viewer=viewer.key, source=self._source)

    def keep(self, viewer: Viewer, id: str, window: Window) -> None:
        """Put a window, and note when it is due."""
        before = viewer.window(id)
        viewer.windows[id] = window
        if before is None or before.due_ms != window.due_ms:
            self.due.append(Due(window.due_ms, id, viewer.key))

    def _erase(self, event: Erasure) -> None:
        """Forget the viewer; of what was decided before it nothing becomes a reward."""
        viewer = self.viewer(event.viewer)
        self._count("erased", *(each.logged for each in viewer.visit.early))
        taught = Trace(event.occurred_at_ms, viewer.visit.hour, viewer.visit.rewards)
        windows = viewer.forget()
        self.effects.counts["erased"] += sum(window.shown is not None for window in windows)
        self.trace(event.viewer, taught)

    def trace(self, viewer: str, new: Trace) -> None:
        """Keep when a viewer was erased, and what the viewer had taught in the hour."""
        bucket = bucket_of(viewer)
        old = self._traces.get(bucket, Trace(0))
        hour = max(old.hour, new.hour)
        rewards = sum(each.rewards for each in (old, new) if each.hour == hour)
        self._traces = lasting(self._traces, new.erased_at_ms)
        self._traces[bucket] = Trace(max(old.erased_at_ms, new.erased_at_ms), hour, rewards)
        self.effects.puts[ERASED] = codec.pack(self._traces)

    def _clean(self, viewer: Viewer, now_ms: int) -> None:
        """Forget what is over of a viewer."""
        if viewer.visit.due_ms > now_ms:
            return
        self.effects.counts["unseen"] += viewer.drop_pages(now_ms)
        visit, patience = viewer.visit, self._rules.patience_ms
        due = [each.received_at_ms + patience <= now_ms for each in visit.early]
        for each in compress(visit.early, due):
            self._given_up("orphaned", each.logged)
        viewer.keep_waiting([each for each, over in zip(visit.early, due, strict=True) if not over])
        if (visit.hour + 1) * HOUR_MS + patience <= now_ms:
            visit.hour, visit.rewards, visit.taught = 0, 0, {}

    def _reward(self, viewer: Viewer, window: Window, at_ms: int) -> None:
        assert window.shown is not None
        counts = self.effects.counts
        title = mark(window.reward.title)
        if not self._may_teach(viewer, title, window.shown.received_at_ms // HOUR_MS):
            counts["limited"] += 1
            return
        judged = judge(window, window.shown, self._rules)
        self._count("outside_window", *judged.outside)
        if judged.reward is None:
            if judged.failed:
                counts["reward_failed"] += 1
            else:
                counts["clock_doubt"] += 1
            return
        viewer.visit.rewards += 1
        viewer.visit.taught[title] = viewer.visit.taught.get(title, 0) + 1
        if judged.reward.id in self._already:
            counts["rewarded_already"] += 1
            return
        self.sequence += 1
        known_ms = window.reward.closed_at_ms - viewer.visit.since_ms
        reward = structs.replace(
            judged.reward,
            closed_at_ms=at_ms,
            sequence=self.sequence,
            fresh=0 <= known_ms < HOUR_MS,
        )
        self.effects.outputs.append(Output(REWARDS, reward.title, codec.encode(reward)))
        counts["rewards"] += 1

    def _may_teach(self, viewer: Viewer, title: int, hour: int) -> bool:
        """Return whether the viewer has not taught too much in the hour of the impression."""
        visit, trace = viewer.visit, self._traces.get(bucket_of(viewer.key))
        if hour > visit.hour:
            visit.hour, visit.rewards, visit.taught = hour, 0, {}
        if visit.taught.get(title, 0) >= self._rules.hourly_of_title:
            return False
        before = trace.rewards if trace is not None and trace.hour == visit.hour else 0
        return visit.rewards + before < self._rules.hourly

    def _count(self, what: str, *events: Logged) -> None:
        for each in events:
            self.effects.counts[counter(what, impression=isinstance(each.event, Impression))] += 1


def wanted(pages: Sequence[DecisionPage], came: Iterable[str], due: Sequence[Due]) -> Wanted:
    """Return the state of the viewers in a batch; `JoinBatch.wanted_then` says what else."""
    viewers = {page.viewer for page in pages}.union(came, [each.viewer for each in due])
    found = {(family, viewer) for viewer in viewers for family in (ASSIGNED, VISITS)}
    return found | {ERASED} if viewers else found


def is_foreign(event: Event) -> bool:
    """Return whether an event names a decision that was made for another viewer or title."""
    if not isinstance(event, AboutTitle) or event.decision is None:
        return False
    return not fits(event.decision, event.viewer, event.title)


def _is_repeat(event: TitleEvent, events: Sequence[Logged]) -> bool:
    return any(event.id == other.event.id for other in events)
