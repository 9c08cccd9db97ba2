"""A lane of viewers: events and decisions of one partition become tastes and rewards."""

import logging
from collections.abc import Container, Iterator, Sequence
from functools import partial
from itertools import islice
from operator import attrgetter

from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.families import (
    ASSIGNED,
    JOIN,
    JOIN_META,
    META,
    VISITS,
    WINDOWS,
)
from keyart.streams.lanes.base import LaneBase, decoded, last_offsets
from keyart.streams.lanes.batch import Batch
from keyart.streams.lanes.came import Came, sort_out
from keyart.streams.lanes.early import MAX_EARLY_BYTES, EarlyIndex
from keyart.streams.lanes.stored import JoinMeta, stored_checks
from keyart.streams.letters import reason_of
from keyart.streams.ports import VIEWERS, Lane, LogRecord, StateStore
from keyart.streams.steps import explored, join, taste
from keyart.streams.steps.due import Due, DueIndex
from keyart.streams.steps.effects import Effects, Held
from keyart.streams.steps.join import JoinBatch, JoinRules, older
from keyart.streams.steps.join.state import Visit, due_of, unpack_due

log = logging.getLogger(__name__)
MAX_CLOSED = 1000
ROUNDS = 5
"""So many times so many windows are closed by one call, each time with a commit of its own."""
LOST_AT_ONCE = 100
OLDER_AT_ONCE = 500
LEAP = 20
"""An epoch is above the time in milliseconds; so many bits more is above any number of rewards."""


