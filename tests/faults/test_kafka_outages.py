"""Kafka and Redis go away and come back; Redis comes back empty."""

import threading
import time

import pytest

from keyart.streams.ports import TITLES, Lane
from tests.containers.crowd import Crowd
from tests.containers.fixtures import MakeHouse
from tests.containers.house import settle

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]

AWAY_S = 20.0


# kafka-python, which is the test's producer, leaves sockets behind that could not connect
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_broker_away_for_twenty_seconds(make_house: MakeHouse) -> None:
    house, crowd = make_house(KEYART_LATENESS_S="90"), Crowd(seed=21)
    house.create()
    house.work(2)
    house.visit(crowd, 1000)
    house.until_counted("events", 500)
    house.kafka.halt()
    # the producer holds what the crowd does meanwhile: it comes late, but within the lateness
    outage = threading.Timer(AWAY_S, house.kafka.resume)
    outage.start()
    house.visit(crowd, 1000)
    outage.join()
    house.visit(crowd, 1000)
    settle(house, [crowd], timeout_s=300)
    assert all(worker.process.poll() is None for worker in house.workers)


def test_redis_away_for_a_while(make_house: MakeHouse) -> None:
    house, crowd = make_house(KEYART_LATENESS_S="20"), Crowd(seed=22)
    house.create()
    house.work(2)
    house.visit(crowd, 1000)
    house.until_counted("events", 300)
    house.redis.halt()
    house.visit(crowd, 1000)
    house.flush()
    time.sleep(10)
    house.redis.resume()
    house.visit(crowd, 1000)
    settle(house, [crowd], timeout_s=300)
    assert all(worker.process.poll() is None for worker in house.workers)


def test_redis_killed_under_load(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=23)
    house.create()
    house.work(2)
    house.visit(crowd, 500)
    house.until_counted("events", 300)  # both are at work by then, or about to be
    for _ in range(3):
        house.visit(crowd, 1500)
        house.redis.docker.kill()
        house.redis.resume()
    settle(house, [crowd], timeout_s=300)


def test_redis_restarted_empty_is_rebuilt_by_the_workers(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=24)
    house.create()
    house.work(2)
    house.visit(crowd, 1500)
    settle(house, [crowd])
    # what it has on disk goes first, so that it comes back with nothing
    house.redis.docker.exec_run(["sh", "-c", "rm -rf /data/*"])
    house.redis.docker.kill()
    house.redis.resume()
    assert not house.parts.store.counts(Lane(TITLES, 0))
    house.visit(crowd, 500)
    settle(house, [crowd], timeout_s=300)
