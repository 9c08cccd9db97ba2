"""A lane of titles: rewards of one partition become posteriors."""

from collections.abc import Sequence

from keyart.models.statistics.timeline import read_key
from keyart.schemas import codec
from keyart.schemas.posterior import TitlesMeta
from keyart.streams.families import META, TIMELINE, TITLE, TITLES_META
from keyart.streams.lanes.base import LaneBase, decoded, last_offsets
from keyart.streams.lanes.batch import Batch
from keyart.streams.ports import TITLES, Lane, LogRecord, StateStore
from keyart.streams.steps import bandit
from keyart.streams.steps.bandit import BanditRules, bandit_step
from keyart.streams.steps.effects import Effects
from keyart.streams.steps.stored import check_bucket, check_title, check_titles_meta

CHECKS = {
    TITLE: check_title,
    TIMELINE: check_bucket,
    META: check_titles_meta,
}


class TitlesLane(LaneBase):
    """The bandit's sums of one partition of the topic `rewards`."""

    def __init__(self, store: StateStore, partition: int, *, rules: BanditRules) -> None:
        super().__init__(store, Lane(TITLES, partition), checks=CHECKS)
        self._rules = rules
        self._meta = TitlesMeta()

    def open(self) -> dict[str, str]:
        """Become the owner, read what the lane keeps about itself, and return the offsets."""
        offsets = super().open()
        held = self._meta_value(*TITLES_META)
        self._meta = codec.unpack(held, TitlesMeta) if held is not None else self._found()
        return offsets

    def process(self, records: Sequence[LogRecord], *, now_ms: int) -> int:
        """Learn from a batch of rewards, in the log's order, and commit; `now_ms` has no effect."""
        if records:
            self._run(Batch(records))
        return len(records)

    def _once(self, batch: Batch) -> None:
        effects = Effects()
        found = decoded(
            batch.records, codec.rewards.decode, effects, time_of=lambda reward: reward.closed_at_ms
        )
        rewards = [reward for _, reward in found]
        times = [record.logged_at_ms for record, _ in found]
        wanted = bandit.wanted(rewards, self._meta, self._rules)
        held = self._held(wanted, alone=batch.size == 1)
        learned, meta = self._with_readable(
            held, lambda: bandit_step(held, rewards, self._meta, self._rules, logged_at_ms=times)
        )
        effects.add(learned)
        self._commit(effects, last_offsets(batch.records))
        self._meta = meta

    def _found(self) -> TitlesMeta:
        """Return what a lane can tell of itself without its record: which buckets there are."""
        buckets, strange = [], []
        for key, value in self._store.scan(self.lane, TIMELINE):
            try:
                buckets.append(read_key(key))
            except ValueError as wrong:
                strange.append((TIMELINE, key, value, str(wrong)))
        if strange:
            self._lose(strange)
        return TitlesMeta(buckets=sorted(buckets))
