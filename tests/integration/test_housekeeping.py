"""Housekeeping on a real Valkey: what is damaged is set aside, and the rest is done."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from keyart.schemas import codec
from keyart.schemas.errors import KeyartError
from keyart.schemas.events import Erasure
from keyart.schemas.ids import ViewerKey, pseudonym
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.services.jobs.how_it_goes import how_it_goes
from keyart.services.processes.housekeeping import keeper_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.rebuilding import begin
from keyart.services.wiring.settings import Settings
from keyart.streams.archive import files
from keyart.streams.ports import Output
from tests.integration.test_embedded import play_through
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    made = Opened(Settings(data_dir=str(data_dir), reward_window_s=0.2, lateness_s=0.1))
    made.server.start()
    begin(made.settings, made.client)
    made.driver.open()
    yield made
    made.close()
    made.server.stop()


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    middle = len(whole) // 3
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[: len(whole) // 2],
            "text": b"this is no Parquet file",
            "pages": whole[:4] + bytes(middle) + whole[4 + middle :],
        }[how]
    )


@pytest.mark.parametrize("how", ["empty", "cut", "text", "pages"])
@pytest.mark.parametrize("topic", [EVENTS, DECISIONS, REWARDS])
def test_a_damaged_file_is_set_aside_and_the_rest_goes_on(
    parts: Opened, topic: str, how: str
) -> None:
    play_through(parts, 10)
    keeper = keeper_of(parts.settings, parts.client)
    keeper.round()
    (path,) = files.paths(parts.archive_dir, topic, 0)
    damage(path, how)
    damaged = path.read_bytes()
    play_through(parts, 10, seed=1)
    viewer = ViewerKey(pseudonym("viewer 3", b"k" * 16))
    erasure = Erasure(id="x", viewer=viewer, occurred_at_ms=now_ms())
    parts.log.append([Output(EVENTS, viewer, codec.encode(erasure))])
    parts.erasures.add(viewer, parts.log.tail(EVENTS, 0, 1)[0].offset)
    parts.driver.drain()
    assert keeper.round() > 0
    assert [each.read_bytes() for each in files.aside(parts.archive_dir)] == [damaged]
    assert not path.exists()
    for each in parts.archive_dir.rglob("*.parquet"):
        assert viewer.encode() not in each.read_bytes()
    house = how_it_goes(parts.register)
    assert house is not None
    assert (house.set_aside, house.failures) == (1, 0)
    assert keeper.round() >= 0


def test_small_files_are_merged_though_one_is_damaged(parts: Opened) -> None:
    keeper = keeper_of(parts.settings, parts.client)
    for seed in range(23):
        play_through(parts, 1, seed, first=seed)
        keeper.round()
    paths = files.paths(parts.archive_dir, REWARDS, 0)
    damage(paths[4], "pages")
    expected = list(files.read(parts.archive_dir, REWARDS, 0))
    play_through(parts, 1, 99, first=99)
    parts.archiver.run()
    assert len(files.paths(parts.archive_dir, REWARDS, 0)) == 1
    assert len(files.aside(parts.archive_dir)) == 1
    merged = list(files.read(parts.archive_dir, REWARDS, 0))
    assert merged[: len(expected)] == expected
    assert len(merged) == len(expected) + 5


def test_what_fails_is_said_and_the_other_parts_are_done(parts: Opened) -> None:
    play_through(parts, 5)
    parts.archive_dir.mkdir(parents=True, exist_ok=True)
    (parts.archive_dir / DECISIONS).write_text("a file where a folder should be")
    keeper = keeper_of(parts.settings, parts.client)
    for count in (1, 2):
        with pytest.raises(KeyartError, match="archiving"):
            keeper.round()
        house = how_it_goes(parts.register)
        assert house is not None
        assert house.failures == count
        assert "archiving" in house.reason
        assert house.done_ms == 0
    assert files.paths(parts.archive_dir, REWARDS, 0)
    (parts.archive_dir / DECISIONS).unlink()
    assert keeper.round() > 0
    house = how_it_goes(parts.register)
    assert house is not None
    assert (house.failures, house.reason) == (0, "")
    assert house.done_ms > 0


def test_the_api_tells_how_it_goes(parts: Opened, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(parts.app(), base_url="http://127.0.0.1:8650") as client:
        said = client.get("/health/ready").json()["parts"]
        assert said["housekeeping"] == {"well": True, "says": "no round yet"}
        assert said["catalogue"]["well"]
        play_through(parts, 5)
        keeper = keeper_of(parts.settings, parts.client)
        keeper.round()
        (path,) = files.paths(parts.archive_dir, EVENTS, 0)
        damage(path, "empty")
        with caplog.at_level(logging.ERROR):
            keeper.round()
        assert path.name in caplog.text
        parts.client.hset(parts.keys.shared("{catalogue}titles"), "bad", b"{")
        parts.client.zadd(parts.keys.shared("{catalogue}changed"), {"bad": 99})
        assert client.get("/v1/titles/bad").status_code == 404
        answer = client.get("/health/ready")
        assert answer.status_code == 200
        said = answer.json()["parts"]
        assert not said["housekeeping"]["well"]
        assert "1 files of the archive" in said["housekeeping"]["says"]
        assert not said["catalogue"]["well"]
        assert "1 title" in said["catalogue"]["says"]
        figures = client.get("/metrics").text
        assert "keyart_archive_set_aside 1.0" in figures
        assert "keyart_titles_set_aside 1.0" in figures
        assert "keyart_housekeeping_failures 0.0" in figures
        assert "keyart_housekeeping_done_timestamp_seconds 1" in figures
