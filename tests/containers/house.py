"""One test's keyart on shared servers: topics, workers, crowd, and what must hold in the end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from keyart.schemas import codec
from keyart.schemas.errors import StoreAway
from keyart.schemas.posterior import TitleSums
from keyart.schemas.topics import CATALOGUE
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings, read_settings
from keyart.streams.kafka.admin import TopicAdmin
from keyart.streams.ports import TITLES, VIEWERS, Lane
from tests.containers.api import Api
from tests.containers.crowd import Crowd, titles
from tests.containers.process import Process
from tests.containers.servers import KafkaServer, RedisServer, until
from tests.opened import Opened

STOP_S = 10.0


class Worker(Process):
    """One `keyart worker` process."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        super().__init__("worker", environment, log)


class House:
    """See the module.

    Parameters
    ----------
    folder
        For logs.
    more
        Settings beside the defaults for tests, as variables.
    """

    def __init__(self, kafka: KafkaServer, redis: RedisServer, folder: Path, **more: str) -> None:
        self.kafka, self.redis, self.folder = kafka, redis, folder
        self.workers: list[Worker] = []
        self.apis: list[Api] = []
        name = f"k{uuid4().hex[:10]}"
        self.environment = {
            "KEYART_LOG": "kafka",
            "KEYART_KAFKA_BOOTSTRAP": kafka.address,
            "KEYART_KAFKA_GROUP": name,
            "KEYART_REDIS_URL": redis.url,
            "KEYART_TOPIC_PREFIX": f"{name}.",
            "KEYART_PARTITIONS": "4",
            "KEYART_VIEWER_KEY": "only for these tests",
            "KEYART_DATA_DIR": str(folder / "data"),
            "KEYART_WORKER_WEB_PORT": "0",
            "KEYART_REWARD_WINDOW_S": "2",
            "KEYART_LATENESS_S": "8",
            "KEYART_VIEWER_HOURLY_REWARDS": "1000000",
            # the account is of every reward, and a crowd that was made up may look like one
            "KEYART_HOLD_BURSTS": "false",
            "OMP_NUM_THREADS": "1",
            **more,
        }
        self.parts = self.fresh_parts()
        self.prefix = self.settings.topic_prefix
        self._producer: Any = None

    @property
    def settings(self) -> Settings:
        """The settings that its processes read."""
        own = {key: value for key, value in self.environment.items() if key.startswith("KEYART_")}
        return read_settings(own).settings

    def fresh_parts(self) -> Opened:
        """Return parts with connections of their own."""
        return Opened(self.settings)

    def create(self, *, title_count: int = 40) -> None:
        """Create the topics, and put the catalogue into the store and its topic."""
        admin = TopicAdmin(self.parts.kafka)
        admin.create(partitions=self.settings.partitions, replication=1, retention_hours=24)
        admin.close()
        for stored in self.parts.catalogue.put(titles(title_count), now_ms=now_ms()):
            self.send(CATALOGUE, stored.id, codec.encode(stored))
        self.flush()

    @property
    def producer(self) -> Any:
        """A plain kafka-python producer, as anybody outside keyart would use it."""
        if self._producer is None:
            from kafka import KafkaProducer

            self._producer = KafkaProducer(
                bootstrap_servers=self.kafka.address,
                acks="all",
                linger_ms=20,
                batch_size=200_000,
            )
        return self._producer

    def send(self, topic: str, key: str, value: bytes) -> None:
        """Produce one record by its key."""
        self.producer.send(self.prefix + topic, key=key.encode(), value=value)

    def flush(self) -> None:
        """Wait until everything sent is in the log."""
        self.producer.flush(120)

    def visit(self, crowd: Crowd, events: int) -> None:
        """Let the crowd go on until its account has `events` more events."""
        target = crowd.account.events + events
        while crowd.account.events < target:
            for topic, key, value in crowd.visit(now_ms()):
                self.send(topic, key, value)

    def work(self, count: int = 1) -> list[Worker]:
        """Start workers."""
        new = []
        for _ in range(count):
            log = self.folder / f"worker{len(self.workers)}.log"
            new.append(Worker(self.environment, log))
            self.workers.append(new[-1])
        return new

    def serve(self, **more: str) -> Api:
        """Start an api, with more settings, and wait until it is ready."""
        log = self.folder / f"api{len(self.apis)}.log"
        self.apis.append(Api({**self.environment, **more}, log))
        return self.apis[-1]

    def counts(self) -> Counter[str]:
        """Return what all lanes have counted."""
        total: Counter[str] = Counter()
        for partition in range(self.settings.partitions):
            for kind in (VIEWERS, TITLES):
                total.update(self.parts.store.counts(Lane(kind, partition)))
        return total

    def until_counted(self, name: str, count: int, timeout_s: float = 300.0) -> None:
        """Wait until the lanes have counted this much; a dead worker is a failure."""

        def counted() -> bool:
            for worker in self.workers:
                assert worker.process.poll() in (None, 0, -9), worker.said[-3000:]
            try:
                return self.counts()[name] >= count
            except StoreAway:  # for now: a node of a cluster on a busy machine
                return False

        try:
            until(f"{name} {count}", counted, timeout_s)
        except AssertionError as late:
            tails = "\n".join(worker.said[-1500:] for worker in self.workers)
            raise AssertionError(f"{late}: {self.counts()}\n{tails}") from None

    def close(self) -> None:
        """End all processes and connections."""
        started = [each.process for each in self.workers] + [each.process for each in self.apis]
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
        if self._producer is not None:
            self._producer.close(10)
        self.parts.client.close()


def stored_posterior(parts: Opened) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Return how often each (title, artwork) was counted, and the sum of what it took."""
    shown: Counter[tuple[str, str]] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    for partition in range(parts.settings.partitions):
        for _, value in parts.store.scan(Lane(TITLES, partition), "title"):
            sums = codec.unpack(value, TitleSums)
            for artwork, cells in sums.artworks.items():
                for cell in cells.values():
                    shown[sums.title, artwork] += cell.count
                    taken[sums.title, artwork] += round(cell.taken)
    return shown, taken


def settle(house: House, crowds: Sequence[Crowd], timeout_s: float = 300.0) -> None:
    """Wait until everything the crowds did is learned, and hold it against their accounts.

    Nothing lost, nothing twice: posteriors by the crowds' own account, and every taste and
    posterior equal to the ones that the same records give in memory.
    """
    house.flush()
    worth = sum(len(crowd.account.worth) for crowd in crowds)
    house.until_counted("learned", worth, timeout_s)
    counts = house.counts()
    events = sum(crowd.account.events + crowd.account.repeats for crowd in crowds)
    assert counts["learned"] == worth
    assert counts["events"] == events
    assert counts["decisions"] == sum(crowd.account.decisions for crowd in crowds)
    shown, taken = stored_posterior(house.parts)
    assert shown == sum((crowd.account.shown for crowd in crowds), Counter())
    assert taken == sum((crowd.account.taken for crowd in crowds), Counter())
    check = house.fresh_parts().rebuilding.check()
    assert check.equal, check.differences[:5]
    assert check.rewards >= worth
    assert check.tastes == sum(len(crowd.account.engagements) for crowd in crowds)
