"""A lane of viewers: events and decisions of one partition become tastes and rewards."""

from collections.abc import Container, Sequence

from msgspec import Struct

from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.lanes.base import LaneBase, decoded, last_offsets
from keyart.streams.ports import VIEWERS, Lane, LogRecord, StateStore
from keyart.streams.steps import join, taste
from keyart.streams.steps.due import Due, DueIndex
from keyart.streams.steps.effects import Effects
from keyart.streams.steps.join import JOIN, JoinBatch, JoinRules, Remembered, Waiting

META = "meta"
JOIN_META = "join"
MAX_CLOSED = 5000


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
        super().__init__(store, Lane(VIEWERS, partition))
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
        held = self._store.read(self.lane, META, [JOIN_META])[0]
        self._meta = JoinMeta() if held is None else codec.unpack(held, JoinMeta)
        self._meta = JoinMeta(sequence=max(self._meta.sequence, self._floor))
        self._due = DueIndex(_due(key, value) for key, value in self._store.scan(self.lane, JOIN))
        return offsets

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
        due = self._due.until(now_ms, MAX_CLOSED)
        if not records and not due:
            return 0
        try:
            effects, added, sequence = self._steps(records, due)
            self._commit(effects, last_offsets(records))
        except BaseException:
            self._due.add(due)
            raise
        self._meta = JoinMeta(sequence=sequence)
        self._due.add(added)
        return len(records)

    def _steps(
        self, records: Sequence[LogRecord], due: Sequence[Due]
    ) -> tuple[Effects, list[Due], int]:
        effects = Effects()
        pages = decoded(
            [record for record in records if record.topic == DECISIONS],
            codec.decisions.decode,
            effects,
            time_of=lambda page: page.decided_at_ms,
        )
        logged = [
            (record.logged_at_ms, event)
            for record, event in decoded(
                [record for record in records if record.topic == EVENTS],
                codec.events.decode,
                effects,
                time_of=lambda event: event.occurred_at_ms,
            )
        ]
        events = [event for _, event in logged]
        decided = [page for _, page in pages]
        held = self._read(taste.wanted(events) | join.wanted(decided, events, due, self._rules))
        effects.add(taste.taste_step(held, logged, self._catalogue, self._rates))
        batch = JoinBatch(
            held,
            self._rules,
            source=self.lane.partition,
            sequence=self._meta.sequence,
            already=self._already,
        )
        for page in decided:
            batch.decide(page)
        for event in events:
            batch.observe(event)
        batch.close(due)
        effects.add(batch.finish())
        if batch.sequence != self._meta.sequence:
            effects.puts[META, JOIN_META] = codec.pack(JoinMeta(sequence=batch.sequence))
        effects.counts["events"] += len(events)
        effects.counts["decisions"] += sum(len(page.decisions) for page in decided)
        return effects, batch.due, batch.sequence


def _due(key: str, value: bytes) -> Due:
    if key.startswith("v:"):
        return Due(codec.unpack(value, Remembered).due_ms, "", key[2:])
    waiting = codec.unpack(value, Waiting)
    return Due(waiting.due_ms, key, waiting.viewer)
