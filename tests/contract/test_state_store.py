"""One suite for every state store: the memory's and a real Valkey's behave alike."""

import uuid

import pytest

from keyart.schemas.errors import Fenced, OffsetMismatch
from keyart.streams.memory.store import MemoryLog, MemoryStore
from keyart.streams.ports import TITLES, VIEWERS, Commit, Lane, Log, Output, StateStore
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.log import ValkeyLog
from keyart.streams.valkey.store import ValkeyStore

LANE = Lane(VIEWERS, 0)


@pytest.fixture(params=["memory", "valkey", "valkey-cold-script"])
def pair(request: pytest.FixtureRequest, valkey_url: str) -> tuple[StateStore, Log]:
    if request.param == "memory":
        memory = MemoryLog()
        return MemoryStore(memory), memory
    client, keys = connect(valkey_url), Keys(f"{uuid.uuid4().hex}.")
    if request.param == "valkey-cold-script":
        client.script_flush()
    log = ValkeyLog(client, keys)
    log.create()
    return ValkeyStore(client, keys, streams=True), log


@pytest.fixture
def store(pair: tuple[StateStore, Log]) -> StateStore:
    return pair[0]


def commit(epoch: int, number: int = 1, lane: Lane = LANE, **more: object) -> Commit:
    return Commit(lane=lane, epoch=epoch, number=number, **more)  # type: ignore[arg-type]


def test_a_new_lane_is_empty(store: StateStore) -> None:
    assert store.offsets(LANE) == {}
    assert store.counts(LANE) == {}
    assert store.read(LANE, "taste", ["a"]) == [None]
    assert store.read(LANE, "join", []) == []
    assert list(store.scan(LANE, "title")) == []


def test_a_commit_is_read_back(store: StateStore) -> None:
    epoch, number = store.acquire(LANE)
    puts: dict[tuple[str, str], bytes | None] = {
        ("taste", "v*[1]"): b"\x00\xff",
        ("taste", "v2"): b"2",
        ("join", "d"): b"3",
    }
    store.commit(commit(epoch, number + 1, puts=puts, offsets={"events": "5-0"}, counts={"n": 2}))
    assert store.read(LANE, "taste", ["v2", "none", "v*[1]"]) == [b"2", None, b"\x00\xff"]
    assert dict(store.scan(LANE, "taste")) == {"v*[1]": b"\x00\xff", "v2": b"2"}
    assert dict(store.scan(LANE, "join")) == {"d": b"3"}
    assert store.offsets(LANE) == {"events": "5-0"}
    assert store.counts(LANE) == {"n": 2}


def test_titles_that_changed_are_announced_by_version(store: StateStore) -> None:
    lane = Lane(TITLES, 0)
    assert isinstance(store, MemoryStore | ValkeyStore)
    assert store.changed(lane, 0) == (0, [])
    epoch, _ = store.acquire(lane)
    for number, titles in enumerate((("a", "b"), ("b",), ()), start=1):
        puts: dict[tuple[str, str], bytes | None] = {("title", each): b"x" for each in titles}
        store.commit(commit(epoch, number, lane, puts=puts | {("timeline", "t"): b"y"}))
    newest, every = store.changed(lane, 0)
    assert sorted(every) == ["a", "b"]
    between, _ = store.changed(lane, newest - 1)
    assert (between, store.changed(lane, newest - 1)[1]) == (newest, ["b"])
    assert store.changed(lane, newest) == (newest, [])
    store.clear(lane)
    epoch, _ = store.acquire(lane)
    store.commit(commit(epoch, 1, lane, puts={("title", "c"): b"x"}))
    assert store.changed(lane, newest)[1] == ["c"], "a lane that was cleared counts anew"


def test_counts_add_and_none_deletes(store: StateStore) -> None:
    epoch, _ = store.acquire(LANE)
    for number, value in ((1, b"x"), (2, None)):
        store.commit(
            commit(
                epoch,
                number,
                puts={("taste", "v"): value, ("join", "d"): value},
                counts={"n": 1},
                offsets={"events": f"{number}-0"},
            )
        )
        assert store.size(LANE, "join") == (value is not None)
    assert store.read(LANE, "taste", ["v"]) == [None]
    assert store.read(LANE, "join", ["d"]) == [None]
    assert store.counts(LANE) == {"n": 2}


