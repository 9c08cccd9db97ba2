"""How far the embedded log is read, as the page asks: counted, never by reading the backlog."""

import uuid

import pytest

from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.services.page.source import StreamTail
from keyart.streams.ports import VIEWERS, Commit, Lane, Output
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.log import ValkeyLog
from keyart.streams.valkey.store import ValkeyStore

LANE = Lane(VIEWERS, 0)


class Flow:
    """A log, and a lane that reads its events in batches."""

    def __init__(self, url: str) -> None:
        self.client, keys = connect(url), Keys(f"{uuid.uuid4().hex}.")
        self.log = ValkeyLog(self.client, keys)
        self.store = ValkeyStore(self.client, keys, streams=True)
        self.log.create()
        self.tail = StreamTail(self.log, self.store.counts)
        self.epoch, self.number = self.store.acquire(LANE)

    def append(self, topic: str, count: int) -> None:
        self.log.append([Output(topic, "v", b"%d" % at) for at in range(count)])

    def read(self, topic: str, count: int, *, dead: int = 0) -> None:
        after = self.store.offsets(LANE).get(topic)
        records = self.log.read(topic, 0, after=after, count=count)
        self.number += 1
        self.store.commit(
            Commit(
                lane=LANE,
                epoch=self.epoch,
                number=self.number,
                offsets={topic: records[-1].offset},
                counts={topic: len(records) - dead, "dead_letters": dead},
            )
        )


@pytest.fixture
def flow(valkey_url: str) -> Flow:
    return Flow(valkey_url)


def test_a_backlog_is_counted_amid_a_stream(flow: Flow) -> None:
    assert flow.tail.waiting(EVENTS, 0) == (0, None)
    flow.append(EVENTS, 5000)
    first = flow.log.read(EVENTS, 0, after=None, count=1)[0]
    assert flow.tail.waiting(EVENTS, 0) == (5000, first.logged_at_ms)
    flow.read(EVENTS, 1200, dead=3)
    after = flow.store.offsets(LANE)[EVENTS]
    oldest = flow.log.read(EVENTS, 0, after=after, count=1)[0]
    assert flow.tail.waiting(EVENTS, 0) == (3800, oldest.logged_at_ms)
    flow.log.trim(EVENTS, 0, after)
    assert flow.tail.waiting(EVENTS, 0) == (3800, oldest.logged_at_ms)
    flow.read(EVENTS, 3800)
    assert flow.tail.waiting(EVENTS, 0) == (0, None)


def test_one_record_is_read_however_long_the_backlog(flow: Flow) -> None:
    flow.append(EVENTS, 5000)
    flow.read(EVENTS, 1000)
    flow.client.config_resetstat()
    flow.tail.waiting(EVENTS, 0)
    sent = flow.client.info("stats")["total_net_output_bytes"]
    assert sent < 20_000


def test_pages_of_decisions_that_wait_count_as_one_at_least(flow: Flow) -> None:
    flow.append(DECISIONS, 40)
    waiting, since_ms = flow.tail.waiting(DECISIONS, 0)
    assert waiting == 1 and since_ms is not None
    flow.read(DECISIONS, 40)
    assert flow.tail.waiting(DECISIONS, 0) == (0, None)
