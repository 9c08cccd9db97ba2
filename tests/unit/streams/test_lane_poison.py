"""What cannot be read or applied is set aside, alone, with its reason; the rest goes on."""

from collections.abc import Callable
from itertools import chain

import msgspec
import pytest

from keyart.schemas import codec
from keyart.schemas.errors import Fenced, OffsetMismatch, StoreAway
from keyart.schemas.posterior import SharedSums, TitlesMeta, TitleSums
from keyart.schemas.taste import blank_taste, empty_tastes
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.lanes import base
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.letters import STATE
from keyart.streams.memory.store import MemoryLog, MemoryStore
from keyart.streams.ports import TITLES, VIEWERS, Commit, Lane
from keyart.streams.steps import join
from keyart.streams.steps.join.logged import ByViewer
from keyart.streams.steps.join.state import Window
from keyart.streams.steps.join.viewers import Viewer
from tests.unit.streams.lane_world import (
    T0,
    Feed,
    click,
    decision_of,
    impression,
    letters,
    outputs,
    page,
    play,
    reward,
    rewarded,
    titles_lane,
    viewer,
    viewers_lane,
)

LATER = T0 + 10**6
VIEWERS_LANE, TITLES_LANE = Lane(VIEWERS, 0), Lane(TITLES, 0)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def store(log: MemoryLog) -> MemoryStore:
    return MemoryStore(log)


def corrupt(store: MemoryStore, lane: Lane, family: str, key: str, value: bytes) -> None:
    epoch, number = store.acquire(lane)
    store.commit(Commit(lane=lane, epoch=epoch, number=number + 1, puts={(family, key): value}))


def window_of(who: int, name: str) -> str:
    return f"{viewer(who)}/{decision_of(who, name)}"


def failing(kind: type, name: str) -> Callable[..., None]:
    """Return `observe` that fails on one event, as a fault of ours would."""
    whole = join.JoinBatch.observe

    def observe(self: join.JoinBatch, came: ByViewer) -> None:
        for each in chain(*came.values()):
            if getattr(getattr(each, "event", each), "id", "") == name:
                raise kind("a fault of ours")
        whole(self, came)

    return observe


def test_the_one_record_that_fails_is_set_aside_and_the_rest_is_rewarded(
    store: MemoryStore,
    log: MemoryLog,
    catalogue_view: CatalogueView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"d{at}" for at in range(20)]
    monkeypatch.setattr(join.JoinBatch, "observe", failing(ZeroDivisionError, "p-d7"))
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    batch = feed(
        *(page(at, name) for at, name in enumerate(names)),
        *(impression(at, name) for at, name in enumerate(names)),
        *(play(at, name) for at, name in enumerate(names)),
    )
    assert lane.process(batch, now_ms=T0) == 60
    lane.process([], now_ms=LATER)
    assert rewarded(log) == {name: float(name != "d7") for name in names}
    (letter,) = letters(log)
    assert letter.reason == "ZeroDivisionError: a fault of ours"
    assert "p-d7" in letter.value
    assert lane.counts["dead_letters"] == 1
    assert store.offsets(VIEWERS_LANE)["events"] == batch[-1].offset


@pytest.mark.parametrize("passing", [StoreAway, Fenced, OffsetMismatch, MemoryError])
def test_what_says_nothing_about_the_record_passes_and_nothing_is_lost(
    store: MemoryStore,
    log: MemoryLog,
    catalogue_view: CatalogueView,
    monkeypatch: pytest.MonkeyPatch,
    passing: type[Exception],
) -> None:
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    batch = feed(page(1, "d"), impression(1, "d"), play(1, "d"))
    with monkeypatch.context() as patch:
        patch.setattr(join.JoinBatch, "observe", failing(passing, "p-d"))
        with pytest.raises(passing):
            lane.process(batch, now_ms=T0)
    assert letters(log) == []
    again = viewers_lane(store, catalogue_view)
    again.process(batch, now_ms=T0)
    again.process([], now_ms=LATER)
    assert rewarded(log) == {"d": 1.0}


