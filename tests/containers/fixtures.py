"""Session-wide servers. Without an engine: a failure when KEYART_CONTAINERS=1, else a skip."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.containers.house import House
from tests.containers.secure import make_certificate
from tests.containers.servers import KafkaServer, RedisServer

MakeHouse = Callable[..., House]
Server = TypeVar("Server", KafkaServer, RedisServer)


def engine_answers() -> bool:
    """Say whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, timeout=60).returncode == 0


def need_engine() -> None:
    """Fail, or skip if nobody asked for containers, when no Docker engine answers."""
    if engine_answers():
        return
    if os.environ.get("KEYART_CONTAINERS") == "1":
        pytest.fail("KEYART_CONTAINERS=1, and no Docker engine answers")
    pytest.skip("no Docker engine answers")


def running(make: Callable[[], Server]) -> Iterator[Server]:
    """Yield a server that runs, and remove it in the end."""
    need_engine()
    server = make()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaServer]:
    """One broker for the session; tests keep apart by their topic prefix."""
    yield from running(KafkaServer)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for the session; tests keep apart by their key prefix."""
    yield from running(RedisServer)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `cert.pem`, signed by itself, and `key.pem`, for 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def make_house(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> Iterator[MakeHouse]:
    """Makes houses on the shared servers, and ends their processes."""
    made: list[House] = []

    def make(**more: str) -> House:
        made.append(House(kafka_server, redis_server, tmp_path, **more))
        return made[-1]

    yield make
    for house in made:
        house.close()
