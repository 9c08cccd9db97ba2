"""`keyart serve` when its parts are killed, frozen, doubled, or cannot start."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.serving import Serving

Start = Callable[..., Serving]


def alive(process: psutil.Process) -> bool:
    """Whether it runs; one that only waits to be buried does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(data_dir: Path, free_port: int) -> Iterator[Start]:
    """Start one in the test's folder; all are stopped in the end."""
    made: list[Serving] = []

    def begin(**more: str) -> Serving:
        made.append(Serving(data_dir, free_port, said_in=None, **more))
        return made[-1]

    yield begin
    for each in made:
        each.stop()


@pytest.mark.timeout(400)
def test_all_end_with_a_killed_supervisor_and_the_next_one_takes_over(start: Start) -> None:
    first = start(viewer_key="a key of the test").ready()
    first.put("t")
    members = first.members()
    assert set(members) == {"valkey", "steps", "api"}
    for name in ("valkey", "steps"):
        assert "KEYART_VIEWER_KEY" not in members[name].environ()
    assert members["api"].environ()["KEYART_VIEWER_KEY"] == "a key of the test"
    assert first.click("1", "2") == 202
    first.process.kill()
    first.process.wait()
    second = start(viewer_key="a key of the test")
    # the first one's api may answer until the second one's begins
    second.until(lambda: "api" in second.members())
    second.ready()
    assert not any(alive(each) for each in members.values())
    assert second.decide("ada", "t") == 200
    assert second.click("3") == 202
    assert second.stop() == 0
    assert second.left_behind() == []


@pytest.mark.timeout(400)
def test_a_second_one_in_the_folder_is_refused_and_told_of_the_first(
    start: Start, free_port: int
) -> None:
    first = start().ready()
    second = start(api_port="0")
    assert second.end() == 1
    (line,) = second.lines()
    assert str(first.process.pid) in line and f"http://127.0.0.1:{free_port}" in line
    assert first.call("/health/ready")[0] == 200
    assert set(first.members()) == {"valkey", "steps", "api"}


@pytest.mark.timeout(400)
def test_a_store_that_is_frozen_or_has_lost_its_socket_ends_nothing(start: Start) -> None:
    site = start(snapshot_s="0.2").ready()
    site.put("t")
    frozen = site.members()["valkey"]
    frozen.suspend()
    for viewer in range(4):
        assert site.decide(f"v{viewer}", "t") == 200
    assert site.process.poll() is None
    frozen.resume()
    site.until(lambda: site.click("1") == 202)
    place = site.folder / "valkey" / "valkey.sock"
    place.unlink()
    assert site.decide("w", "t") == 200
    site.until(place.exists)
    site.until(lambda: site.click("2") == 202)
    assert frozen.pid != site.members()["valkey"].pid
    assert site.call("/health/ready")[0] == 200


@pytest.mark.timeout(400)
def test_what_cannot_start_ends_all_with_the_reason_last(start: Start, tmp_path: Path) -> None:
    space = tmp_path / "space"
    space.mkdir()
    for name in ("model.safetensors", "tokenizer.json"):
        (space / name).write_bytes(b"none")
    site = start(space=f"static:{space}")
    assert site.end() == 1
    assert site.lines()[-1].startswith("keyart: KEYART_SPACE: ")
    assert not any("Traceback" in line for line in site.lines())
    assert site.left_behind() == []


@pytest.mark.timeout(400)
def test_other_partitions_than_the_state_was_made_with_are_refused(start: Start) -> None:
    start(partitions="2").ready().stop()
    again = start(partitions="3")
    assert again.end() == 1
    assert again.lines()[-1].startswith("keyart: KEYART_PARTITIONS is 3")


@pytest.mark.timeout(400)
def test_a_prior_nobody_registered_is_refused(start: Start) -> None:
    site = start(prior="nosuch")
    assert site.end() == 1
    assert site.lines()[-1].startswith("keyart: KEYART_PRIOR is 'nosuch'")


@pytest.mark.timeout(400)
def test_a_store_that_is_away_at_the_start_is_waited_for(start: Start, free_port: int) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        site = start(redis_url=url)
        site.until(lambda: site.call("/health/live")[0] == 200)
        assert site.call("/health/ready")[0] == 503
        before = {name: each.pid for name, each in site.members().items()}
        site.until(lambda: any("the start of the steps" in line for line in site.lines()))
        assert {name: each.pid for name, each in site.members().items()} == before


def test_a_killed_child_is_started_again(start: Start) -> None:
    site = start().ready()
    killed = site.members()["steps"]
    os.kill(killed.pid, signal.SIGKILL)

    def replaced() -> bool:
        now = site.members().get("steps")
        return now is not None and now.pid != killed.pid and alive(now)

    site.until(replaced)
    assert site.call("/health/ready")[0] == 200
