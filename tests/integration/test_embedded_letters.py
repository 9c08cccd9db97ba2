"""Dead letters of the embedded log: bounded, listed, and sent again as Kafka's are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keyart.schemas import codec
from keyart.schemas.events import Click
from keyart.schemas.topics import DEAD_LETTERS, EVENTS
from keyart.services.cli.main import app
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.logs import letters_of
from keyart.services.wiring.settings import Settings
from keyart.streams.archive import archiver
from keyart.streams.ports import VIEWERS, Lane, Output
from tests.opened import Opened

PARTITIONS = 2


@pytest.fixture
def parts(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    monkeypatch.setenv("KEYART_DATA_DIR", str(data_dir))
    monkeypatch.setenv("KEYART_PARTITIONS", str(PARTITIONS))
    made = Opened(Settings(data_dir=str(data_dir), partitions=PARTITIONS))
    made.server.start()
    yield made
    made.close()
    made.server.stop()


def newer(at: int) -> bytes:
    return codec.encode(
        Click(id=f"c{at}", viewer=f"{at:032x}", title="t", occurred_at_ms=now_ms(), version=2)
    )


def some_letters(parts: Opened, count: int) -> None:
    parts.log.append([Output(EVENTS, f"{at:032x}", newer(at)) for at in range(count)])
    parts.driver.open()
    parts.driver.drain()


def keyart(*arguments: str) -> str:
    """Run a command; return what it says."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def test_an_event_of_a_newer_version_is_listed_shown_and_sent_again(
    parts: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    some_letters(parts, 6)
    listed = keyart("deadletters", "list")
    assert "6 dead letters" in listed and "version 2" in listed
    first = next(letters_of(parts.settings, parts.client).read())
    assert re.fullmatch(r"[01]:\d+-\d+", first.id)
    assert first.id in listed
    figures = tmp_path / "letters.json"
    keyart("deadletters", "list", "--most", "2", "--json", str(figures))
    written = json.loads(figures.read_text())
    assert written["dead_letters"] == 6 and len(written["shown"]) == 2
    assert '"reason": "version 2' in keyart("deadletters", "show", first.id)
    assert "sent 1 records again" in keyart("deadletters", "retry", first.id)
    parts.driver.drain()
    assert len(list(letters_of(parts.settings, parts.client).read())) == 7
    # after the upgrade that can read them
    monkeypatch.setattr(codec.events, "_newest", 2)
    assert "sent 7 records again" in keyart("deadletters", "retry", "--all")
    parts.driver.drain()
    read = sum(
        parts.store.counts(Lane(VIEWERS, each)).get("events", 0) for each in range(PARTITIONS)
    )
    assert read == 7


@pytest.mark.parametrize("bound", ["MOST_LETTERS", "LETTER_BYTES"])
def test_they_are_bounded_and_the_newest_stay(
    parts: Opened, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(archiver, bound, {"MOST_LETTERS": 100, "LETTER_BYTES": 40_000}[bound])
    some_letters(parts, 1000)
    last = {each: parts.log.tail(DEAD_LETTERS, each, 1)[0].offset for each in range(PARTITIONS)}
    parts.archiver.run()
    for each in range(PARTITIONS):
        held = parts.log.length(DEAD_LETTERS, each)
        assert 20 < held < 200
        assert parts.log.tail(DEAD_LETTERS, each, 1)[0].offset == last[each]
        stream = parts.keys.stream(DEAD_LETTERS, each)
        if bound == "LETTER_BYTES":
            assert parts.client.memory_usage(stream, samples=0) <= 60_000
    parts.archiver.run()


def test_stored_state_that_was_set_aside_is_a_letter_that_is_not_sent(parts: Opened) -> None:
    lane = Lane(VIEWERS, 0)
    parts.client.hset(parts.keys.lane(lane, "join"), "d1", b"\xc1 damaged")
    parts.driver.open()
    (letter,) = letters_of(parts.settings, parts.client).read()
    assert (letter.topic, letter.key) == ("state", "join/d1")
    assert "left out: " in keyart("deadletters", "retry", "--all")
    assert parts.store.counts(lane)["set_aside"] == 1
