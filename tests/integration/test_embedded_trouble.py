"""The embedded steps while the store is full, read-only or damaged: they wait, and go on."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from keyart.schemas import codec
from keyart.schemas.errors import LogAway, StoreAway, StoreError
from keyart.schemas.events import Click
from keyart.schemas.topics import DEAD_LETTERS, EVENTS
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.letters import read_letter
from keyart.streams.ports import VIEWERS, Lane, Output
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.log import MOST_BYTES
from tests.opened import Opened

LANE = Lane(VIEWERS, 0)


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    made = Opened(Settings(data_dir=str(data_dir)))
    made.server.start()
    yield made
    made.client.execute_command("REPLICAOF", "NO", "ONE")
    made.close()
    made.server.stop()


@pytest.fixture
def running(parts: Opened) -> Iterator[Opened]:
    """The steps at work in a thread, as their process runs them."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            parts.driver.run()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    parts.driver  # noqa: B018 - makes the streams
    thread.start()
    yield parts
    parts.driver.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert failed == []


def until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that has to come."""
    ended = threading.Event()
    for _ in range(round(seconds / 0.05)):
        if done():
            return
        ended.wait(0.05)
    raise AssertionError("it did not come")


def clicks(first: int, count: int, *, pad: int = 0) -> list[Output]:
    return [
        Output(
            EVENTS,
            viewer := f"{at:032x}",
            codec.encode(
                Click(id=f"c{at}" + "x" * pad, viewer=viewer, title="t", occurred_at_ms=now_ms())
            ),
        )
        for at in range(first, first + count)
    ]


def counted(parts: Opened, name: str) -> int:
    return parts.store.counts(LANE).get(name, 0)


def append_and_set(parts: Opened, outputs: list[Output], *command: str) -> None:
    """Append, and do something to the server before anybody can read what was appended."""
    pipeline = parts.client.pipeline(transaction=True)
    for output in outputs:
        stream = parts.keys.stream(output.topic, 0)
        pipeline.xadd(stream, {"k": output.key, "v": output.value})
    pipeline.execute_command(*command)
    pipeline.execute()


def test_a_full_store_is_waited_for_and_every_event_counts_once(
    running: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    running.log.append(clicks(0, 50))
    until(lambda: counted(running, "events") == 50)
    append_and_set(running, clicks(50, 500), "CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(LogAway, match="full"):
        running.log.append(clicks(0, 1))
    until(lambda: "tried again: the state store is full" in caplog.text)
    assert counted(running, "events") == 50
    running.client.config_set("maxmemory", "0")
    until(lambda: counted(running, "events") == 550)
    assert counted(running, "taste_unknown") == 550
    until(lambda: "goes on" in caplog.text)


def test_a_store_that_is_read_only_is_waited_for(
    running: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    append_and_set(running, clicks(0, 500), "CONFIG", "SET", "min-replicas-to-write", "3")
    until(lambda: "tried again" in caplog.text)
    with pytest.raises(StoreAway):
        running.store.acquire(Lane(VIEWERS, 9))
    assert counted(running, "events") == 0
    running.client.config_set("min-replicas-to-write", "0")
    until(lambda: counted(running, "events") == 500)
    running.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreAway, match="read-only"):
        running.store.acquire(Lane(VIEWERS, 9))


@pytest.mark.parametrize(
    "refusal",
    [
        "OOM command not allowed when used memory > 'maxmemory'. script: f0, on @user_script:30.",
        "ERR Error running script (call to f_1): @user_script:30: -OOM command not allowed",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "NOPERM this user has no permissions to run the 'evalsha' command",
        "CLUSTERDOWN The cluster is down",
    ],
)
def test_what_the_operator_can_mend_is_away(refusal: str) -> None:
    with pytest.raises(StoreAway), translated():
        raise redis.ResponseError(refusal)


@pytest.mark.parametrize("refusal", ["WRONGTYPE Operation against a key", "ERR a BUSYish word"])
def test_what_is_wrong_with_the_command_is_not_away(refusal: str) -> None:
    with pytest.raises(StoreError) as refused, translated():
        raise redis.ResponseError(refusal)
    assert not isinstance(refused.value, StoreAway)


def test_an_entry_without_its_fields_or_with_odd_bytes_is_set_aside(running: Opened) -> None:
    stream = running.keys.stream(EVENTS, 0)
    odd: list[dict[bytes | str, bytes | str]] = [
        {"nothing": "of ours"},
        {"k": b"\xff\xfe", "v": b"\xff"},
        {"v": b"{}"},
        {"k": "", "v": b"[" * 200_000},
    ]
    for fields in odd:
        running.client.xadd(stream, fields)
    running.log.append(clicks(0, 20))
    until(lambda: counted(running, "events") == 20)
    assert counted(running, "dead_letters") == len(odd)
    found = running.log.read(DEAD_LETTERS, 0, after=None, count=99)
    assert [read_letter(each, each.offset).topic for each in found] == [EVENTS] * len(odd)


def test_a_backlog_is_read_in_bytes(parts: Opened) -> None:
    for first in range(0, 40, 10):
        parts.log.append([Output(EVENTS, "k", b"x" * 900_000) for _ in range(first, first + 10)])
    read, after, batches = 0, None, 0
    while True:
        records, ended = parts.log.batch(EVENTS, 0, after=after, count=2000, most=MOST_BYTES)
        assert sum(len(record.value) for record in records[:-1]) < MOST_BYTES
        batches += 1
        read += len(records)
        if ended:
            break
        after = records[-1].offset
    assert read == 40
    assert batches == 5
    assert parts.log.batch(EVENTS, 0, after=None, count=40)[1] is False
    assert len(parts.log.batch(EVENTS, 0, after=None, count=3)[0]) == 3


@pytest.mark.parametrize("name", ["epoch", "offsets", "counts", "join", "meta"])
def test_a_key_of_another_kind_is_set_aside_at_the_start(parts: Opened, name: str) -> None:
    parts.log.append(clicks(0, 30))
    parts.driver.open()
    parts.driver.drain()
    key = parts.keys.lane(LANE, name)
    parts.client.delete(key)
    parts.client.lpush(key, "what is this")
    parts.log.append(clicks(30, 30))
    again = Opened(parts.settings)
    again.driver.open()
    again.driver.drain()
    # not 60: what was read before the damage is not read again
    assert counted(again, "events") == (30 if name == "counts" else 60)
    assert parts.client.type(f"{key}:aside") == b"list"


def test_a_script_that_cannot_be_written_whole_writes_nothing(parts: Opened) -> None:
    parts.log.append(clicks(0, 30))
    parts.driver.open()
    join = parts.keys.lane(LANE, "join")
    parts.client.lpush(join, "put here while the lane is at work")
    parts.driver.turn()
    assert counted(parts, "events") + counted(parts, "dead_letters") == 30
    before = parts.store.offsets(LANE)
    parts.client.delete(join)
    parts.log.append(clicks(30, 30))
    parts.driver.turn()
    assert counted(parts, "events") + counted(parts, "dead_letters") == 60
    assert parts.store.offsets(LANE) != before
