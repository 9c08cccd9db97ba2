"""Rebuilding state from the log.

The rebuilt state comes from the same lanes as the live one. Rewards that are in the log are not
made again; windows that were never closed stay open.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.topics import REWARDS, TOPICS_OF
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.ports import LogRecord, sortable

BATCH = 2000
Source = Callable[[str, int], Iterable[LogRecord]]
"""(topic, partition) -> all its records, the oldest first: archive, then the log's own."""


def rebuild_viewers(
    lane: ViewersLane,
    source: Source,
    *,
    upto: Mapping[str, str] | None = None,
    unread: Counter[str] | None = None,
) -> int:
    """Run events and decisions, merged by the log's time, through a lane; return how many.

    The lane goes on after what its store has read. `upto` bounds each topic to an offset
    (inclusive), to compare with a state that stands there; `unread` counts what is beyond.
    """
    partition, after = lane.lane.partition, lane.open()
    topics = {
        topic: _between(source(topic, partition), after.get(topic), _bound(upto, topic), unread)
        for topic in TOPICS_OF[lane.lane.kind]
    }
    return sum(
        lane.process(batch, now_ms=batch[-1].logged_at_ms) for batch in _batches(_merged(topics))
    )


def rebuild_titles(
    lane: TitlesLane,
    source: Source,
    *,
    upto: Mapping[str, str] | None = None,
    unread: Counter[str] | None = None,
) -> int:
    """Run the rewards of the log through a lane, as `rebuild_viewers` does; return how many."""
    after = lane.open()
    records = _between(
        source(REWARDS, lane.lane.partition), after.get(REWARDS), _bound(upto, REWARDS), unread
    )
    return sum(lane.process(batch, now_ms=batch[-1].logged_at_ms) for batch in _batches(records))


def rewarded(source: Source, partitions: int) -> tuple[set[str], dict[int, int], list[str]]:
    """Return the ids of the rewards in the log, the last sequence by source, and ids found twice.

    A record that was produced twice (same source and sequence) counts once, as the bandit does.
    """
    ids: set[str] = set()
    last: dict[int, int] = {}
    twice: list[str] = []
    for partition in range(partitions):
        applied: dict[int, int] = {}
        for record in source(REWARDS, partition):
            try:
                reward = codec.rewards.decode(record.value)
            except InvalidRecord:
                continue
            if reward.sequence <= applied.get(reward.source, 0):
                continue
            applied[reward.source] = reward.sequence
            last[reward.source] = max(last.get(reward.source, 0), reward.sequence)
            if reward.id in ids:
                twice.append(reward.id)
            ids.add(reward.id)
    return ids, last, twice


_ALL = "~"
"""Sorts behind every offset."""


def _bound(upto: Mapping[str, str] | None, topic: str) -> str | None:
    """Return the last offset to read; `_ALL` for no bound, None to read nothing."""
    return _ALL if upto is None else upto.get(topic)


def _between(
    records: Iterable[LogRecord],
    after: str | None,
    upto: str | None,
    unread: Counter[str] | None,
) -> Iterator[LogRecord]:
    low = "" if after is None else sortable(after)
    high = "" if upto is None else _ALL if upto == _ALL else sortable(upto)
    for record in records:
        at = sortable(record.offset)
        if at <= low:
            continue
        if at <= high:
            yield record
        elif unread is None:
            return
        else:
            unread[record.topic] += 1


def _merged(topics: dict[str, Iterator[LogRecord]]) -> Iterator[LogRecord]:
    yield from heapq.merge(*topics.values(), key=lambda record: record.logged_at_ms)


def _batches(records: Iterable[LogRecord]) -> Iterator[list[LogRecord]]:
    batch: list[LogRecord] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
