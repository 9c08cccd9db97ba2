"""Where the page's figures come from."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from keyart.models.belief.positions import Positions
from keyart.models.decide.index import ServingIndex
from keyart.models.decide.keeping import Cost
from keyart.models.statistics.timeline import Key, merge, read_key
from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.posterior import PolicyBucket, TitleSums
from keyart.schemas.topics import DECISIONS, EVENTS, TOPICS_OF, partition_of
from keyart.services.page.pictures import Pictures
from keyart.services.page.time_views import MarkView
from keyart.streams.families import TIMELINE, TITLE, WINDOWS
from keyart.streams.ports import TITLES, VIEWERS, Clock, Lane, LogRecord, StateStore
from keyart.streams.reading import usable

Bounds = Callable[[str], Mapping[str, tuple[float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Records appended so far, and how far the join is behind them."""

    events: int
    decisions: int
    behind_ms: int
    behind_records: int


class Flows(Protocol):
    """What a log can tell of itself; each kind of log has its own."""

    def flow(self) -> Flow:
        """Return how much has come and how much of it is not joined yet."""

    def recent(self, count: int) -> Sequence[DecisionPage]:
        """Return up to `count` of the newest pages of decisions, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The state store, the log, and what the api holds in memory.

    Parameters
    ----------
    store, flows
        State, and what the log tells of itself.
    index, titles
        What the api decides from. `titles` may grow while it is read.
    partitions
        Of each topic.
    clock
        Now, in milliseconds.
    pictures
        Where pictures may come from.
    prior
        The name of the prior that serves now; "" and "neutral" are none.
    surfaces
        Those with a level of their own, and how many others are counted together.
    bounds
        (title) -> callers' keys that are bounded there: (told, counts) in expected takes.
    keeping
        Reason -> what keeping pictures has cost in this process.
    positions
        Surface -> what positions do there.
    said
        (title) -> what the prior that serves says of it to everybody, None for nothing.
    marks
        When other versions of the prior began to serve, in the order of time.
    """

    store: StateStore
    flows: Flows
    index: ServingIndex
    titles: Mapping[str, StoredTitle]
    partitions: int
    clock: Clock
    pictures: Pictures = Pictures()
    prior: Callable[[], str] = str
    surfaces: Callable[[], tuple[tuple[str, ...], int]] = lambda: ((), 0)
    bounds: Bounds = lambda _: {}
    keeping: Callable[[], Mapping[str, Cost]] = dict
    positions: Callable[[], Mapping[str, Positions]] = dict
    said: Callable[[str], tuple[Sequence[float], float] | None] = lambda _: None
    marks: Callable[[], tuple[MarkView, ...]] = tuple

    def timeline(self) -> dict[Key, PolicyBucket]:
        """Return all buckets of all lanes, added up."""
        found: dict[Key, list[PolicyBucket]] = {}
        for partition in range(self.partitions):
            for name, data in self.store.scan(Lane(TITLES, partition), TIMELINE):
                try:
                    key, bucket = read_key(name), codec.unpack(data, PolicyBucket)
                except (InvalidRecord, ValueError):
                    continue  # its lane sets it aside
                found.setdefault(key, []).append(bucket)
        return {key: merge(buckets) for key, buckets in found.items()}

    def counts(self) -> dict[str, int]:
        """Return what the steps have counted, all lanes together."""
        found: Counter[str] = Counter()
        for kind in (VIEWERS, TITLES):
            for partition in range(self.partitions):
                found.update(self.store.counts(Lane(kind, partition)))
        return dict(found)

    def pending(self) -> int:
        """Return how many windows are open: of pictures seen, a few of them only played."""
        lanes = [Lane(VIEWERS, partition) for partition in range(self.partitions)]
        return sum(self.store.size(lane, WINDOWS) for lane in lanes)

    def sums(self, titles: Sequence[str]) -> list[TitleSums]:
        """Return the titles' sums; those of a title never shown are empty."""
        lanes: dict[Lane, list[int]] = {}
        for at, title in enumerate(titles):
            lane = Lane(TITLES, partition_of(title, self.partitions))
            lanes.setdefault(lane, []).append(at)
        found = [TitleSums(title=title) for title in titles]
        for lane, places in lanes.items():
            held = self.store.read(lane, TITLE, [titles[at] for at in places])
            for at, data in zip(places, held, strict=True):
                if (sums := usable(data, TitleSums, f"title {titles[at]!r}")) is not None:
                    found[at] = sums
        return found


