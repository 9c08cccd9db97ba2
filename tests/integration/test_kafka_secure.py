"""SASL/SCRAM over TLS to Kafka, through the settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.schemas.errors import LogError
from keyart.streams.kafka.admin import TopicAdmin
from tests.containers.crowd import Crowd
from tests.containers.fixtures import need_engine
from tests.containers.house import House, settle
from tests.containers.servers import KafkaServer, RedisServer
from tests.opened import Opened

pytestmark = pytest.mark.containers

MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@pytest.fixture(scope="module")
def secure_kafka(certificate: Path) -> Iterator[KafkaServer]:
    """A broker whose second listener demands SCRAM over TLS, with one user."""
    need_engine()
    start = "KAFKA_LISTENER_NAME_SECURE_"
    server = KafkaServer(
        secure={
            "protocol": "SASL_SSL",
            "KAFKA_SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512",
            f"{start}SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512",
            f"{start}SCRAM___SHA___512_SASL_JAAS_CONFIG": MODULE,
            f"{start}SSL_KEYSTORE_TYPE": "PEM",
            f"{start}SSL_KEYSTORE_CERTIFICATE_CHAIN": in_one_line(certificate / "cert.pem"),
            f"{start}SSL_KEYSTORE_KEY": in_one_line(certificate / "key.pem"),
        }
    )
    try:
        server.start()
        add_user(server, "worker", "let me in")
        yield server
    finally:
        server.remove()


def in_one_line(file: Path) -> str:
    return file.read_text().strip().replace("\n", "\\n")


def add_user(server: KafkaServer, user: str, password: str) -> None:
    from kafka import KafkaAdminClient
    from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

    admin = KafkaAdminClient(bootstrap_servers=server.address)
    wanted = UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password)
    admin.alter_user_scram_credentials([wanted])
    admin.close()


def secured(server: KafkaServer, certificate: Path, password: str) -> dict[str, str]:
    return {
        "KEYART_KAFKA_BOOTSTRAP": f"127.0.0.1:{server.secure_port}",
        "KEYART_KAFKA_SECURITY": "SASL_SSL",
        "KEYART_KAFKA_MECHANISM": "SCRAM-SHA-512",
        "KEYART_KAFKA_USER": "worker",
        "KEYART_KAFKA_PASSWORD": password,
        "KEYART_KAFKA_CA_FILE": str(certificate / "cert.pem"),
    }


def test_scram_over_tls(
    secure_kafka: KafkaServer, redis_server: RedisServer, certificate: Path, tmp_path: Path
) -> None:
    more = secured(secure_kafka, certificate, "let me in")
    house, crowd = House(secure_kafka, redis_server, tmp_path, **more), Crowd(seed=41)
    try:
        house.create()
        house.work(1)
        house.visit(crowd, 500)
        settle(house, [crowd])
    finally:
        house.close()


def test_a_wrong_password_is_refused(
    secure_kafka: KafkaServer, redis_server: RedisServer, certificate: Path, tmp_path: Path
) -> None:
    more = secured(secure_kafka, certificate, "let me out")
    house = House(secure_kafka, redis_server, tmp_path, **more)
    try:
        with pytest.raises(LogError):
            TopicAdmin(Opened(house.settings).kafka)
    finally:
        house.close()
