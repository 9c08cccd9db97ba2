"""Kafka and Redis in containers, for the tests that need the real servers.

Host ports are fixed for a server's life, so that it has the same address after a restart.
"""

import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any, cast

import redis

os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

KAFKA_IMAGE = "apache/kafka:4.1.0"
REDIS_IMAGE = "redis:7.0-bookworm"
START_S = 90.0


def free_port() -> int:
    """Return a port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until(
    what: str,
    holds: Callable[[], object],
    timeout_s: float = START_S,
    *,
    tell: Callable[[], object] = lambda: "",
) -> None:
    """Wait until something holds; if it never does, `tell` says how things stand."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:.0f} s; {tell()}"
        time.sleep(0.1)


class Server:
    """A container that can be stopped, started, frozen and removed."""

    def __init__(self, image: str, ports: dict[int, int]) -> None:
        from testcontainers.core.container import DockerContainer

        self.container = DockerContainer(image)
        # with_bind_ports would publish them on every interface
        published = cast(dict[str, Any], self.container.ports)
        published |= {f"{inside}/tcp": ("127.0.0.1", outside) for inside, outside in ports.items()}

    def start(self) -> None:
        """Start the container and wait until it answers."""
        self.container.start()
        self.wait()

    @property
    def docker(self) -> Any:
        """The container as docker-py knows it."""
        return self.container.get_wrapped_container()

    def answers(self) -> bool:
        """Say whether the server answers."""
        raise NotImplementedError

    def wait(self) -> None:
        """Wait until it answers."""
        until(type(self).__name__, self.answers)

    def halt(self, grace_s: int = 10) -> None:
        """Stop the server; its data stays."""
        self.docker.stop(timeout=grace_s)

    def resume(self) -> None:
        """Start the stopped server again."""
        self.docker.start()
        self.wait()

    def remove(self) -> None:
        """Stop and remove the container."""
        self.container.stop()


class KafkaServer(Server):
    """One broker, and with `secure` a second listener that demands SASL/SCRAM over TLS or not."""

    def __init__(self, *, secure: dict[str, str] | None = None) -> None:
        self.port, self.secure_port = free_port(), free_port()
        super().__init__(KAFKA_IMAGE, {self.port: self.port, self.secure_port: self.secure_port})
        listeners = {"OPEN": f"://:{self.port}", "INNER": "://:9093"}
        protocols = {"OPEN": "PLAINTEXT", "INNER": "PLAINTEXT"}
        advertised = {"OPEN": f"://127.0.0.1:{self.port}"}
        if secure is not None:
            listeners["SECURE"] = f"://:{self.secure_port}"
            advertised["SECURE"] = f"://127.0.0.1:{self.secure_port}"
            protocols["SECURE"] = secure.pop("protocol")
        settings = {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": ",".join(name + rest for name, rest in listeners.items()),
            "KAFKA_ADVERTISED_LISTENERS": ",".join(n + rest for n, rest in advertised.items()),
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": ",".join(
                f"{name}:{protocol}" for name, protocol in protocols.items()
            ),
            "KAFKA_INTER_BROKER_LISTENER_NAME": "OPEN",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "INNER",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_HEAP_OPTS": "-Xmx512m -Xms256m",
            **(secure or {}),
        }
        for name, value in settings.items():
            self.container.with_env(name, value)

    @property
    def address(self) -> str:
        """The address of the open listener."""
        return f"127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Say whether the broker answers."""
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        # a broker that is not up yet is no news
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=2000)
        except (KafkaError, OSError):
            return False
        admin.close()
        return True


class RedisServer(Server):
    """Redis with an append-only file that is forced to disk at every write."""

    def __init__(self, *more: str) -> None:
        self.port = free_port()
        super().__init__(REDIS_IMAGE, {6379: self.port})
        durable = "--save '' --appendonly yes --appendfsync always --maxmemory-policy noeviction"
        self.container.with_command(" ".join(["redis-server", durable, *more]))

    @property
    def url(self) -> str:
        """The address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A new client."""
        return redis.Redis(port=self.port, socket_timeout=5.0)

    def answers(self) -> bool:
        """Say whether the server answers."""
        try:
            with self.client as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