class LogTail(Protocol):
    """What the page needs of a log: how long it is, how far it is read, and its end."""

    def appended(self, topic: str, partition: int) -> int:
        """Return the number of records ever appended."""

    def waiting(self, topic: str, partition: int) -> tuple[int, int | None]:
        """Return how many records the steps have not read, and when the first of them came."""

    def tail(self, topic: str, partition: int, count: int) -> Sequence[LogRecord]:
        """Return the last `count` records, the newest first."""


class LogFlows:
    """Flows from the log's own word on itself.

    Parameters
    ----------
    log
        Returns the log; asked when first needed, because a server may not be up at start.
    partitions
        Of each topic.
    clock
        Now, in milliseconds.
    """

    def __init__(self, log: Callable[[], LogTail], *, partitions: int, clock: Clock) -> None:
        self._log = log
        self._partitions = partitions
        self._clock = clock
        self._kept: dict[tuple[str, int], DecisionPage] = {}
        self._lock = threading.Lock()

    def flow(self) -> Flow:
        """Return how much has come and how much of it is not joined yet."""
        log = self._log()
        appended = dict.fromkeys(TOPICS_OF[VIEWERS], 0)
        now_ms = self._clock()
        records, oldest_ms = 0, now_ms
        for topic in appended:
            for partition in range(self._partitions):
                appended[topic] += log.appended(topic, partition)
                waiting, since_ms = log.waiting(topic, partition)
                records += waiting
                oldest_ms = min(oldest_ms, now_ms if since_ms is None else since_ms)
        return Flow(
            events=appended[EVENTS],
            decisions=appended[DECISIONS],
            behind_ms=now_ms - oldest_ms,
            behind_records=records,
        )

    def recent(self, count: int) -> Sequence[DecisionPage]:
        """Return the newest pages; those seen before stay for a while when the log is trimmed."""
        log = self._log()
        found: dict[tuple[str, int], DecisionPage] = {}
        for partition in range(self._partitions):
            for record in log.tail(DECISIONS, partition, count):
                try:
                    page = codec.decisions.decode(record.value)
                except InvalidRecord:
                    continue  # the join puts it with the dead letters
                found[page.viewer, page.decided_at_ms] = page
        with self._lock:
            every = (self._kept | found).values()
            newest = sorted(every, key=lambda page: -page.decided_at_ms)[:count]
            self._kept = {(page.viewer, page.decided_at_ms): page for page in newest}
        return newest


class OwnLog(Protocol):
    """The embedded log, as far as its tail is read."""

    def read(
        self, topic: str, partition: int, *, after: str | None, count: int
    ) -> Sequence[LogRecord]:
        """Return up to `count` records after the offset."""

    def tail(self, topic: str, partition: int, count: int) -> list[LogRecord]:
        """Return up to `count` of the newest records, the newest first."""

    def appended(self, topic: str, partition: int) -> int:
        """Return how many records were ever appended."""

    def group_offset(self, topic: str, partition: int, group: str) -> str | None:
        """Return how far a group has read."""


class StreamTail:
    """The embedded log, as the page reads it.

    Parameters
    ----------
    log
        The streams.
    counts
        (lane) -> its counters: what the steps have read. The server's own lag is often unknown,
        and counting a backlog by reading it would be a burden just when there is one.
    """

    def __init__(self, log: OwnLog, counts: Callable[[Lane], dict[str, int]]) -> None:
        self._log = log
        self._counts = counts
        self.appended = log.appended
        self.tail = log.tail

    def waiting(self, topic: str, partition: int) -> tuple[int, int | None]:
        """Return how many records the steps have not read, and when the first of them came.

        Pages of decisions are not counted by number of records, so at least one stands for them.
        """
        after = self._log.group_offset(topic, partition, VIEWERS)
        first = self._log.read(topic, partition, after=after, count=1)
        if not first:
            return 0, None
        count = 1
        if topic == EVENTS:
            counted = self._counts(Lane(VIEWERS, partition))
            done = counted.get("events", 0) + counted.get("dead_letters", 0)
            count = max(1, self.appended(topic, partition) - done)
        return count, first[0].logged_at_ms
