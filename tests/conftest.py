"""Fixtures that several kinds of tests share."""

import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from keyart.models.embed import Concepts, load_space
from keyart.services.wiring.memory import collect_seldom
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.valkey.server import EmbeddedServer
from tests.containers.fixtures import certificate, kafka_server, make_house, redis_server

# The same examples on every machine and in every run. How long an example took or how many were
# left out says something of the machine and of that, not of keyart.
settings.register_profile(
    "seeded",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)
settings.load_profile("seeded")
# Hypothesis also tries constants of the modules that are loaded, which depend on the worker and on
# what it ran before: what is tried must be the same everywhere
providers._get_local_constants = Constants

# With Python's own thresholds a sixth of all time goes into looking for garbage, most of it among
# what torch and transformers hold for good
collect_seldom()

__all__ = ["certificate", "kafka_server", "make_house", "redis_server"]


def pytest_collection_finish() -> None:
    """Leave what was imported out of every later look for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Valkey for the whole session; tests keep apart by their key prefix."""
    server = EmbeddedServer(tmp_path_factory.mktemp("valkey"))
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def static_concepts() -> Concepts:
    """The named interests in the shipped space."""
    return Concepts(load_space("static"))


@pytest.fixture
def catalogue_view(static_concepts: Concepts) -> CatalogueView:
    """An empty catalogue in the shipped space."""
    return CatalogueView(load_space("static"), static_concepts)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder for a whole keyart."""
    return tmp_path / "keyart"


@pytest.fixture
def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