class ViewersLane(LaneBase):
    """Tastes and the reward join of one partition.

    Parameters
    ----------
    store
        Where the lane's state is.
    partition
        Of the topics `events` and `decisions`.
    catalogue
        Current view; the driver keeps it so.
    rules, rates
        Of the join and of taste.
    already
        Ids of rewards that are in the log, for a rebuild.
    most_early
        Bytes of events that may wait for their decisions; beyond it those that have waited longest
        go, of whole viewers, and a tenth more.
    """

    def __init__(
        self,
        store: StateStore,
        partition: int,
        *,
        catalogue: CatalogueView,
        rules: JoinRules,
        rates: TasteRates,
        already: Container[str] = (),
        most_early: int = MAX_EARLY_BYTES,
    ) -> None:
        checks = stored_checks(catalogue.space.identity)
        super().__init__(store, Lane(VIEWERS, partition), checks=checks)
        self._catalogue = catalogue
        self._rules = rules
        self._rates = rates
        self._already = already
        self._most_early = most_early
        self._meta = JoinMeta()
        self._due = DueIndex()
        self._early = EarlyIndex()
        self._floor = 0

    def open(self) -> dict[str, str]:
        """Become the owner, rebuild the index of what is due, and return the offsets."""
        offsets = super().open()
        if not self._store.read(self.lane, META, [JOIN_META[1]])[0]:
            sequence = 0
        elif (held := self._meta_value(*JOIN_META)) is not None:
            sequence = codec.unpack(held, JoinMeta).sequence
        else:
            # the number is lost: rewards below it would be taken for repeats
            sequence = self.epoch << LEAP
        self._meta = JoinMeta(sequence=max(sequence, self._floor))
        self._take_over()
        self._early = EarlyIndex()
        self._due = DueIndex(self._scan())
        self._relieve()
        return offsets

    def _scan(self) -> Iterator[Due]:
        """Yield what is due when; what cannot be read is set aside."""
        lost: list[tuple[str, str, bytes, str]] = []
        for family in (VISITS, WINDOWS):
            for key, value in self._store.scan(self.lane, family):
                viewer, _, decision = key.partition("/")
                try:
                    due = Due(due_of(value), decision, viewer)
                    if family == VISITS:
                        self._early.put(viewer, unpack_due(value, Visit).early)
                    yield due
                except InvalidRecord as wrong:
                    lost.append((family, key, value, reason_of(wrong)))
                    if len(lost) >= LOST_AT_ONCE:
                        self._lose(lost)
                        lost = []
        if lost:
            self._lose(lost)

    def _take_over(self) -> None:
        """Take over what an older keyart kept, some at a time; what cannot be read is set aside."""
        while some := list(islice(self._store.scan(self.lane, JOIN), OLDER_AT_ONCE)):
            found: list[older.Older] = []
            lost: list[tuple[str, str, bytes, str]] = []
            for key, value in dict(some).items():
                try:
                    found.append(older.read(key, value))
                except InvalidRecord as wrong:
                    lost.append((JOIN, key, value, reason_of(wrong)))
            if lost:
                self._lose(lost)
            effects = Effects(puts={(JOIN, key): None for key, _ in some})
            if found:
                held = self._held(older.wanted(found), alone=True)
                made, _ = self._with_readable(held, partial(self._taken_over, held, found))
                effects.add(made)
            self._commit(effects, {})
            log.info("lane %s %s took over %d windows of an older keyart", *self.lane, len(found))

    def _taken_over(self, held: Held, found: Sequence[older.Older]) -> tuple[Effects, JoinBatch]:
        batch = self._batch(held)
        older.take_over(batch, found, self._rules)
        return batch.finish(), batch

    def start_after(self, sequence: int) -> None:
        """Let rewards be numbered above this: a rebuilt lane must not repeat what the log has."""
        self._floor = sequence

    @property
    def waiting(self) -> int:
        """How many windows are open, about."""
        return len(self._due)

    def process(self, records: Sequence[LogRecord], *, now_ms: int) -> int:
        """Run the steps on a batch, close what is due, commit; return how many records it read.

        Parameters
        ----------
        records
            Of `events` and `decisions`, each topic in the log's order.
        now_ms
            How far time has come, as far as this lane has read: windows due by then are closed.
        """
        for some in (records, *[()] * (ROUNDS - 1)):
            due = self._due.until(now_ms, MAX_CLOSED)
            if not some and not due:
                break
            try:
                self._run(Batch(some, due))
            except BaseException:
                self._due.add(due)
                raise
            if len(due) < MAX_CLOSED:
                break
        self._relieve()
        return len(records)

    def _relieve(self) -> None:
        """Drop what has waited longest for its decision where too much of the lane waits."""
        if not self._early.beyond(self._most_early):
            return
        while some := self._early.beyond(self._most_early - self._most_early // 10):
            wanted = {(family, each) for each in some for family in (ASSIGNED, VISITS)}
            held = self._held(wanted, alone=True)
            made, batch = self._with_readable(held, partial(self._relieved, held, some))
            self._commit(made, {})
            self._follow(batch)
            for each in some:
                self._early.put(each, ())

    def _relieved(self, held: Held, viewers: Sequence[str]) -> tuple[Effects, JoinBatch]:
        batch = self._batch(held)
        batch.crowd_out(viewers)
        return batch.finish(), batch

    def _follow(self, batch: JoinBatch) -> None:
        """Note what a batch has left, once it is committed."""
        self._meta = JoinMeta(sequence=batch.sequence)
        self._due.add(batch.due)
        for viewer, early in batch.waiting():
            self._early.put(viewer, early)

    def _window(self, due: Due) -> tuple[str, str]:
        if due.name:
            return WINDOWS, f"{due.viewer}/{due.name}"
        return VISITS, due.viewer

    def _once(self, batch: Batch) -> None:
        effects = Effects()
        decided = decoded(
            [record for record in batch.records if record.topic == DECISIONS],
            codec.decisions.decode,
            effects,
            time_of=attrgetter("decided_at_ms"),
        )
        read = decoded(
            [record for record in batch.records if record.topic == EVENTS],
            codec.events.decode,
            effects,
            time_of=attrgetter("occurred_at_ms"),
        )
        came = sort_out(read, effects.counts)
        moving = [event for _, event in came.moving]
        wanted = join.wanted([page for _, page in decided], came.joining, batch.due)
        wanted |= taste.wanted(moving) | explored.wanted(moving)
        alone = batch.size == 1
        held = self._held(wanted, alone=alone)
        steps = partial(self._steps, held, decided, came, batch.due, alone=alone)
        made, joined = self._with_readable(held, steps)
        effects.add(made)
        self._commit(effects, last_offsets(batch.records))
        self._follow(joined)

    def _batch(self, held: Held) -> JoinBatch:
        return JoinBatch(
            held,
            self._rules,
            source=self.lane.partition,
            sequence=self._meta.sequence,
            already=self._already,
        )

    def _steps(
        self,
        held: dict[tuple[str, str], bytes | None],
        decided: Sequence[tuple[LogRecord, DecisionPage]],
        came: Came,
        due: Sequence[Due],
        *,
        alone: bool,
    ) -> tuple[Effects, JoinBatch]:
        effects = taste.taste_step(held, came.moving, self._catalogue, self._rates)
        effects.add(explored.explored_step(held, came.moving))
        batch = self._batch(held)
        for record, page in decided:
            batch.decide(page, record.logged_at_ms)
        then = batch.wanted_then(came.joining, due) - held.keys()
        held.update(self._held(then, alone=alone))
        batch.observe(came.joining)
        batch.close(due)
        effects.add(batch.finish())
        if batch.sequence != self._meta.sequence:
            effects.puts[JOIN_META] = codec.pack(JoinMeta(sequence=batch.sequence))
        effects.counts["decisions"] += sum(len(page.decisions) for _, page in decided)
        return effects, batch
