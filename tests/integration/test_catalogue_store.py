"""The catalogue on a real Valkey: many writers, what cannot be read, and its log."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from msgspec import json

from keyart.schemas import codec
from keyart.schemas.catalogue import MAX_STORED_BYTES, Artwork, Described, StoredTitle, Title
from keyart.schemas.errors import Contended, InvalidRecord, NotFound, UnknownVersion
from keyart.streams.catalogue.history import titles_of
from keyart.streams.ports import Output
from keyart.streams.valkey.catalogue import ValkeyCatalogue
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.log import ValkeyLog


@pytest.fixture
def keys() -> Keys:
    return Keys(f"{uuid4().hex}.")


@pytest.fixture
def client(valkey_url: str) -> Any:
    return connect(valkey_url)


def a_title(name: str, words: str = "a dog", **more: Any) -> Title:
    return Title(id=name, name=name, artworks=(Artwork(id="a", description=words),), **more)


def hash_of(keys: Keys) -> str:
    return keys.shared("{catalogue}titles")


def plant(client: Any, keys: Keys, name: str, data: bytes) -> None:
    """Put bytes where a title is, as an earlier keyart or a broken disk may have left them."""
    version = client.incr(keys.shared("{catalogue}version"))
    client.hset(hash_of(keys), name, data)
    client.zadd(keys.shared("{catalogue}changed"), {name: version})


def test_writers_beside_a_load_all_succeed(valkey_url: str, keys: Keys) -> None:
    stop, failed, done = threading.Event(), list[BaseException](), list[int]()

    def write(number: int) -> None:
        catalogue = ValkeyCatalogue(connect(valkey_url), keys, streams=True, partitions=2)
        count = 0
        try:
            while not stop.is_set():
                count += 1
                catalogue.put([a_title(f"c{number}", f"dog {count}")], now_ms=count)
        except BaseException as wrong:
            failed.append(wrong)
        done.append(count)

    writers = [threading.Thread(target=write, args=(at,)) for at in range(16)]
    for each in writers:
        each.start()
    loader = ValkeyCatalogue(connect(valkey_url), keys, streams=True, partitions=2)
    many = [a_title(f"L{at}") for at in range(3000)]
    assert len(loader.put(many, now_ms=1)) == 3000
    stop.set()
    for each in writers:
        each.join()
    assert failed == []
    assert min(done) > 0
    _, titles = loader.changed(0)
    assert len(titles) == 3016


def test_writers_of_one_title_all_succeed_and_none_is_lost(valkey_url: str, keys: Keys) -> None:
    def write(number: int) -> None:
        catalogue = ValkeyCatalogue(connect(valkey_url), keys, streams=True)
        for turn in range(5):
            catalogue.put([a_title("t", f"writer {number} turn {turn}")], now_ms=turn)

    writers = [threading.Thread(target=write, args=(at,)) for at in range(16)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    client = connect(valkey_url)
    assert ValkeyCatalogue(client, keys).version() == 80
    records = ValkeyLog(client, keys).read("catalogue", 0, after=None, count=1000)
    (kept,) = titles_of(records)["t"].artworks
    assert len(kept.history) == 80
    assert len({each.since_ms for each in kept.history}) == 80


def test_what_cannot_be_done_says_so(client: Any, keys: Keys, valkey_url: str) -> None:
    mine = ValkeyCatalogue(client, keys, patience_s=0.0)
    other = ValkeyCatalogue(connect(valkey_url), keys)
    mine.put([a_title("t"), a_title("u")], now_ms=1)
    script = mine._write_script

    def meanwhile(**named: Any) -> Any:
        count = other.version()
        other.put([a_title("t", f"other {count}")], now_ms=2)
        return script(**named)

    mine._write_script = meanwhile
    with pytest.raises(Contended, match="'t'.*1 of 2 titles were stored"):
        mine.put([a_title("t", "mine"), a_title("u", "mine")], now_ms=3)
    assert other.get("u").artworks[0].artwork.description == "mine"


def test_a_change_is_in_force_when_the_put_returns(client: Any, keys: Keys) -> None:
    catalogue = ValkeyCatalogue(client, keys, streams=True)
    log = ValkeyLog(client, keys)
    for at in range(50):
        log.append([Output("events", "v", b"before")])
        (stored,) = catalogue.put([a_title("t", f"edit {at}")], now_ms=at)
        log.append([Output("events", "v", b"after")])
        after, before = (record.logged_at_ms for record in log.tail("events", 0, 2))
        assert before < stored.artworks[0].history[-1].since_ms <= after


def test_a_title_put_while_the_clock_was_ahead_is_in_force_from_now_on(
    client: Any, keys: Keys
) -> None:
    catalogue = ValkeyCatalogue(client, keys, streams=True)
    client.xadd(keys.stream("events", 0), {"k": "v", "v": "v"}, id="2500000000000-0")
    (stored,) = catalogue.put([a_title("t", "one")], now_ms=1)
    started = stored.artworks[0].history[0].since_ms
    assert started < 2_500_000_000_000
    ahead = codec.encode(stored).replace(b"%d" % started, b"2500000000000")
    plant(client, keys, "t", ahead)
    _, (read,) = catalogue.changed(0)
    healed = read.artworks[0].history[0].since_ms
    # both may be of one millisecond
    assert started <= healed < started + 600_000
    assert read.names[-1].since_ms == healed
    assert client.hget(hash_of(keys), "t") == codec.encode(read)
    (edited,) = catalogue.put([a_title("t", "two")], now_ms=2)
    since = [each.since_ms for each in edited.artworks[0].history]
    assert since == sorted(since)
    assert len(since) == 2


def test_a_title_put_as_it_is_changes_nothing(client: Any, keys: Keys) -> None:
    catalogue = ValkeyCatalogue(client, keys, streams=True)
    first = catalogue.put([a_title("t")], now_ms=1)
    assert catalogue.put([a_title("t")], now_ms=2) == first
    assert catalogue.version() == 1
    assert ValkeyLog(client, keys).length("catalogue", 0) == 1


def test_a_title_that_does_not_fit_is_not_stored(client: Any, keys: Keys) -> None:
    catalogue = ValkeyCatalogue(client, keys, streams=True)
    big = Title(
        id="big",
        artworks=tuple(Artwork(id=f"a{at}", description="\U0001f3ac" * 4000) for at in range(40)),
    )
    catalogue.put([a_title("big", "small"), a_title("o")], now_ms=1)
    with pytest.raises(InvalidRecord, match="1,000,000 bytes"):
        catalogue.put([big], now_ms=2)
    assert catalogue.get("big").artworks[0].artwork.description == "small"
    assert catalogue.version() == 1


def test_edits_within_the_bounds_never_make_a_title_too_large(client: Any, keys: Keys) -> None:
    catalogue = ValkeyCatalogue(client, keys, streams=True)
    for at in range(12):
        artworks = tuple(
            Artwork(id=f"a{n}", description=f"edit {at} {n} ".ljust(4000, "x")) for n in range(40)
        )
        catalogue.put([Title(id="t", artworks=artworks)], now_ms=at)
        assert client.hstrlen(hash_of(keys), "t") <= MAX_STORED_BYTES
    records = ValkeyLog(client, keys).read("catalogue", 0, after=None, count=1000)
    assert len(titles_of(records)["t"].artworks[7].history) == 12


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b'{"id":"other","artworks":[],"updated_at_ms":1}',
        b'{"id":"bad","artworks":[{"artwork":{"id":"a"}}],"updated_at_ms":1}',
        b'{"id":"bad","artworks":[{"artwork":{"id":"a"},"history":[]}],"updated_at_ms":1}',
        b"[" * 100_000,
    ],
)
def test_a_title_that_cannot_be_read_is_set_aside_alone(
    client: Any, keys: Keys, data: bytes
) -> None:
    catalogue = ValkeyCatalogue(client, keys)
    catalogue.put([a_title("o1")], now_ms=1)
    plant(client, keys, "bad", data)
    catalogue.put([a_title("o2")], now_ms=2)
    version, titles = catalogue.changed(0)
    assert sorted(title.id for title in titles) == ["o1", "o2"]
    assert version == 3
    if data:
        assert list(catalogue.set_aside()) == ["bad"]
        with pytest.raises(NotFound, match="set aside"):
            catalogue.get("bad")
    (again,) = catalogue.put([a_title("bad")], now_ms=3)
    assert catalogue.get("bad") == again
    assert catalogue.set_aside() == {}


def test_an_oversized_title_of_an_earlier_keyart_loses_its_past_alone(
    client: Any, keys: Keys
) -> None:
    catalogue = ValkeyCatalogue(client, keys)
    (kept,) = catalogue.put([a_title("t", "now")], now_ms=1)
    past = tuple(Described(since_ms=at, description="x" * 300_000) for at in range(7))
    (artwork,) = kept.artworks
    whole = {
        "id": "t",
        "artworks": [
            {
                "artwork": artwork.artwork,
                "history": [*past, Described(since_ms=9, description="now")],
            }
        ],
        "updated_at_ms": 1,
    }
    plant(client, keys, "t", json.encode(whole))
    assert client.hstrlen(hash_of(keys), "t") > MAX_STORED_BYTES
    _, (read,) = catalogue.changed(0)
    assert read.artworks[0].history[-1].description == "now"
    assert read.trimmed
    assert client.hstrlen(hash_of(keys), "t") <= MAX_STORED_BYTES
    assert catalogue.set_aside() == {}


def test_an_oversized_title_that_cannot_be_cut_is_set_aside(client: Any, keys: Keys) -> None:
    catalogue = ValkeyCatalogue(client, keys)
    attributes = {f"n{at}": "x" * 500 for at in range(64)}
    artworks = [
        {
            "artwork": {"id": f"a{at}", "attributes": attributes},
            "history": [{"since_ms": 1, "description": ""}],
        }
        for at in range(40)
    ]
    whole = {"id": "big", "artworks": artworks, "updated_at_ms": 1}
    plant(client, keys, "big", json.encode(whole))
    catalogue.put([a_title("o")], now_ms=1)
    _, (other,) = catalogue.changed(0)
    assert other.id == "o"
    assert "bytes" in catalogue.set_aside()["big"]


def test_a_title_of_a_newer_keyart_is_left_where_it_is(client: Any, keys: Keys) -> None:
    catalogue = ValkeyCatalogue(client, keys)
    newer = StoredTitle(id="t", artworks=(), updated_at_ms=1, version=2)
    plant(client, keys, "t", codec.encode(newer))
    assert catalogue.changed(0)[1] == []
    assert catalogue.set_aside() == {}
    with pytest.raises(UnknownVersion):
        catalogue.put([a_title("t")], now_ms=1)
    assert client.hget(hash_of(keys), "t") == codec.encode(newer)
