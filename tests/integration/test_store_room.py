"""The store's memory is bounded, measured, and spoken of well before it is full."""

import logging
from pathlib import Path

import pytest

from keyart.services.processes.housekeeping import keep_house
from keyart.services.wiring.settings import Settings
from keyart.streams.room import Room, half_of_the_machine
from keyart.streams.valkey.admin import room_of
from tests.opened import Opened


def test_the_embedded_server_has_a_bound_by_default_and_by_setting(data_dir: Path) -> None:
    default = Opened(Settings(data_dir=str(data_dir)))
    default.server.start()
    try:
        room = room_of(default.client)
        assert room.limit == half_of_the_machine() > 100_000_000
        assert 0 < room.used < room.limit
        assert default.client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    finally:
        default.server.stop()
    given = Opened(Settings(data_dir=str(data_dir), redis_memory_mb=64))
    given.server.start()
    try:
        assert room_of(given.client).limit == 64_000_000
    finally:
        given.server.stop()


def test_a_nearly_full_store_is_spoken_of(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    parts = Opened(Settings(data_dir=str(data_dir), redis_memory_mb=200))
    parts.server.start()
    try:
        with caplog.at_level(logging.WARNING):
            keep_house(parts.settings)
            assert "nearly full" not in caplog.text
            parts.client.config_set("maxmemory", round(room_of(parts.client).used / 0.85))
            keep_house(parts.settings)
        assert "nearly full" in caplog.text
    finally:
        parts.close()
        parts.server.stop()


def test_what_is_said_of_it() -> None:
    assert str(Room(850, 1000)).startswith("85 % of")
    assert Room(850, 0).share == 0.0
