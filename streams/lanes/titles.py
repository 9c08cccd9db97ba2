"""A lane of titles: rewards of one partition become posteriors."""

from collections.abc import Sequence

from keyart.schemas import codec
from keyart.schemas.posterior import TitlesMeta
from keyart.streams.lanes.base import LaneBase, decoded, last_offsets
from keyart.streams.ports import TITLES, Lane, LogRecord, StateStore
from keyart.streams.steps import bandit
from keyart.streams.steps.bandit import BanditRules, bandit_step
from keyart.streams.steps.effects import Effects


class TitlesLane(LaneBase):
    """The bandit's sums of one partition of the topic `rewards`."""

    def __init__(self, store: StateStore, partition: int, *, rules: BanditRules) -> None:
        super().__init__(store, Lane(TITLES, partition))
        self._rules = rules
        self._meta = TitlesMeta()

    def open(self) -> dict[str, str]:
        """Become the owner, read what the lane keeps about itself, and return the offsets."""
        offsets = super().open()
        held = self._store.read(self.lane, *_META)[0]
        self._meta = TitlesMeta() if held is None else codec.unpack(held, TitlesMeta)
        return offsets

    def process(self, records: Sequence[LogRecord], *, now_ms: int) -> int:
        """Learn from a batch of rewards, in the log's order, and commit; `now_ms` has no effect."""
        if not records:
            return 0
        effects = Effects()
        found = decoded(
            records, codec.rewards.decode, effects, time_of=lambda reward: reward.closed_at_ms
        )
        rewards = [reward for _, reward in found]
        held = self._read(bandit.wanted(rewards, self._meta, self._rules))
        learned, meta = bandit_step(held, rewards, self._meta, self._rules)
        effects.add(learned)
        self._commit(effects, last_offsets(records))
        self._meta = meta
        return len(records)


_META = (bandit.TITLES[0], [bandit.TITLES[1]])
