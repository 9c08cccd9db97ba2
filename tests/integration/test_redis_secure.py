"""A Redis that speaks TLS only and knows one user, by the URL alone, for both clients."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.schemas.errors import StoreAway, StoreError
from keyart.streams.ports import VIEWERS, Commit, Lane
from keyart.streams.valkey.aio import ValkeyTastes, connect_async
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.store import ValkeyStore
from tests.containers.crowd import Crowd
from tests.containers.fixtures import need_engine
from tests.containers.house import House, settle
from tests.containers.secure import SecureRedisServer
from tests.containers.servers import KafkaServer

pytestmark = pytest.mark.containers

LANE, VIEWER = Lane(VIEWERS, 0), "ab" * 16


@pytest.fixture(scope="module")
def secure_redis(certificate: Path) -> Iterator[SecureRedisServer]:
    need_engine()
    server = SecureRedisServer(certificate)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def write(url: str, prefix: str) -> None:
    """Commit a taste with the client of the steps."""
    client = connect(url)
    try:
        store = ValkeyStore(client, Keys(prefix), streams=False)
        epoch, number = store.acquire(LANE)
        puts: dict[tuple[str, str], bytes | None] = {("taste", VIEWER): b"a taste"}
        store.commit(Commit(lane=LANE, epoch=epoch, number=number + 1, puts=puts))
    finally:
        client.close()


def read(url: str, prefix: str) -> bytes | None:
    """Read the taste with the client of the api."""

    async def ask() -> bytes | None:
        client = connect_async(url)
        try:
            tastes = ValkeyTastes(client, Keys(prefix), partitions=1, timeout_s=5.0)
            return await tastes.read(VIEWER)
        finally:
            await client.aclose()

    return asyncio.run(ask())


def test_both_clients_go_by_the_url(secure_redis: SecureRedisServer) -> None:
    write(secure_redis.url, "k1.")
    assert read(secure_redis.url, "k1.") == b"a taste"


def test_a_wrong_password_is_refused(secure_redis: SecureRedisServer) -> None:
    authority = str(secure_redis.certificate / "cert.pem")
    url = secure_redis.url_of("guessed", ssl_ca_certs=authority)
    with pytest.raises(StoreAway, match="password"):
        write(url, "k2.")
    with pytest.raises(StoreAway):
        read(url, "k2.")


def test_an_authority_that_nobody_named_is_not_trusted(secure_redis: SecureRedisServer) -> None:
    url = secure_redis.url_of(secure_redis.PASSWORD)
    with pytest.raises(StoreAway, match="CERTIFICATE_VERIFY_FAILED"):
        write(url, "k3.")
    with pytest.raises(StoreAway):
        read(url, "k3.")
    assert ssl.get_server_certificate(("127.0.0.1", secure_redis.port))


def test_the_user_may_touch_nothing_but_its_keys(secure_redis: SecureRedisServer) -> None:
    with pytest.raises(StoreError, match="permission"):
        write(secure_redis.url, "another.")


def test_worker_and_api_over_tls(
    kafka_server: KafkaServer, secure_redis: SecureRedisServer, tmp_path: Path
) -> None:
    house, crowd = House(kafka_server, secure_redis, tmp_path), Crowd(seed=52)
    try:
        house.create()
        house.work(1)
        api = house.serve()
        house.visit(crowd, 500)
        settle(house, [crowd])
        answer = api.decide("ann", "t1", "t2")
        assert answer["degraded"] == "" and len(answer["decisions"]) == 2
        assert all(api.well().values())
    finally:
        house.close()
