"""A Redis of three nodes: the keys of a lane share a slot, and everything works as on one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.crc import key_slot

from keyart.streams.ports import TITLES, VIEWERS, Lane
from keyart.streams.valkey.keys import Keys
from tests.containers.crowd import Crowd
from tests.containers.fixtures import need_engine
from tests.containers.house import House, settle
from tests.containers.servers import REDIS_IMAGE, KafkaServer, RedisServer, Server, free_port

pytestmark = pytest.mark.containers


class RedisCluster(RedisServer):
    """Three nodes in one container."""

    def __init__(self) -> None:
        self.ports = [free_port() for _ in range(3)]
        Server.__init__(self, REDIS_IMAGE, {port: port for port in self.ports})
        self.port = self.ports[0]
        start = "; ".join(
            f"mkdir /tmp/{port}; redis-server --port {port} --dir /tmp/{port} --daemonize yes"
            f" --protected-mode no --cluster-enabled yes --cluster-announce-ip 127.0.0.1"
            f" --cluster-port {10_000 + at} --cluster-node-timeout 60000 --save ''"
            for at, port in enumerate(self.ports)
        )
        nodes = " ".join(f"127.0.0.1:{port}" for port in self.ports)
        join = f"sleep 1; redis-cli --cluster create {nodes} --cluster-yes; tail -f /dev/null"
        self.container.with_command(["sh", "-c", f"{start}; {join}"])

    def answers(self) -> bool:
        """Say whether all slots are served, by every node."""
        return all(map(self._serves, self.ports))

    def _serves(self, port: int) -> bool:
        try:
            with redis.Redis(port=port, socket_timeout=5.0) as client:
                return bool(client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        except redis.RedisError:
            return False


@pytest.fixture
def redis_cluster() -> Iterator[RedisCluster]:
    need_engine()
    server = RedisCluster()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_keys_of_a_lane_share_a_slot() -> None:
    keys = Keys("keyart.")
    for lane in (Lane(VIEWERS, 3), Lane(TITLES, 0)):
        names = [keys.lane(lane, name) for name in ("epoch", "offsets", "join", "outbox")]
        names += [keys.item(lane, "taste", "ab" * 16), keys.item(lane, "title", "Tea: part 2")]
        assert len({key_slot(name.encode()) for name in names}) == 1


def test_lanes_on_a_cluster(
    kafka_server: KafkaServer, redis_cluster: RedisCluster, tmp_path: Path
) -> None:
    house = House(kafka_server, redis_cluster, tmp_path, KEYART_REDIS_CLUSTER="true")
    crowd = Crowd(seed=51)
    try:
        house.create()
        house.work(2)
        house.visit(crowd, 1000)
        settle(house, [crowd])
    finally:
        house.close()
