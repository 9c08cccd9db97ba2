"""What viewers explore and what is proposed to them on Kafka and Redis; embedded is the same."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from keyart.models.serendipity.table import read_table
from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.events import Proposed
from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.services.cli.serendipity import app
from keyart.streams.families import EXPLORED
from keyart.streams.kafka.source import read_all
from keyart.streams.ports import VIEWERS, Lane, Output
from tests.containers.api import Api
from tests.containers.fixtures import MakeHouse
from tests.containers.house import House
from tests.containers.servers import until
from tests.integration.test_kafka_end_to_end import embedded_default, put
from tests.opened import Opened
from tests.unit.services.test_evaluate_serendipity import folder

pytestmark = pytest.mark.containers
PARTITIONS = range(4)


def build(house: House, tmp_path: Path) -> list[str]:
    """Make the table where the api looks for it; return its titles."""
    train, table = folder(tmp_path / "train", range(80)), house.parts.data_dir / "serendipity"
    result = CliRunner().invoke(app, ["build", str(table), "--train", str(train), "--clusters=12"])
    assert result.exit_code == 0, result.output
    return sorted(read_table(table).titles)


def explored(parts: Opened, partitions: range = PARTITIONS) -> dict[str, bytes]:
    store = parts.store
    lanes = [Lane(VIEWERS, partition) for partition in partitions]
    return {name: blob for lane in lanes for name, blob in store.scan(lane, EXPLORED)}


def records(house: House, topic: str) -> list[Any]:
    return [record for at in PARTITIONS for record in read_all(house.parts.kafka, topic, at)]


def pages(house: House) -> list[Proposed]:
    events = [codec.events.decode(each.value) for each in records(house, EVENTS)]
    return [each for each in events if isinstance(each, Proposed)]


def finish(viewer: str, title: str, back: int) -> dict[str, Any]:
    return {
        "type": "finish",
        "id": f"{viewer}-{title}",
        "viewer": viewer,
        "title": title,
        "occurred_at_ms": int(time.time() * 1000) - 1000 * back,
    }


def asking(api: Api, viewer: str) -> Callable[[], Any]:
    def ask() -> Any:
        status, answer = api.call("/v1/serendipity", {"viewer": viewer, "count": 3})
        assert status == 200, answer
        return answer

    return ask


def test_what_viewers_watch_decides_what_they_get(
    make_house: MakeHouse, data_dir: Path, tmp_path: Path
) -> None:
    house = make_house(KEYART_SERENDIPITY_EXPLORE="0")
    house.create(title_count=0)
    names = build(house, tmp_path)
    api = house.serve()
    for name in names:
        art = tuple(Artwork(id=each, description=f"{each} of {name}") for each in ("a", "b"))
        put(api, Title(id=name, name=name, artworks=art))
    house.work(2)
    # one viewer by the api, others by the site's own producer, as both ways are documented
    events = [finish("ann", "t0-1", 60), finish("ann", "t3-2", 50)]
    assert api.call("/v1/events", {"events": events})[0] == 202
    for at in range(12):
        who = pseudonym(f"viewer {at}", house.parts.viewer_key)
        for back, name in ((60, f"t0-{at % 6}"), (50, f"t{2 + at % 4}-{at % 5}")):
            house.send(EVENTS, who, json.dumps(finish(who, name, back)).encode())
    house.flush()
    until("everybody's titles are marked", lambda: len(explored(house.parts)) == 13)
    ask = asking(api, "ann")
    # in the tables, whoever goes from group 0 to group 3 comes to group 9
    until("both titles are read", lambda: ask()["titles"][0]["title"].startswith("t9-"))
    answer = ask()
    assert len(answer["titles"]) == 3 and all(each["proposed"] for each in answer["titles"])
    until("the page is logged", lambda: answer["id"] in {each.id for each in pages(house)})
    (page,) = [each for each in pages(house) if each.id == answer["id"]]
    assert [(each.title, each.propensity) for each in page.titles] == [
        (each["title"], each["propensity"]) for each in answer["titles"]
    ]
    declined = answer["titles"][0]["cluster"]
    assert api.call("/v1/viewers/ann", {"declined": [declined]}, "PATCH")[0] == 202
    assert ask()["titles"][0]["cluster"] != declined
    gone = pseudonym("viewer 0", house.parts.viewer_key)
    assert api.call("/v1/viewers/viewer%200", method="DELETE")[0] == 202
    until("the erased one's record goes", lambda: gone not in explored(house.parts))
    same(house, data_dir)


def same(house: House, data_dir: Path) -> None:
    """Hold the state against the one that the embedded default makes of the same records."""
    until("the workers have read all", lambda: lag(house) == 0)
    with embedded_default(data_dir) as parts:
        for topic in (DECISIONS, EVENTS):
            parts.log.append(
                [Output(topic, each.key, each.value) for each in records(house, topic)]
            )
        parts.driver.drain()
        kafka = explored(house.fresh_parts())
        assert len(kafka) == 12
        assert kafka == explored(parts, range(parts.settings.partitions))


def lag(house: House) -> int:
    """Return how many events the lanes have not read yet, by what they committed."""
    store, behind = house.fresh_parts().store, 0
    for at in PARTITIONS:
        lane = Lane(VIEWERS, at)
        done = store.offsets(lane).get(EVENTS)
        behind += sum(
            done is None or int(each.offset) > int(done)
            for each in read_all(house.parts.kafka, EVENTS, at)
        )
    return behind
