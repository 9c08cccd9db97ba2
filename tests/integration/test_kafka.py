"""The Kafka way of the data on a real broker and a real Redis."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from keyart.models.taste.features import taste_vectors
from keyart.schemas.ids import pseudonym
from keyart.schemas.taste import unpack_tastes
from keyart.schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, REWARDS, partition_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.lanes import taste_rates
from keyart.streams.kafka.deadletters import read_letters
from keyart.streams.kafka.source import read_all
from keyart.streams.ports import VIEWERS, Lane
from tests.containers.crowd import Crowd
from tests.containers.fixtures import MakeHouse
from tests.containers.house import House, settle
from tests.containers.servers import until

pytestmark = pytest.mark.containers


def keyart(house: House, *command: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as an operator does."""
    whole = [sys.executable, "-m", "keyart.services.cli.main", *command]
    environment = {"PATH": "/usr/bin:/bin", "COLUMNS": "200", **house.environment}
    return subprocess.run(whole, env=environment, capture_output=True, text=True, timeout=120)


def test_events_of_a_plain_producer_are_learned_once(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=1)
    house.create()
    house.work(2)
    house.visit(crowd, 3000)
    settle(house, [crowd])


def test_poison_goes_to_the_dead_letters_and_the_rest_goes_on(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=3)
    house.create()
    house.work(1)
    house.visit(crowd, 300)
    good = b'{"type":"click","id":"%s","viewer":"' + b"ab" * 16 + b'","title":"t1",'
    poison = {
        "truncated": good[:40] % b"1",
        "oversized": good % b"2" + b'"occurred_at_ms":1,"x":"' + b"x" * 1_000_000 + b'"}',
        "newer": good % b"3" + b'"occurred_at_ms":1,"version":99}',
        "type": good % b"4" + b'"occurred_at_ms":"noon"}',
        "unknown": good.replace(b"click", b"shrug") % b"5" + b'"occurred_at_ms":1}',
        "ahead": good % b"6" + b'"occurred_at_ms":3999999999999}',
        "empty": b"",
        "bytes": b"\xff\xfe\x00",
        # a letter that held it whole, twice, would be more than the log takes
        "k" * 600_000: b"{",
        "control": b"\x01" * 400_000,
    }
    for name, value in poison.items():
        house.send(EVENTS, name, value)
    house.send(DECISIONS, "list", b"[]")
    house.send(REWARDS, "number", b"17")
    house.visit(crowd, 300)
    settle(house, [crowd])
    house.until_counted("dead_letters", len(poison) + 2)

    def letters() -> int:
        return sum(1 for _ in read_letters(house.parts.kafka, partitions=4))

    until("letters in the topic", lambda: letters() == len(poison) + 2)
    found = {each.key: each for each in read_letters(house.parts.kafka, partitions=4)}
    assert found["newer"].reason.startswith("version 99")
    assert found["type"].path == "$.occurred_at_ms"
    assert found["oversized"].truncated and len(found["oversized"].value) == 100_000
    assert "ahead" in found["ahead"].reason
    assert found["k" * 1000].truncated and found["control"].truncated
    assert found["list"].topic == DECISIONS and found["number"].topic == REWARDS
    assert keyart(house, "deadletters", "list").stdout.count("events") >= len(poison)
    shown = keyart(house, "deadletters", "show", found["type"].id)
    assert '"path": "$.occurred_at_ms"' in shown.stdout
    again = keyart(house, "deadletters", "retry", found["type"].id)
    assert "sent 1 records again" in again.stdout
    house.until_counted("dead_letters", len(poison) + 3)
    assert keyart(house, "deadletters", "retry", found["oversized"].id).returncode == 1


def tastes_of(house: House, at_ms: int) -> dict[str, Any]:
    """What every viewer's stored taste says at this time, as the choice reads it."""
    store, space = house.parts.store, house.parts.space.identity
    rates = taste_rates(house.settings)
    return {
        viewer: taste_vectors(unpack_tastes([blob], space)[0], at_ms, rates).directions
        for partition in range(house.settings.partitions)
        for viewer, blob in store.scan(Lane(VIEWERS, partition), "taste")
    }