def test_a_window_that_cannot_be_closed_is_set_aside_alone(
    store: MemoryStore,
    log: MemoryLog,
    catalogue_view: CatalogueView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    names = [f"d{at}" for at in range(9)]
    lane.process(feed(*(page(at, name) for at, name in enumerate(names))), now_ms=T0)
    lane.process(feed(*(impression(at, name) for at, name in enumerate(names))), now_ms=T0)
    whole = join.JoinBatch._reward

    def fails(self: join.JoinBatch, who: Viewer, window: Window, at_ms: int) -> None:
        if who.key == viewer(4):
            raise KeyError("gone")
        whole(self, who, window, at_ms)

    monkeypatch.setattr(join.JoinBatch, "_reward", fails)
    lane.process([], now_ms=LATER)
    assert rewarded(log).keys() == set(names) - {"d4"}
    window = window_of(4, "d4")
    assert [letter.key for letter in letters(log)] == [f"windows/{window}"]
    assert store.read(VIEWERS_LANE, "windows", [window]) == [None]
    assert lane.counts["set_aside"] == 1


def test_stored_values_that_cannot_be_read_are_set_aside_and_taken_for_absent(
    store: MemoryStore, log: MemoryLog, catalogue_view: CatalogueView
) -> None:
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    lane.process(feed(page(1, "d1"), page(2, "d2")), now_ms=T0)
    corrupt(store, VIEWERS_LANE, "visits", viewer(1), b"\xc1 damaged")
    corrupt(store, VIEWERS_LANE, "taste", viewer(2), b"short")
    lane.open()
    lane.process(
        feed(impression(1, "d1"), impression(2, "d2"), click(2, "t-d2"), play(2, "d2")), now_ms=T0
    )
    lane.process([], now_ms=LATER)
    assert rewarded(log) == {"d2": 1.0}
    found = {letter.key: letter for letter in letters(log)}
    assert found.keys() == {f"visits/{viewer(1)}", f"taste/{viewer(2)}"}
    assert all(letter.topic == STATE and letter.reason for letter in found.values())
    assert "damaged" in found[f"visits/{viewer(1)}"].value
    assert store.counts(VIEWERS_LANE)["set_aside"] == 2
    assert "dead_letters" not in store.counts(VIEWERS_LANE)


def test_windows_damaged_before_the_start_are_set_aside_at_the_start(
    store: MemoryStore, log: MemoryLog, catalogue_view: CatalogueView
) -> None:
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    names = [f"d{at}" for at in range(300)]
    lane.process(feed(*(page(at, name) for at, name in enumerate(names))), now_ms=T0)
    lane.process(feed(*(impression(at, name) for at, name in enumerate(names))), now_ms=T0)
    for at, name in enumerate(names[:150]):
        corrupt(store, VIEWERS_LANE, "windows", window_of(at, name), b"")
    again = viewers_lane(store, catalogue_view)
    again.process([], now_ms=LATER)
    assert rewarded(log).keys() == set(names[150:])
    assert {letter.key for letter in letters(log)} == {
        f"windows/{window_of(at, name)}" for at, name in enumerate(names[:150])
    }
    assert len(letters(log)) == 150


def test_a_lost_number_of_rewards_leaps_so_that_no_reward_is_taken_for_a_repeat(
    store: MemoryStore, log: MemoryLog, catalogue_view: CatalogueView
) -> None:
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    lane.process(feed(page(1, "d1"), impression(1, "d1")), now_ms=T0)
    lane.process([], now_ms=LATER)
    corrupt(store, VIEWERS_LANE, "meta", "join", b"damaged")
    again = viewers_lane(store, catalogue_view)
    again.process(feed(page(2, "d2"), impression(2, "d2")), now_ms=T0)
    again.process([], now_ms=LATER)
    learning = titles_lane(store)
    found = [each._replace(logged_at_ms=LATER) for each in outputs(log, "rewards")]
    learning.process(found, now_ms=LATER)
    assert learning.counts["learned"] == 2
    assert learning.counts["repeat_rewards"] == 0


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param({("title", "t"): b"damaged"}, id="title"),
        pytest.param(
            {("title", "t"): codec.pack(TitleSums(title="t", version=99))}, id="newer title"
        ),
        pytest.param({("meta", "shared"): b"\x80"}, id="none"),
        pytest.param({("meta", "shared"): b"damaged"}, id="shared"),
        pytest.param(
            {("meta", "shared"): codec.pack(SharedSums(dimensions=2, gram=[1.0], moment=[]))},
            id="shared of another size",
        ),
        pytest.param(
            {
                ("meta", "shared"): codec.pack(
                    SharedSums(
                        dimensions=2, count=1, gram=[float("nan")] * 3, moment=[float("inf")] * 2
                    )
                )
            },
            id="shared that are no numbers",
        ),
    ],
)
def test_titles_learn_on_when_their_state_is_damaged(
    store: MemoryStore, log: MemoryLog, damaged: dict[tuple[str, str], bytes]
) -> None:
    lane, feed = titles_lane(store), Feed()
    lane.process(feed(*(reward(at) for at in range(1, 5))), now_ms=T0)
    for (family, key), value in damaged.items():
        corrupt(store, TITLES_LANE, family, key, value)
    lane.open()
    lane.process(feed(*(reward(at, title=f"t{at % 2}") for at in range(5, 9))), now_ms=T0)
    lane.process(feed(*(reward(at) for at in range(9, 11))), now_ms=T0)
    assert lane.counts["learned"] == 10
    assert lane.counts["dead_letters"] == 0
    sums = codec.unpack(store.read(TITLES_LANE, "title", ["t"])[0] or b"", TitleSums)
    assert sums.artworks["a"]["home"].count == (2 if ("title", "t") in damaged else 6)
    shared = codec.unpack(store.read(TITLES_LANE, "meta", ["shared"])[0] or b"", SharedSums)
    assert shared.count in (6, 10)


