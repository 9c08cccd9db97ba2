"""Housekeeping: rounds go on after a failure, and a mark says that somebody is at work."""

import os
import threading
import time
from pathlib import Path

import pytest

from keyart.schemas.errors import LogAway
from keyart.services import housekeeping
from keyart.services.bootstrap import Parts
from keyart.services.housekeeping import ALIVE, ALIVE_MORE_S, is_alive, keep_house_until
from keyart.services.settings import Settings


def test_a_round_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stopping, tried = threading.Event(), list[int]()

    def round_of(parts: Parts) -> int:
        tried.append(len(tried))
        if len(tried) == 3:
            stopping.set()
        if len(tried) < 3:
            raise LogAway("Kafka is away")
        return 1

    monkeypatch.setattr(housekeeping, "keep_house", round_of)
    parts = Parts(Settings(data_dir=str(tmp_path / "data"), archive_s=0.01))
    assert not is_alive(parts)
    keep_house_until(stopping, parts)
    assert tried == [0, 1, 2]
    assert sum("Kafka is away" in record.getMessage() for record in caplog.records) == 2
    assert is_alive(parts)
    long_ago = time.time() - ALIVE_MORE_S - 60
    os.utime(tmp_path / "data" / ALIVE, (long_ago, long_ago))
    assert not is_alive(parts)
