"""A lane of viewers: events and decisions of one partition become tastes and rewards."""

from collections.abc import Callable, Container, Iterator, Sequence

from msgspec import Struct

from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.taste import unpack_tastes
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.lanes.base import LaneBase, decoded, last_offsets
from keyart.streams.lanes.batch import Batch
from keyart.streams.letters import reason_of
from keyart.streams.ports import VIEWERS, Lane, LogRecord, StateStore
from keyart.streams.steps import join, taste
from keyart.streams.steps.due import Due, DueIndex
from keyart.streams.steps.effects import Effects, Held
from keyart.streams.steps.join import JOIN, JoinBatch, JoinRules

META = "meta"
JOIN_META = "join"
MAX_CLOSED = 1000
ROUNDS = 5
"""So many times so many windows are closed by one call, each time with a commit of its own."""
LOST_AT_ONCE = 100
LEAP = 20
"""An epoch is above the time in milliseconds; so many bits more is above any number of rewards."""


class JoinMeta(Struct, kw_only=True):
    """What a lane of viewers keeps about itself: the number of its last reward."""

    sequence: int = 0


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
    ) -> None:
        checks = _checks(catalogue.space.identity)
        super().__init__(store, Lane(VIEWERS, partition), checks=checks)
        self._catalogue = catalogue
        self._rules = rules
        self._rates = rates
        self._already = already
        self._meta = JoinMeta()
        self._due = DueIndex()
        self._floor = 0

    def open(self) -> dict[str, str]:
        """Become the owner, rebuild the index of what is due, and return the offsets."""
        offsets = super().open()
        if not self._store.read(self.lane, META, [JOIN_META])[0]:
            sequence = 0
        elif (held := self._meta_value(META, JOIN_META)) is not None:
            sequence = codec.unpack(held, JoinMeta).sequence
        else:
            # the number is lost: rewards below it would be taken for repeats
            sequence = self.epoch << LEAP
        self._meta = JoinMeta(sequence=max(sequence, self._floor))
        self._due = DueIndex(self._scan())
        return offsets

    def _scan(self) -> Iterator[Due]:
        """Yield what is due when; windows that cannot be read are set aside."""
        lost: list[tuple[str, str, bytes, str]] = []
        for key, value in self._store.scan(self.lane, JOIN):
            try:
                yield join.due_of(key, value)
            except InvalidRecord as wrong:
                lost.append((JOIN, key, value, reason_of(wrong)))
                if len(lost) >= LOST_AT_ONCE:
                    self._lose(lost)
                    lost = []
        if lost:
            self._lose(lost)

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
        return len(records)

    def _window(self, due: Due) -> tuple[str, str]:
        return JOIN, join.key_of(due)

    def _once(self, batch: Batch) -> None:
        effects = Effects()
        decided = [
            page
            for _, page in decoded(
                [record for record in batch.records if record.topic == DECISIONS],
                codec.decisions.decode,
                effects,
                time_of=lambda page: page.decided_at_ms,
            )
        ]
        logged = [
            (record.logged_at_ms, event)
            for record, event in decoded(
                [record for record in batch.records if record.topic == EVENTS],
                codec.events.decode,
                effects,
                time_of=lambda event: event.occurred_at_ms,
            )
        ]
        events = [event for _, event in logged]
        wanted = join.wanted(decided, events, batch.due, self._rules) | taste.wanted(events)
        held = self._held(wanted, alone=batch.size == 1)
        made, joined = self._with_readable(
            held, lambda: self._steps(held, decided, logged, batch.due)
        )
        effects.add(made)
        self._commit(effects, last_offsets(batch.records))
        self._meta = JoinMeta(sequence=joined.sequence)
        self._due.add(joined.due)

    def _steps(
        self,
        held: Held,
        decided: Sequence[DecisionPage],
        logged: Sequence[taste.Logged],
        due: Sequence[Due],
    ) -> tuple[Effects, JoinBatch]:
        effects = taste.taste_step(held, logged, self._catalogue, self._rates)
        batch = JoinBatch(
            held,
            self._rules,
            source=self.lane.partition,
            sequence=self._meta.sequence,
            already=self._already,
        )
        for page in decided:
            batch.decide(page)
        for _, event in logged:
            batch.observe(event)
        batch.close(due)
        effects.add(batch.finish())
        if batch.sequence != self._meta.sequence:
            effects.puts[META, JOIN_META] = codec.pack(JoinMeta(sequence=batch.sequence))
        effects.counts["events"] += len(logged)
        effects.counts["decisions"] += sum(len(page.decisions) for page in decided)
        return effects, batch


def _checks(space: str) -> dict[str, Callable[[str, bytes], object]]:
    return {
        taste.TASTE: lambda _, value: unpack_tastes([value], space),
        JOIN: join.check,
        META: lambda _, value: codec.unpack(value, JoinMeta),
    }
