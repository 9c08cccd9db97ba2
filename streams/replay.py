"""Rebuilding state from the log, and checking that the state is what the log says.

The rebuilt state comes from the same lanes as the live one. Rewards that are in the log are not
made again; windows that were never closed stay open.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.taste import TASTE_DTYPE
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.ports import TITLES, VIEWERS, Lane, LogRecord, StateStore, sortable

RELATIVE_TOLERANCE = 1e-9
"""Sums of floats may differ by rounding when batches were cut elsewhere; counts may not."""

BATCH = 2000
Source = Callable[[str, int], Iterable[LogRecord]]
"""(topic, partition) -> all its records, the oldest first: archive, then the log's own."""


@dataclass(slots=True)
class Check:
    """What a comparison found. `differences` holds the first hundred, each in words."""

    tastes: int = 0
    titles: int = 0
    rewards: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the state is what the log says."""
        return not self.differences

    def differ(self, text: str) -> None:
        """Note a difference."""
        if len(self.differences) < 100:
            self.differences.append(text)


def rebuild_viewers(
    lane: ViewersLane, source: Source, *, upto: dict[str, str] | None = None
) -> int:
    """Run events and decisions, merged by the log's time, through an empty lane; return how many.

    `upto` bounds each topic to an offset (inclusive), to compare with a state that stands there.
    """
    partition = lane.lane.partition
    lane.open()
    topics = {topic: _upto(source(topic, partition), topic, upto) for topic in (EVENTS, DECISIONS)}
    return sum(
        lane.process(batch, now_ms=batch[-1].logged_at_ms) for batch in _batches(_merged(topics))
    )


def rebuild_titles(lane: TitlesLane, source: Source, *, upto: dict[str, str] | None = None) -> int:
    """Run the rewards of the log through an empty lane; return how many."""
    lane.open()
    records = _upto(source(REWARDS, lane.lane.partition), REWARDS, upto)
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


def compare_tastes(live: StateStore, rebuilt: StateStore, partition: int, check: Check) -> None:
    """Compare every taste of a lane, to the bit."""
    lane = Lane(VIEWERS, partition)
    kept = dict(live.scan(lane, "taste"))
    again = dict(rebuilt.scan(lane, "taste"))
    check.tastes += len(again)
    for viewer in sorted(kept.keys() | again.keys()):
        if viewer not in kept or viewer not in again:
            where = "in the log alone" if viewer in again else "in the state alone"
            check.differ(f"taste of viewer {viewer} is {where}")
        elif kept[viewer] != again[viewer]:
            left = np.frombuffer(kept[viewer], TASTE_DTYPE)[0]
            right = np.frombuffer(again[viewer], TASTE_DTYPE)[0]
            names = [n for n in TASTE_DTYPE.names or () if not np.array_equal(left[n], right[n])]
            check.differ(f"taste of viewer {viewer} differs in {', '.join(names)}")


def compare_titles(live: StateStore, rebuilt: StateStore, partition: int, check: Check) -> None:
    """Compare every posterior of a lane: counts exactly, decayed sums to 1e-9 of their size."""
    lane = Lane(TITLES, partition)
    kept = {key: codec.unpack(value, TitleSums) for key, value in live.scan(lane, "title")}
    again = {key: codec.unpack(value, TitleSums) for key, value in rebuilt.scan(lane, "title")}
    check.titles += len(again)
    for title in sorted(kept.keys() | again.keys()):
        if title not in kept or title not in again:
            where = "in the log alone" if title in again else "in the state alone"
            check.differ(f"posterior of title {title} is {where}")
        elif not _same_title(kept[title], again[title]):
            check.differ(f"posterior of title {title} differs")
    shared = [
        codec.unpack(data, SharedSums)
        if (data := store.read(lane, "meta", ["shared"])[0])
        else None
        for store in (live, rebuilt)
    ]
    left, right = shared
    if (left is None) != (right is None):
        check.differ("shared weights are on one side alone")
    elif left is not None and right is not None:
        if left.count != right.count:
            check.differ(
                f"shared weights: {left.count} rewards in the state, {right.count} in the log"
            )
        elif not _close([*left.gram, *left.moment], [*right.gram, *right.moment]):
            check.differ("shared weights differ")


def _same_title(left: TitleSums, right: TitleSums) -> bool:
    if left.as_of_ms != right.as_of_ms or left.shares != right.shares:
        return False
    if left.artworks.keys() != right.artworks.keys():
        return False
    for artwork, cells in left.artworks.items():
        others = right.artworks[artwork]
        if cells.keys() != others.keys():
            return False
        for surface, cell in cells.items():
            other = others[surface]
            if cell.count != other.count or not _close(
                [cell.taken, cell.reward, cell.expected],
                [other.taken, other.reward, other.expected],
            ):
                return False
    return True


def _close(left: list[float], right: list[float]) -> bool:
    if len(left) != len(right):
        return False
    scale = max((abs(value) for value in left), default=0.0)
    return bool(
        np.allclose(left, right, rtol=RELATIVE_TOLERANCE, atol=RELATIVE_TOLERANCE * max(scale, 1.0))
    )


def _upto(
    records: Iterable[LogRecord], topic: str, bounds: dict[str, str] | None
) -> Iterator[LogRecord]:
    if bounds is None:
        yield from records
        return
    if (bound := bounds.get(topic)) is None:
        return
    for record in records:
        if sortable(record.offset) > sortable(bound):
            return
        yield record


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
