"""Join state that an older keyart left, poisoned or not, is taken over at the start."""

import pytest
from msgspec import Struct

from keyart.schemas import codec
from keyart.schemas.events import Click, Impression, Play, TitleEvent
from keyart.schemas.rewards import Reward
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.memory.store import MemoryLog, MemoryStore
from keyart.streams.ports import VIEWERS, Commit, Lane
from tests.unit.streams.lane_world import (
    T0,
    VERSIONS,
    WINDOW_MS,
    Feed,
    letters,
    rewarded,
    viewer,
    viewers_lane,
)

LANE = Lane(VIEWERS, 0)
HOUR = 3_600_000


class Waiting(Struct, kw_only=True, omit_defaults=True):
    """As written at commit 0007126."""

    due_ms: int
    viewer: str
    reward: Reward | None = None
    events: list[TitleEvent] = []


class Remembered(Struct, kw_only=True, omit_defaults=True):
    due_ms: int
    closed: list[int] = []
    hour: int = 0
    rewards: int = 0
    erased_at_ms: int = 0


def begun(who: int, name: str, *, shown_at_ms: int = 0) -> Reward:
    return Reward(
        id=f"{who:08x}{0:08x}",
        viewer=viewer(who),
        title=f"t-{name}",
        artwork="a",
        surface="home",
        value=0.0,
        shown_at_ms=shown_at_ms,
        closed_at_ms=T0,
        candidates=("a", "b"),
        propensities=(0.5, 0.5),
        explored=False,
        policy="keyart",
        versions=VERSIONS,
        features=(0.5, -0.5),
        expected=0.1,
    )


def play(who: int, name: str, at: int = 1, decision: str | None = None) -> Play:
    about = {"viewer": viewer(who), "title": f"t-{name}", "occurred_at_ms": T0 + at}
    id = decision or f"{who:08x}{0:08x}"
    return Play(id=f"p{who}", minutes=9.0, decision=id, **about)  # type: ignore[arg-type]


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def store(log: MemoryLog) -> MemoryStore:
    """What the older keyart kept: seen and played, seen, unseen, early, closed, poison, damage."""
    held = MemoryStore(log)
    due = T0 + WINDOW_MS
    seen, unseen = begun(1, "seen", shown_at_ms=T0), begun(2, "unseen")
    old: dict[str, bytes] = {
        seen.id: codec.pack(
            Waiting(due_ms=due, viewer=viewer(1), reward=seen, events=[play(1, "seen")])
        ),
        unseen.id: codec.pack(Waiting(due_ms=due, viewer=viewer(2), reward=unseen)),
        f"{3:08x}{0:08x}": codec.pack(
            Waiting(due_ms=due, viewer=viewer(3), events=[play(3, "early")])
        ),
        f"v:{viewer(4)}": codec.pack(
            Remembered(due_ms=due, closed=[1, 2], hour=T0 // HOUR, rewards=3)
        ),
        f"v:{viewer(5)}": codec.pack(
            Waiting(
                due_ms=due,
                viewer=viewer(6),
                events=[
                    Click(
                        id="c",
                        viewer=viewer(6),
                        title="t",
                        decision=f"v:{viewer(5)}",
                        occurred_at_ms=T0,
                    )
                ],
            )
        ),
        "whatever a client said": codec.pack(Waiting(due_ms=due, viewer=viewer(7))),
        f"{8:08x}{0:08x}": b"\xc1 damaged",
    }
    epoch, number = held.acquire(LANE)
    puts: dict[tuple[str, str], bytes | None] = {("join", key): old[key] for key in old}
    held.commit(Commit(lane=LANE, epoch=epoch, number=number + 1, puts=puts))
    return held


def test_what_was_open_goes_on_and_what_cannot_be_read_is_said(
    store: MemoryStore, log: MemoryLog, catalogue_view: CatalogueView
) -> None:
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    assert list(store.scan(LANE, "join")) == []
    assert {letter.key for letter in letters(log)} == {
        "join/whatever a client said",
        f"join/{8:08x}{0:08x}",
    }
    lane.process([], now_ms=T0 + 2 * WINDOW_MS)
    assert rewarded(log) == {"seen": 1.0}

    shown = Impression(
        id="i",
        viewer=viewer(2),
        title="t-unseen",
        decision=f"{2:08x}{0:08x}",
        occurred_at_ms=T0 + HOUR,
    )
    lane.process([feed.raw("events", codec.encode(shown), T0 + HOUR)], now_ms=T0 + HOUR)
    lane.process([], now_ms=T0 + 2 * HOUR)
    assert rewarded(log) == {"seen": 1.0, "unseen": 0.0}


def test_it_is_taken_over_once(
    store: MemoryStore, log: MemoryLog, catalogue_view: CatalogueView
) -> None:
    viewers_lane(store, catalogue_view)
    before = {family: dict(store.scan(LANE, family)) for family in ("visits", "windows", "pages")}
    assert all(before.values())
    viewers_lane(store, catalogue_view)
    assert before == {
        family: dict(store.scan(LANE, family)) for family in ("visits", "windows", "pages")
    }
    assert len(letters(log)) == 2