def test_a_clock_a_year_behind_moves_nothing(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=5, viewers=30)
    house.create()
    house.work(1)
    house.visit(crowd, 300)
    settle(house, [crowd])
    at_ms = now_ms()
    before, year_ago = tastes_of(house, at_ms), at_ms - 365 * 86_400_000
    for at, viewer in enumerate(before):
        late: dict[str, Any] = {"type": "like", "id": f"late{at}", "viewer": viewer, "title": "t1"}
        late |= {"artwork": "a0", "occurred_at_ms": year_ago}
        house.send(EVENTS, viewer, json.dumps(late).encode())
    house.flush()
    house.until_counted("events", crowd.account.events + crowd.account.repeats + len(before))
    after = tastes_of(house, at_ms)
    assert set(after) == set(before)
    for viewer, held in before.items():
        np.testing.assert_allclose(after[viewer], held, atol=1e-3)
    assert house.counts()["dead_letters"] == 0
    assert house.fresh_parts().rebuilding.check().equal


def test_topics_are_created_once_and_never_shrink(make_house: MakeHouse) -> None:
    house = make_house(KEYART_PARTITIONS="3")
    first = keyart(house, "topics", "create")
    assert first.stdout.count("created") == 5, first.stderr
    assert "as it should be" in keyart(house, "topics", "create").stdout
    described = keyart(house, "topics", "describe").stdout
    assert "cleanup.policy=compact" in described and "LogAppendTime" in described
    assert "min.compaction.lag.ms" in described
    house.environment["KEYART_PARTITIONS"] = "2"
    refused = keyart(house, "topics", "create")
    assert refused.returncode == 1 and "never shrink" in refused.stderr
    house.environment["KEYART_PARTITIONS"] = "4"
    assert keyart(house, "topics", "create").stdout.count("grew") == 5
    house.send(EVENTS, "k", b"{}")
    house.flush()
    house.environment["KEYART_PARTITIONS"] = "5"
    refused = keyart(house, "topics", "create")
    assert refused.returncode == 1 and "1 records" in refused.stderr
    lag = keyart(house, "topics", "lag")
    assert lag.returncode == 0 and DEAD_LETTERS not in lag.stdout


def test_a_rebuild_from_kafka_gives_the_state_again(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=4)
    house.create()
    worker = house.work(1)[0]
    house.visit(crowd, 1000)
    settle(house, [crowd])
    worker.terminate()
    assert worker.process.returncode == 0, worker.said[-2000:]
    house.fresh_parts().rebuilding.rebuild()
    house.work(1)
    house.visit(crowd, 300)
    settle(house, [crowd])


def test_the_java_client_chooses_the_same_partitions(make_house: MakeHouse) -> None:
    house = make_house()
    house.create()
    keys: list[str] = [pseudonym(f"viewer {at}", b"k" * 16) for at in range(150)]
    keys += ["Tea: part 2", "\u00dcberfahrt", "\u6771\u4eac", "a", "ab", "abc", "abcd"]
    lines = "\n".join(f"{key}\tvalue" for key in keys)
    java = "java -Dfile.encoding=UTF-8 -cp '/opt/kafka/libs/*'"
    producer = f"{java} org.apache.kafka.tools.ConsoleProducer --property parse.key=true"
    command = f"{producer} --bootstrap-server {house.kafka.address} --topic {house.prefix}{EVENTS}"
    script = f"{command} <<'END'\n{lines}\nEND\n"
    done = house.kafka.docker.exec_run(["sh", "-c", script])
    assert done.exit_code == 0, done.output.decode()
    found = {
        record.key: partition
        for partition in range(4)
        for record in read_all(house.parts.kafka, EVENTS, partition)
    }
    assert found == {key: partition_of(key, 4) for key in keys}
    assert set(found.values()) == {0, 1, 2, 3}
