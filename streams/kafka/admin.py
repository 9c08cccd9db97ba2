"""Topics in Kafka: created as they must be, described, and how far the lanes lag behind them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from keyart.schemas.errors import LogAway, LogError, MissingExtra, SettingsError
from keyart.schemas.topics import LANE_OF, TOPICS, Topic
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.ports import Lane

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SEGMENT_MS = 7 * DAY_MS
"""After so long, by default, the broker begins a new segment; it deletes and compacts old ones."""
BOOTSTRAP_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A topic as it is. `settings` are those that differ from the broker's defaults."""

    name: str
    partitions: int
    replication: int
    in_sync: int
    records: int
    settings: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a lane is behind one partition: `end` and `committed` are offsets of next records."""

    topic: str
    partition: int
    end: int
    committed: int

    @property
    def records(self) -> int:
        """How many records wait."""
        return max(0, self.end - self.committed)


class TopicAdmin:
    """Creates and describes keyart's topics, with kafka-python.

    Raises
    ------
    MissingExtra
        kafka-python is not installed.
    LogAway
        Kafka could not be reached (by any method).
    """

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        with reaching(access):
            from kafka import KafkaAdminClient

            self._admin = KafkaAdminClient(**access.for_client(), bootstrap_timeout_ms=BOOTSTRAP_MS)

    def close(self) -> None:
        """Close the connection."""
        self._admin.close()

    def create(self, *, partitions: int, replication: int, retention_hours: int) -> list[str]:
        """Create what is missing and correct settings that differ; return what was done, in words.

        Raises
        ------
        SettingsError
            A topic has another number of partitions, and it has more, or holds records: its keys
            would move to other partitions, away from their state. Operator action: set
            KEYART_PARTITIONS to the number it has, or take another KEYART_TOPIC_PREFIX.
        """
        done: list[str] = []
        held = {each.name: each for each in self.describe()}
        for topic in TOPICS:
            name, wanted = self._access.topic(topic.name), _settings(topic, retention_hours)
            if replication > 2:
                wanted["min.insync.replicas"] = str(replication - 1)
            before = held.get(topic.name)
            if before is None:
                self._create(name, partitions, replication, wanted)
                done.append(f"created {name} with {partitions} partitions")
                continue
            if before.partitions != partitions:
                self._grow(before, partitions)
                done.append(f"grew {name} from {before.partitions} to {partitions} partitions")
            changed = {
                key: value for key, value in wanted.items() if before.settings.get(key) != value
            }
            if changed:
                self._configure(name, changed)
                done.append(f"set {', '.join(sorted(changed))} of {name}")
        return done

    def _create(
        self, name: str, partitions: int, replication: int, settings: dict[str, str]
    ) -> None:
        from kafka.admin import NewTopic
        from kafka.errors import TopicAlreadyExistsError

        topic = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=replication,
            topic_configs=settings,
        )
        with reaching(self._access):
            try:
                self._admin.create_topics([topic])
            except TopicAlreadyExistsError:
                return

    def _grow(self, before: Described, partitions: int) -> None:
        from kafka.admin import NewPartitions

        name = self._access.topic(before.name)
        if partitions < before.partitions:
            raise SettingsError(
                f"KEYART_PARTITIONS is {partitions}, and topic {name} has {before.partitions}: "
                "topics never shrink"
            )
        if before.records:
            raise SettingsError(
                f"KEYART_PARTITIONS is {partitions}, and topic {name} has {before.partitions} with "
                f"{before.records} records: growing it would part them from their state"
            )
        with reaching(self._access):
            self._admin.create_partitions({name: NewPartitions(total_count=partitions)})

    def _configure(self, name: str, settings: dict[str, str]) -> None:
        from kafka.admin import ConfigResource, ConfigResourceType

        with reaching(self._access):
            self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])

    def describe(self) -> list[Described]:
        """Return keyart's topics that exist."""
        from kafka.admin import ConfigResource, ConfigResourceType

        names = [self._access.topic(topic.name) for topic in TOPICS]
        with reaching(self._access):
            there = set(self._admin.list_topics()) & set(names)
            if not there:
                return []
            found = self._admin.describe_topics(sorted(there))
            resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(there)]
            configs = self._admin.describe_configs(resources)["topic"]
        found.sort(key=lambda topic: names.index(topic["name"]))
        ends = self._ends({topic["name"]: len(topic["partitions"]) for topic in found})
        return [
            Described(
                name=self._access.name_of(topic["name"]),
                partitions=len(topic["partitions"]),
                replication=min(len(each["replica_nodes"]) for each in topic["partitions"]),
                in_sync=min(len(each["isr_nodes"]) for each in topic["partitions"]),
                records=sum(
                    last - first
                    for (name, _), (first, last) in ends.items()
                    if name == topic["name"]
                ),
                settings={
                    key: str(entry["value"])
                    for key, entry in configs.get(topic["name"], {}).items()
                },
            )
            for topic in found
        ]

    def _ends(self, partitions: dict[str, int]) -> dict[tuple[str, int], tuple[int, int]]:
        """Return the first and the next offset of every partition."""
        from kafka import KafkaConsumer, TopicPartition

        with reaching(self._access):
            consumer = KafkaConsumer(**self._access.for_client(), enable_auto_commit=False)
            try:
                places = [
                    TopicPartition(n, p) for n, count in partitions.items() for p in range(count)
                ]
                first, last = consumer.beginning_offsets(places), consumer.end_offsets(places)
            finally:
                consumer.close()
        return {(place.topic, place.partition): (first[place], last[place]) for place in places}

    def lag(self, committed: Callable[[Lane], dict[str, str]]) -> list[Lag]:
        """Return the lag of every lane's topics.

        Parameters
        ----------
        committed
            (lane) -> offset of the last record committed, by topic: the store's, not the group's.
        """
        counts = {each.name: each.partitions for each in self.describe() if each.name in LANE_OF}
        ends = self._ends({self._access.topic(name): count for name, count in counts.items()})
        found: list[Lag] = []
        for name, count in counts.items():
            for partition in range(count):
                first, end = ends[self._access.topic(name), partition]
                offset = committed(Lane(LANE_OF[name], partition)).get(name)
                done = first if offset is None else int(offset) + 1
                found.append(Lag(topic=name, partition=partition, end=end, committed=done))
        return found


def _settings(topic: Topic, retention_hours: int) -> dict[str, str]:
    # the broker's own time: a producer's clock must not decide which windows close
    settings = {"message.timestamp.type": "LogAppendTime"}
    if topic.compacted:
        # every version that was in force while the other topics reach back stays, so that a replay
        # reads each event as live did; a segment may hold records that much longer than it should
        lag_ms = retention_hours * HOUR_MS + SEGMENT_MS + DAY_MS
        return settings | {"cleanup.policy": "compact", "min.compaction.lag.ms": str(lag_ms)}
    return settings | {"retention.ms": str(retention_hours * HOUR_MS)}


@contextmanager
def reaching(access: KafkaAccess) -> Iterator[None]:
    """Turn kafka-python's errors into ours."""
    try:
        from kafka.errors import KafkaError
    except ModuleNotFoundError:
        raise MissingExtra("kafka", "reaching Kafka") from None
    try:
        yield
    except KafkaError as failed:
        kind = LogAway if getattr(failed, "retriable", False) else LogError
        raise kind(f"Kafka at {access.bootstrap}: {failed!r}") from None
    except OSError as away:
        raise LogAway(f"Kafka at {access.bootstrap} does not answer: {away}") from None
