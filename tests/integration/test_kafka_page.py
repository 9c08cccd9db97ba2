"""What the page reads of the log, when the log is Kafka."""

import pytest

from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.services.page.source import LogFlows
from keyart.services.wiring.clock import now_ms
from keyart.streams.kafka.source import read_all
from keyart.streams.kafka.tail import KafkaTail
from tests.containers.crowd import Crowd
from tests.containers.fixtures import MakeHouse
from tests.containers.house import settle

pytestmark = pytest.mark.containers


def test_the_backlog_and_the_newest_decisions(make_house: MakeHouse) -> None:
    house, crowd = make_house(KEYART_PARTITIONS="2"), Crowd(seed=9)
    house.create()
    house.visit(crowd, 200)
    house.flush()
    records = {
        topic: [list(read_all(house.parts.kafka, topic, partition)) for partition in range(2)]
        for topic in (EVENTS, DECISIONS)
    }
    tail = KafkaTail(house.parts.kafka, committed=house.parts.store.offsets)
    try:
        for topic, partitions in records.items():
            for partition, held in enumerate(partitions):
                assert tail.appended(topic, partition) == len(held)
                since = held[0].logged_at_ms if held else None
                assert tail.waiting(topic, partition) == (len(held), since)
                assert tail.tail(topic, partition, 5) == held[-5:][::-1]
        flows = LogFlows(lambda: tail, partitions=2, clock=now_ms)
        before = flows.flow()
        assert before.events == sum(map(len, records[EVENTS]))
        assert before.behind_records == before.events + before.decisions
        assert before.behind_ms > 0
        newest = [page.decided_at_ms for page in flows.recent(10)]
        assert newest == sorted(newest, reverse=True) and newest
        house.work(1)
        settle(house, [crowd])
        after = flows.flow()
        assert (after.behind_records, after.behind_ms) == (0, 0)
    finally:
        tail.close()
