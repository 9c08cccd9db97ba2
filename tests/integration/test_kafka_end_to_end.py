"""From a request to what was learned, by Kafka; and the embedded default reaches the same."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keyart.schemas.catalogue import Title
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.compare import Check, compare_lane, learned
from keyart.streams.kafka.source import read_all
from keyart.streams.ports import TITLES, VIEWERS, Lane, Output
from tests.containers.api import Api
from tests.containers.crowd import Crowd, titles
from tests.containers.fixtures import MakeHouse
from tests.containers.house import House, settle, stored_posterior
from tests.containers.servers import until
from tests.opened import Opened

pytestmark = pytest.mark.containers

# one partition on both sides: then even the order of additions is the same for one title
RULES = {"KEYART_PARTITIONS": "1", "KEYART_LATENESS_S": "25"}


@contextmanager
def embedded_default(data_dir: Path) -> Iterator[Opened]:
    """A keyart on one machine with the rules of these tests."""
    rules = Settings(
        data_dir=str(data_dir), reward_window_s=2, lateness_s=25, viewer_hourly_rewards=1000000
    )
    parts = Opened(rules)
    parts.server.start()
    try:
        parts.driver.open()
        parts.catalogue.put(titles(40), now_ms=0)
        yield parts
    finally:
        parts.close()
        parts.server.stop()


def learn(parts: Opened, house: House, count: int) -> None:
    """Give the embedded default the records of the house's topics, until it has learned them."""
    for topic in (DECISIONS, EVENTS):
        records = read_all(house.parts.kafka, topic, 0)
        parts.log.append([Output(topic, each.key, each.value) for each in records])

    def has_learned() -> bool:
        parts.driver.turn()
        return parts.store.counts(Lane(TITLES, 0)).get("learned", 0) >= count

    until("the embedded default learns", has_learned)


def same(parts: Opened, house: House) -> None:
    """Hold the two states against each other.

    Tastes bit for bit. Sums of floats are added in the order in which windows close, which is by
    due time and so the same, but in batches cut elsewhere: equal to 1e-9 of their size, and counts
    exactly.
    """
    kafka, lane = house.fresh_parts().store, Lane(VIEWERS, 0)
    tastes = dict(kafka.scan(lane, "taste"))
    assert tastes and tastes == dict(parts.store.scan(lane, "taste"))
    check = Check()
    titles_lane = Lane(TITLES, 0)
    compare_lane(learned(kafka, titles_lane), learned(parts.store, titles_lane), check)
    assert check.equal, check.differences
    assert check.titles == 40


def test_a_crowd_of_plain_producers(make_house: MakeHouse, data_dir: Path) -> None:
    house, crowd = make_house(**RULES), Crowd(seed=2)
    house.create()
    house.visit(crowd, 1500)
    house.flush()
    with embedded_default(data_dir) as parts:
        house.work(1)
        learn(parts, house, len(crowd.account.worth))
        settle(house, [crowd])
        same(parts, house)


def put(api: Api, title: Title) -> None:
    artworks = [{"id": each.id, "description": each.description} for each in title.artworks]
    body = {"name": title.name, "artworks": artworks}
    status, answer = api.call(f"/v1/titles/{title.id}", body, "PUT")
    assert status in (200, 201), answer


def follow(house: House, answer: dict[str, Any], rng: random.Random) -> Counter[tuple[str, str]]:
    """Send what a viewer does with a page, straight to the topic; return what is worth a play."""
    worth: Counter[tuple[str, str]] = Counter()
    for chosen in answer["decisions"]:
        about = {
            "viewer": answer["viewer"],
            "title": chosen["title"],
            "artwork": chosen["artwork"],
            "decision": chosen["id"],
            "surface": "home",
            "occurred_at_ms": now_ms(),
        }
        events = [{"type": "impression", "id": f"i{chosen['id']}", **about}]
        minutes = rng.choice((0, 0, 0, 1, 5, 40))
        if minutes:
            play = {"type": "play", "id": f"p{chosen['id']}", "minutes": minutes, **about}
            events.append(play)
        worth[chosen["title"], chosen["artwork"]] += minutes >= 2
        for event in events:
            house.send(EVENTS, answer["viewer"], json.dumps(event).encode())
    return worth


def test_catalogue_and_decisions_over_http(make_house: MakeHouse, data_dir: Path) -> None:
    house, rng = make_house(**RULES), random.Random(7)
    house.create(title_count=0)
    api = house.serve()
    for title in titles(40):
        put(api, title)
    shown: Counter[tuple[str, str]] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    for number in range(80):
        asked = [f"t{at}" for at in rng.sample(range(40), 8)]
        answer = api.decide(f"viewer {number}", *asked)
        assert [each["title"] for each in answer["decisions"]] == asked
        shown.update((each["title"], each["artwork"]) for each in answer["decisions"])
        taken.update(follow(house, answer, rng))
    house.flush()
    until(
        "all pages are logged", lambda: len(list(read_all(house.parts.kafka, DECISIONS, 0))) == 80
    )
    with embedded_default(data_dir) as parts:
        house.work(1)
        learn(parts, house, shown.total())
        house.until_counted("learned", shown.total())
        assert stored_posterior(house.parts) == (shown, taken)
        same(parts, house)
