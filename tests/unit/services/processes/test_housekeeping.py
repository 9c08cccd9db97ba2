"""Housekeeping: rounds go on after any failure, and a mark says that somebody is at work."""

import os
import threading
import time
from pathlib import Path

import pytest

from keyart.schemas.errors import LogAway
from keyart.services.jobs.alive import ALIVE, ALIVE_MORE_S, is_alive
from keyart.services.jobs.how_it_goes import Housekeeping
from keyart.services.jobs.keeping import Keeper
from keyart.services.processes.housekeeping import keep_house_until

EVERY_S = 0.01


class Failing(Keeper):
    """Fails in turn with what was and what was not foreseen, then ends."""

    def __init__(self, stopping: threading.Event) -> None:
        self.failures: list[Exception] = [LogAway("Kafka is away"), ValueError("unforeseen")]
        self.rounds = 0
        self.stopped = False
        self._stopping = stopping

    def round(self) -> int:
        self.rounds += 1
        if self.failures:
            raise self.failures.pop(0)
        self._stopping.set()
        return 1

    def stop(self) -> None:
        self.stopped = True


def test_a_round_that_fails_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = threading.Event()
    folder = tmp_path / "data"
    assert not is_alive(folder, every_s=EVERY_S)
    keeper = Failing(stopping)
    keep_house_until(stopping, lambda: keeper, folder=folder, every_s=EVERY_S)
    assert keeper.rounds == 3 and keeper.stopped
    assert sum("Kafka is away" in record.getMessage() for record in caplog.records) == 1
    assert any("unforeseen" in (record.exc_text or "") for record in caplog.records)
    assert is_alive(folder, every_s=EVERY_S)
    long_ago = time.time() - ALIVE_MORE_S - 60
    os.utime(tmp_path / "data" / ALIVE, (long_ago, long_ago))
    assert not is_alive(folder, every_s=EVERY_S)


def test_a_folder_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    stopping = threading.Event()
    keeper = Failing(stopping)
    folder = tmp_path / "file" / "data"
    keep_house_until(stopping, lambda: keeper, folder=folder, every_s=EVERY_S)
    assert keeper.rounds == 3


def test_a_round_is_late_after_more_than_it_may_take() -> None:
    found = Housekeeping(round_ms=1_000_000)
    soon, later = (1_000_000 + round(1000 * (ALIVE_MORE_S + more)) for more in (80, 100))
    assert not found.late(at_ms=soon, archive_s=30)
    assert found.late(at_ms=later, archive_s=30)