def test_an_earlier_owner_is_fenced_and_writes_nothing(pair: tuple[StateStore, Log]) -> None:
    store, log = pair
    old, _ = store.acquire(LANE)
    store.acquire(LANE)
    puts: dict[tuple[str, str], bytes | None] = {("taste", "v"): b"x"}
    with pytest.raises(Fenced):
        store.commit(commit(old, puts=puts, outputs=[Output("rewards", "t", b"r")]))
    assert store.read(LANE, "taste", ["v"]) == [None]
    assert list(log.read("rewards", 0, after=None, count=9)) == []


def test_a_commit_sent_again_is_applied_once(pair: tuple[StateStore, Log]) -> None:
    store, log = pair
    epoch, _ = store.acquire(LANE)
    once = commit(epoch, outputs=[Output("rewards", "t", b"r")], counts={"n": 1})
    store.commit(once)
    store.commit(once)
    assert store.counts(LANE) == {"n": 1}
    assert [record.value for record in log.read("rewards", 0, after=None, count=9)] == [b"r"]


def test_a_commit_out_of_turn_is_refused(store: StateStore) -> None:
    epoch, _ = store.acquire(LANE)
    with pytest.raises(OffsetMismatch):
        store.commit(commit(epoch, 2, counts={"n": 1}))
    assert store.counts(LANE) == {}


def test_a_new_owner_goes_on_with_the_number(store: StateStore) -> None:
    epoch, _ = store.acquire(LANE)
    store.commit(commit(epoch, 1))
    later = store.acquire(LANE)
    assert later.epoch > epoch
    assert later.number == 1
    store.commit(commit(later.epoch, 2, counts={"n": 1}))
    assert store.counts(LANE) == {"n": 1}


def test_lanes_are_apart(store: StateStore) -> None:
    other = Lane(TITLES, 0)
    epoch, _ = store.acquire(LANE)
    store.acquire(other)
    store.commit(commit(epoch, puts={("taste", "v"): b"x"}))
    assert store.read(other, "taste", ["v"]) == [None]
    assert store.read(Lane(VIEWERS, 1), "taste", ["v"]) == [None]


def test_clear_forgets_all_but_the_epoch(store: StateStore) -> None:
    epoch, _ = store.acquire(LANE)
    puts: dict[tuple[str, str], bytes | None] = {("taste", "v"): b"x", ("join", "d"): b"y"}
    store.commit(commit(epoch, puts=puts, offsets={"events": "1-0"}, counts={"n": 1}))
    store.clear(LANE)
    assert store.offsets(LANE) == {}
    assert store.counts(LANE) == {}
    assert list(store.scan(LANE, "taste")) == list(store.scan(LANE, "join")) == []
    assert store.acquire(LANE).epoch > epoch


def test_the_log_is_read_from_any_offset(pair: tuple[StateStore, Log]) -> None:
    _, log = pair
    log.append([Output("events", f"k{at}", b"%d" % at) for at in range(5)])
    whole = list(log.read("events", 0, after=None, count=9))
    assert [(record.key, record.value) for record in whole] == [
        (f"k{at}", b"%d" % at) for at in range(5)
    ]
    assert list(log.read("events", 0, after=whole[2].offset, count=9)) == whole[3:]
    assert list(log.read("events", 0, after=None, count=2)) == whole[:2]
    assert list(log.read("events", 0, after=whole[-1].offset, count=2)) == []


def test_a_viewer_is_forgotten_at_once_and_nobody_else(store: StateStore) -> None:
    epoch, number = store.acquire(LANE)
    puts: dict[tuple[str, str], bytes | None] = {
        (family, viewer): b"1"
        for family in ("taste", "assigned", "visits")
        for viewer in ("ada", "bo")
    }
    store.commit(commit(epoch, number + 1, puts=puts))
    store.forget(LANE, "ada")
    store.forget(LANE, "nobody")
    for family in ("taste", "assigned"):
        assert store.read(LANE, family, ["ada", "bo"]) == [None, b"1"]
    # what is the lane's own goes when the lane reads of the erasure
    assert store.read(LANE, "visits", ["ada"]) == [b"1"]
