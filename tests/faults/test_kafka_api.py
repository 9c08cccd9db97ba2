"""The api while Kafka or Redis is away: it decides all the same, and recovers by itself."""

from typing import Any

import pytest

from keyart.models.taste.features import FEATURES, PERSONAL
from keyart.schemas import codec
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.topics import DECISIONS
from keyart.services.wiring.clock import now_ms
from keyart.streams.kafka.source import read_all
from tests.containers.api import Api
from tests.containers.crowd import Crowd
from tests.containers.fixtures import MakeHouse
from tests.containers.house import House, settle
from tests.containers.servers import until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]

BUFFER = 30
ALL_WELL = {"ready": True, "store": True, "log": True, "beliefs": True}


def well(api: Api) -> dict[str, bool]:
    """Return how ready the api is and the servers behind it; housekeeping has its own tests."""
    return {name: is_well for name, is_well in api.well().items() if name in ALL_WELL}


def logged(house: House) -> list[DecisionPage]:
    """All pages in the topic, partition by partition, the oldest first in each."""
    return [
        codec.decisions.decode(record.value)
        for partition in range(house.settings.partitions)
        for record in read_all(house.parts.kafka, DECISIONS, partition)
    ]


def ids(pages: list[DecisionPage]) -> set[str]:
    return {decision.id for page in pages for decision in page.decisions}


def decided(api: Api, name: str, count: int) -> list[str]:
    """Ask for one page of one title for each of so many viewers; return the decisions' ids."""
    found = []
    for at in range(count):
        answer = api.decide(f"{name} {at}", f"t{at % 40}")
        assert answer.get("degraded", "") == ""
        found.append(answer["decisions"][0]["id"])
    return found


def test_decisions_go_on_while_kafka_is_away(make_house: MakeHouse) -> None:
    house = make_house()
    house.create()
    api = house.serve(KEYART_BUFFER=str(BUFFER))
    before = decided(api, "before", 20)
    until("they are in the topic", lambda: ids(logged(house)) == set(before))
    assert well(api) == ALL_WELL
    house.kafka.halt()
    try:
        away = decided(api, "away", 100)
        until("it is noticed", lambda: well(api) == {**ALL_WELL, "log": False})
        away += decided(api, "later", 100)

        def held() -> bool:
            figures = api.figures()
            buffered, dropped = figures["keyart_log_buffered"], figures["keyart_log_dropped_total"]
            assert buffered <= BUFFER
            return (buffered, dropped) == (BUFFER, 200 - BUFFER)

        until("the oldest are dropped and counted", held)
        status, refused = api.call("/v1/events", {"events": [play("ann", "t1", 1)]})
        assert status == 503, refused
        # one that starts now has nothing to recover, and serves as well
        other = house.serve()
        lost = decided(other, "other", 5)
        other.terminate()
        assert other.process.returncode == 0, other.said[-2000:]
        assert "5 pages of decisions are lost" in other.said
    finally:
        house.kafka.resume()
    until("it recovers", lambda: well(api) == ALL_WELL)
    after = decided(api, "after", 10)
    expected = {*before, *away[-BUFFER:], *after}
    until("the held decisions arrive", lambda: expected <= ids(logged(house)))
    found = logged(house)
    # a batch may have been taken by Kafka although it did not say so in time
    assert len({*before, *away, *after} - ids(found)) <= 200 - BUFFER
    assert not ids(found) & set(lost)
    assert api.figures()["keyart_log_buffered"] == 0
    assert api.figures()["keyart_log_dropped_total"] == 200 - BUFFER
    said = [line for line in api.said.splitlines() if "keyart.access" not in line]
    assert len(said) < 100, api.said
    house.kafka.halt()
    try:
        decided(api, "last", 3)
        api.terminate()
        assert api.process.returncode == 0, api.said[-2000:]
    finally:
        house.kafka.resume()
    assert "3 pages of decisions are lost" in api.said


def play(viewer: str, title: str, number: int) -> dict[str, object]:
    """A play of the artwork about rockets, as a site tells of it."""
    return {
        "type": "play",
        "id": f"play {viewer} {number}",
        "viewer": viewer,
        "title": title,
        "artwork": "a0",
        "minutes": 40,
        "occurred_at_ms": now_ms(),
    }


def page_of(house: House, answer: dict[str, Any]) -> DecisionPage:
    """The record of an answer, once it is in the topic."""
    found: list[DecisionPage] = []

    def there() -> bool:
        key = (answer["viewer"], answer["decided_at_ms"])
        found[:] = [each for each in logged(house) if (each.viewer, each.decided_at_ms) == key]
        return bool(found)

    until("the page is logged", there)
    return found[0]


def by_taste(page: DecisionPage) -> bool:
    """Whether taste had a say: the two relations to a title's other artworks are no taste."""
    return any(
        value and name not in ("typical", "distinct")
        for each in page.decisions
        for name, value in zip(FEATURES[:PERSONAL], each.features, strict=True)
    )


def levels(page: DecisionPage) -> dict[str, float]:
    return {each.title: each.terms.level for each in page.decisions}


def test_titles_are_chosen_by_what_is_believed_of_them_while_redis_is_away(
    make_house: MakeHouse,
) -> None:
    house, crowd = make_house(), Crowd(seed=61, viewers=50)
    house.create()
    house.work(1)
    api = house.serve()
    house.visit(crowd, 1000)
    settle(house, [crowd])
    # one of them for each page: whoever has been decided for keeps what was chosen
    viewers, before = ("ann", "bea", "cid", "dan"), house.counts()["events"]
    for viewer in viewers:
        plays = [play(viewer, f"t{at % 40}", at) for at in range(60)]
        status, said = api.call("/v1/events", {"events": plays})
        assert status == 202, said
    house.until_counted("events", before + 60 * len(viewers))
    titles = [f"t{at}" for at in range(40)]
    stranger = page_of(house, api.decide("nobody knows", *titles))
    known = page_of(house, api.decide("ann", *titles))
    assert known.degraded == stranger.degraded == ""
    assert by_taste(known) and not by_taste(stranger)
    house.redis.halt()
    try:
        answer = api.decide("bea", *titles)
        assert answer["degraded"] == "taste-away"
        away = page_of(house, answer)
        assert away.degraded == "taste-away"
        assert not by_taste(away)
        assert levels(away) == levels(stranger)
        assert well(api) == {**ALL_WELL, "store": False}
        assert api.figures()["keyart_decisions_degraded_total"] == len(titles)
    finally:
        house.redis.resume()
    until("it recovers", lambda: well(api) == ALL_WELL)
    until("tastes are read again", lambda: api.decide("ann", *titles)["degraded"] == "")
    assert by_taste(page_of(house, api.decide("cid", *titles)))
    # one that hangs is worse than one that is gone: nothing is refused, all waits
    house.redis.docker.pause()
    try:
        assert api.decide("dan", *titles)["degraded"] == "taste-away"
        assert well(api) == {**ALL_WELL, "store": False}
        assert api.figures()["keyart_decisions_degraded_total"] == 2 * len(titles)
    finally:
        house.redis.docker.unpause()
    until("it recovers again", lambda: well(api) == ALL_WELL)
    said = [line for line in api.said.splitlines() if "keyart.access" not in line]
    assert len(said) < 100, api.said