def test_the_timeline_is_found_again_when_its_list_is_damaged(
    store: MemoryStore, log: MemoryLog
) -> None:
    lane, feed = titles_lane(store), Feed()
    lane.process(feed(reward(1), reward(2, policy="uniform")), now_ms=T0)
    before = dict(store.scan(TITLES_LANE, "timeline"))
    corrupt(store, TITLES_LANE, "meta", "titles", b"damaged")
    corrupt(store, TITLES_LANE, "timeline", "not a key", b"x")
    again = titles_lane(store)
    again.process(feed(reward(3)), now_ms=T0)
    held = codec.unpack(store.read(TITLES_LANE, "meta", ["titles"])[0] or b"", TitlesMeta)
    assert {f"{start}:{policy}" for start, policy in held.buckets} == before.keys()
    assert {letter.key for letter in letters(log)} == {"meta/titles", "timeline/not a key"}


def test_a_reward_that_would_make_sums_no_numbers_is_set_aside_alone(
    store: MemoryStore, log: MemoryLog
) -> None:
    lane, feed = titles_lane(store), Feed()
    bad = reward(3, features=(1e300, -1e300))
    alien = reward(4, artwork="of another title")
    lane.process(feed(reward(1), reward(2), bad, alien, reward(5)), now_ms=T0)
    assert lane.counts["learned"] == 3
    assert [msgspec.json.decode(letter.value)["id"] for letter in letters(log)] == ["r3", "r4"]


