"""The training log of a site on Kafka: every reward once, erased viewers out, a prior from it."""

import json
from collections import Counter

import pyarrow.parquet as parquet
import pytest

from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import EVENTS, REWARDS
from keyart.services.processes.housekeeping import keep_house
from keyart.services.wiring.clock import now_ms
from keyart.streams.archive import files
from keyart.streams.archive.erase import NOBODY
from tests.containers.crowd import Crowd
from tests.containers.fixtures import MakeHouse
from tests.containers.servers import until
from tests.opened import Opened

pytestmark = pytest.mark.containers


def archived(parts: Opened) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for path in files.paths(parts.archive_dir, REWARDS):
        columns = ["id", "viewer", "title", "artwork", "value", "personal", "multiplier"]
        rows += parquet.read_table(path, columns=columns).to_pylist()
    return rows


def test_rewards_are_archived_once_whatever_is_repeated(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=11)
    house.create()
    house.work(2)
    for _ in range(2):
        house.visit(crowd, 1200)
        house.flush()
        house.until_counted("learned", len(crowd.account.worth))
        keep_house(house.fresh_parts().settings)
        rows = archived(house.parts)
        assert len(rows) == len({row["id"] for row in rows}) == len(crowd.account.worth)
    assert keep_house(house.fresh_parts().settings) == 0
    worth = {row["id"]: (row["title"], row["artwork"], row["value"]) for row in rows}
    assert worth == crowd.account.worth
    assert {type(row["personal"]) for row in rows} == {float}
    parts = house.fresh_parts()
    found = parts.fitting.fit(encoders="space")
    assert (found.titles, found.artworks) == (40, 160)
    assert parts.serve_without_registry(found.version) == 40
    assert parts.opinions.current == found.version


def test_an_erased_viewer_leaves_the_training_log(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=12, viewers=20)
    house.create()
    house.work(1)
    api = house.serve()
    house.visit(crowd, 400)
    house.flush()
    house.until_counted("learned", len(crowd.account.worth))
    answer = api.decide("to be forgotten", "t1", "t2")
    key = pseudonym("to be forgotten", house.parts.viewer_key)
    assert answer["viewer"] == key
    for chosen in answer["decisions"]:
        seen = {
            "type": "impression",
            "id": f"i{chosen['id']}",
            "viewer": key,
            "title": chosen["title"],
            "artwork": chosen["artwork"],
            "decision": chosen["id"],
            "surface": "home",
            "occurred_at_ms": now_ms(),
        }
        house.send(EVENTS, key, json.dumps(seen).encode())
    house.flush()
    house.until_counted("learned", len(crowd.account.worth) + 2)
    parts = house.fresh_parts()
    keep_house(parts.settings)
    before = Counter(row["viewer"] for row in archived(parts))
    assert before[key] == 2
    status, _ = api.call("/v1/viewers/to%20be%20forgotten", None, "DELETE")
    assert status == 202
    house.until_counted("erasures", 1)

    def gone() -> bool:
        keep_house(parts.settings)
        return not parts.client.hgetall(parts.keys.shared("erasures"))

    until("the erasure is finished", gone)
    after = Counter(row["viewer"] for row in archived(parts))
    assert after[key] == 0
    assert after[NOBODY] == before[NOBODY] + 2
    del after[NOBODY], before[NOBODY], before[key]
    assert after == before
