"""Whatever waits for decisions that do not come, a lane holds so many bytes of it and no more."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.embed import Concepts, load_space
from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.events import Event, Impression, Play
from keyart.schemas.ids import decision_id
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.memory.store import MemoryLog, MemoryStore
from keyart.streams.ports import VIEWERS, Lane, LogRecord
from keyart.streams.steps.join import Early
from keyart.streams.steps.join.state import Visit, unpack_due
from tests.unit.streams.lane_world import RULES, T0, page, viewer

SPACE = load_space("static")
VIEW = CatalogueView(SPACE, Concepts(SPACE))
LANE = Lane(VIEWERS, 0)
MOST = 4000

comes = st.tuples(st.integers(0, 30), st.integers(0, 5), st.booleans(), st.integers(1, 100))


def event(who: int, title: int, plays: bool, size: int, number: int) -> Event:
    name = f"{number}-{'x' * size}"
    about = {
        "viewer": viewer(who),
        "title": f"t{title}",
        "decision": decision_id(viewer(who), f"t{title}", number),
        "occurred_at_ms": T0,
    }
    if plays:
        return Play(id=name, minutes=1.0, **about)  # type: ignore[arg-type]
    return Impression(id=name, **about)  # type: ignore[arg-type]


class Site:
    """A lane whose every batch is one of the drawn ones."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.store = MemoryStore(self.log)
        self.number = 0
        self.open()

    def open(self) -> None:
        self.lane = ViewersLane(
            self.store, 0, catalogue=VIEW, rules=RULES, rates=TasteRates(), most_early=MOST
        )
        self.lane.open()

    def give(self, topic: str, values: Sequence[tuple[str, bytes]]) -> None:
        records = []
        for key, value in values:
            self.number += 1
            at_ms = T0 + self.number
            records.append(LogRecord(topic, 0, f"{self.number:020d}", key, value, at_ms))
        self.lane.process(records, now_ms=T0)

    def waiting(self) -> dict[str, list[Early]]:
        found = {
            who: unpack_due(value, Visit).early for who, value in self.store.scan(LANE, "visits")
        }
        return {who: early for who, early in found.items() if early}


@given(st.lists(st.lists(comes, min_size=1, max_size=30), max_size=12), st.sets(st.integers(0, 12)))
@settings(max_examples=60, deadline=None)
def test_what_waits_is_bounded_counted_and_the_youngest(
    batches: list[list[tuple[int, int, bool, int]]], restarts: set[int]
) -> None:
    site, sent = Site(), 0
    for at, batch in enumerate(batches):
        if at in restarts:
            site.open()
        before = {who: min(e.logged_at_ms for e in early) for who, early in site.waiting().items()}
        values = []
        for come in batch:
            sent += 1
            one = event(*come, sent)
            values.append((one.viewer, codec.encode(one)))
        site.give(EVENTS, values)
        waiting = site.waiting()
        assert sum(len(codec.pack(early)) for early in waiting.values()) <= MOST
        kept = [
            before[who] for who in waiting if who in before and _stayed(waiting[who], before[who])
        ]
        gone = [since for who, since in before.items() if not _stayed(waiting.get(who, []), since)]
        assert not kept or not gone or max(gone) < min(kept)
        counts = site.store.counts(LANE)
        dropped = counts.get("crowded_plays", 0) + counts.get("crowded_impressions", 0)
        held = sum(map(len, waiting.values()))
        assert held + dropped == sent


def _stayed(early: list[Early], since_ms: int) -> bool:
    return any(each.logged_at_ms == since_ms for each in early)


def test_who_is_left_still_meets_the_decision_and_who_went_leaves_nothing() -> None:
    site = Site()
    for who in range(40):
        seen = Impression(
            id=f"i{who}",
            viewer=viewer(who),
            title="t-d",
            decision=page(who, "d").decisions[0].id,
            occurred_at_ms=T0,
        )
        site.give(EVENTS, [(viewer(who), codec.encode(seen))])
    left = set(site.waiting())
    assert left and left == {viewer(who) for who in range(40 - len(left), 40)}
    for who in range(40):
        site.give(DECISIONS, [(viewer(who), codec.encode(page(who, "d")))])
    site.lane.process([], now_ms=T0 + 10**9)
    rewards = [
        codec.rewards.decode(each.value)
        for each in site.log.read(REWARDS, 0, after=None, count=100)
    ]
    assert {each.viewer for each in rewards} == left
    assert not site.waiting()