def test_a_batch_whose_effects_are_too_much_for_one_commit_is_halved(
    store: MemoryStore,
    log: MemoryLog,
    catalogue_view: CatalogueView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "MAX_COMMIT_BYTES", 2500)
    monkeypatch.setattr(base, "MAX_HELD_BYTES", 4000)
    monkeypatch.setattr("keyart.streams.letters.MAX_DEAD_BYTES", 500)
    largest = 0
    whole = store.commit

    def watched(commit: Commit) -> None:
        nonlocal largest
        largest = max(largest, sum(len(value or b"") for value in commit.puts.values()))
        whole(commit)

    monkeypatch.setattr(store, "commit", watched)
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    names = [f"d{at}" for at in range(40)]
    lane.process(feed(*(page(at, name) for at, name in enumerate(names))), now_ms=T0)
    lane.process(feed(*(impression(at, name) for at, name in enumerate(names))), now_ms=T0)
    lane.process(feed(page(99, *(f"big{at}" for at in range(120)))), now_ms=T0)
    lane.process([], now_ms=LATER)
    assert rewarded(log).keys() == set(names)
    assert 0 < largest <= 2500
    (letter,) = letters(log)
    assert "big0" in letter.value and letter.reason.startswith("Oversized")


def test_every_record_bad_and_still_every_one_has_its_letter(
    store: MemoryStore,
    log: MemoryLog,
    catalogue_view: CatalogueView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise TypeError("all of them")

    monkeypatch.setattr(join.JoinBatch, "observe", fails)
    lane: ViewersLane = viewers_lane(store, catalogue_view)
    lane.process(Feed()(*(click(at, f"t{at}") for at in range(50))), now_ms=T0)
    assert len({letter.offset for letter in letters(log)}) == 50


def test_what_moves_no_taste_leaves_none(
    store: MemoryStore, log: MemoryLog, catalogue_view: CatalogueView
) -> None:
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    lane.process(feed(*(click(at, "nobody knows it") for at in range(50))), now_ms=T0)
    assert lane.counts["taste_unknown"] == 50
    assert list(store.scan(VIEWERS_LANE, "taste")) == []


def test_a_blank_taste_of_an_earlier_keyart_goes_and_one_that_was_moved_stays(
    store: MemoryStore, log: MemoryLog, catalogue_view: CatalogueView
) -> None:
    space = catalogue_view.space.identity
    moved = empty_tastes(1, space)
    moved["events"] = 3
    corrupt(store, VIEWERS_LANE, "taste", viewer(1), blank_taste(space))
    corrupt(store, VIEWERS_LANE, "taste", viewer(2), moved.tobytes())
    lane, feed = viewers_lane(store, catalogue_view), Feed()
    lane.process(feed(*(click(at, "nobody knows it") for at in range(1, 4))), now_ms=T0)
    assert dict(store.scan(VIEWERS_LANE, "taste")) == {viewer(2): moved.tobytes()}


def test_stored_values_are_read_in_bytes_however_many_a_batch_wants(
    store: MemoryStore,
    log: MemoryLog,
    catalogue_view: CatalogueView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "MAX_HELD_BYTES", 100_000)
    most, whole = 0, store.read

    def watched(lane: Lane, family: str, keys: list[str]) -> list[bytes | None]:
        nonlocal most
        found = whole(lane, family, keys)
        most = max(most, sum(len(value or b"") for value in found))
        return found

    monkeypatch.setattr(store, "read", watched)
    lane, feed = titles_lane(store), Feed()
    epoch, number = store.acquire(TITLES_LANE)
    puts: dict[tuple[str, str], bytes | None] = {
        ("title", f"t{at}"): codec.pack(
            TitleSums(title=f"t{at}", shares={n: {"a": 1} for n in range(200)})
        )
        for at in range(400)
    }
    store.commit(Commit(lane=TITLES_LANE, epoch=epoch, number=number + 1, puts=puts))
    lane.open()
    lane.process(feed(*(reward(at + 1, title=f"t{at}") for at in range(400))), now_ms=T0)
    assert lane.counts["learned"] == 400
    assert most <= 150_000
