"""Topics, their keys, and the partitioner that every producer shares."""

from typing import Final

from msgspec import Struct

EVENTS: Final = "events"
DECISIONS: Final = "decisions"
REWARDS: Final = "rewards"
CATALOGUE: Final = "catalogue"
DEAD_LETTERS: Final = "deadletters"


class Topic(Struct, frozen=True, kw_only=True):
    """A topic: what keys its records, and whether the log keeps only the last of each key."""

    name: str
    key: str
    compacted: bool = False


TOPICS: Final = (
    Topic(name=EVENTS, key="viewer"),
    Topic(name=DECISIONS, key="viewer"),
    Topic(name=REWARDS, key="title"),
    Topic(name=CATALOGUE, key="title", compacted=True),
    Topic(name=DEAD_LETTERS, key="none"),
)


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
