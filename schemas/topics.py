"""Topics, their keys, and the partitioner that every producer shares."""

from typing import Final

from msgspec import Struct

EVENTS: Final = "events"
DECISIONS: Final = "decisions"
REWARDS: Final = "rewards"
CATALOGUE: Final = "catalogue"
DEAD_LETTERS: Final = "deadletters"


VIEWERS: Final = "viewers"
TITLES: Final = "titles"
"""The kinds of lanes: who reads what is keyed by viewer, and what is keyed by title."""


class Topic(Struct, frozen=True, kw_only=True):
    """A topic: what keys its records, which kind of lane reads them, and how long they stay.

    Attributes
    ----------
    lane
        `viewers` or `titles`; "" when no lane reads it.
    compacted
        Whether the log keeps only the last of each key.
    archived
        Whether a record goes to the archive before it leaves an embedded log.
    personal
        Whether its records name a viewer, so that an erasure goes through them.
    """

    name: str
    key: str
    lane: str = ""
    compacted: bool = False
    archived: bool = True
    personal: bool = False


TOPICS: Final = (
    Topic(name=EVENTS, key="viewer", lane=VIEWERS, personal=True),
    Topic(name=DECISIONS, key="viewer", lane=VIEWERS, personal=True),
    Topic(name=REWARDS, key="title", lane=TITLES, personal=True),
    Topic(name=CATALOGUE, key="title", compacted=True),
    Topic(name=DEAD_LETTERS, key="none", archived=False),
)
LANE_OF: Final = {topic.name: topic.lane for topic in TOPICS if topic.lane}
"""Topic -> the kind of lane that reads it."""
TOPICS_OF: Final = {
    kind: tuple(topic.name for topic in TOPICS if topic.lane == kind) for kind in (VIEWERS, TITLES)
}
"""Kind of lane -> the topics that it reads."""
PERSONAL: Final = tuple(topic.name for topic in TOPICS if topic.personal)
"""The topics whose records name a viewer."""


def murmur2(key: bytes) -> int:
    """Return the 32-bit murmur2 hash, unsigned, as Kafka's Java client computes it for keys."""
    mask, m, length = 0xFFFFFFFF, 0x5BD1E995, len(key)
    h = (0x9747B28C ^ length) & mask
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * m & mask
        h = h * m & mask ^ ((k ^ k >> 24) * m & mask)
    if tail := key[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key: str, partitions: int) -> int:
    """Return the partition in 0..partitions-1 that Kafka's default partitioner gives this key."""
    if partitions == 1:
        return 0
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
