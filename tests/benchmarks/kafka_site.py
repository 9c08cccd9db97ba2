"""What the benchmarks of Kafka put into its topics, and what the broker holds of them."""

from uuid import uuid4

from keyart.schemas import codec
from keyart.schemas.decisions import Versions
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import EVENTS, REWARDS
from keyart.services.wiring.clock import now_ms
from keyart.streams.ports import TITLES, VIEWERS, Lane
from tests.containers.crowd import Crowd
from tests.containers.house import House

VIEWERS_COUNT = 20_000
VERSIONS = Versions(policy="p", prior="n", posterior="1", space="s")


def fill_events(house: House, count: int) -> None:
    """Produce engagements and impressions that name their decisions, as the api hands them out."""
    crowd = Crowd(seed=31, viewers=VIEWERS_COUNT, title_count=100, repeats=0.0)
    while crowd.account.events < count:
        for topic, key, value in crowd.visit(now_ms()):
            if topic == EVENTS:
                house.send(topic, key, value)
    house.flush()


def fill_rewards(house: House, count: int) -> None:
    """Produce rewards of one source, in sequence."""
    for number in range(1, count + 1):
        title = f"t{number * 7 % 100}"
        reward = Reward(
            id=f"d{number}",
            viewer=f"{number % VIEWERS_COUNT:032x}",
            title=title,
            artwork=f"a{number % 4}",
            surface="home",
            value=float(number % 9 == 0),
            shown_at_ms=now_ms(),
            closed_at_ms=now_ms(),
            candidates=("a0", "a1", "a2", "a3"),
            propensities=(0.25, 0.25, 0.25, 0.25),
            explored=False,
            policy="keyart",
            versions=VERSIONS,
            features=(0.25, -0.5, 0.125),
            expected=0.1,
            sequence=number,
        )
        house.send(REWARDS, title, codec.encode(reward))
    house.flush()


def forget(house: House) -> None:
    """Empty the lanes, so that the next worker begins at the first record; and a new group."""
    for partition in range(house.settings.partitions):
        for kind in (VIEWERS, TITLES):
            house.parts.store.clear(Lane(kind, partition))
    house.environment["KEYART_KAFKA_GROUP"] = f"b{uuid4().hex[:10]}"


def topic_bytes(house: House, topic: str) -> int:
    """Return what the broker holds of a topic."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=house.kafka.address)
    logs = admin.describe_log_dirs()
    admin.close()
    return sum(
        partition["partition_size"]
        for broker in logs
        for folder in broker["log_dirs"]
        for held in folder["topics"]
        if held["name"] == house.prefix + topic
        for partition in held["partitions"]
    )
