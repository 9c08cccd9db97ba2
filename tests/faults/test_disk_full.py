"""A disk that fills under `keyart serve`: what was accepted is kept, and all recovers."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.schemas import codec
from keyart.schemas.topics import EVENTS
from keyart.services.wiring.settings import Settings
from tests.faults.serving import Serving
from tests.opened import Opened


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 60 MB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    held = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    os.write(held, bytes(size))
            except OSError:
                continue
    finally:
        os.close(held)


@pytest.mark.timeout(300)
def test_what_was_accepted_is_in_the_log_and_all_recovers(small_disk: Path, free_port: int) -> None:
    data = small_disk / "data"
    site = Serving(data, free_port, archive_s="1").ready()
    accepted: set[str] = set()
    try:
        site.put("t")

        def send(first: int) -> int:
            names = [str(at) for at in range(first, first + 100)]
            status = site.click(*names)
            if status == 202:
                accepted.update(names)
            return status

        assert send(0) == 202
        fill(small_disk / "filler")
        for round_ in range(1, 6):
            assert send(100 * round_) == 503
            assert site.decide(f"v{round_}", "t") == 200
        assert set(site.members()) == {"valkey", "steps", "api"}
        # the server dies with what it could not write: nothing of that was accepted
        site.members()["valkey"].kill()
        assert site.decide("w", "t") == 200
        (small_disk / "filler").unlink()
        site.until(lambda: send(1000) == 202)
        assert site.call("/health/ready")[0] == 200
    finally:
        site.stop()
    parts = Opened(Settings(data_dir=str(data)))
    parts.server.start()
    try:
        logged = {codec.events.decode(each.value).id for each in parts.history(EVENTS, 0)}
    finally:
        parts.server.stop()
    assert accepted <= logged and len(accepted) == 200


@pytest.mark.timeout(400)
def test_a_new_site_without_room_is_one_line(small_disk: Path, free_port: int) -> None:
    fill(small_disk / "filler")
    site = Serving(small_disk / "data", free_port, said_in=small_disk.parent)
    assert site.end() == 1
    (line,) = site.lines()
    assert line.startswith("keyart: KEYART_DATA_DIR") and "No space left" in line
