"""All lanes of one worker: which are assigned, which take records, what they have committed."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.relay import Relay
from keyart.streams.kafka.runner import Horizon, LaneAtWork, LaneRunner, RunnerRules
from keyart.streams.ports import TOPICS_OF, Lane

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """A partition of one of Kafka's topics."""

    topic: str
    partition: int


class LaneDriver:
    """Runs the lanes that are assigned to this worker.

    Parameters
    ----------
    access
        Names of topics.
    make
        (lane) -> the lane, not opened yet; called in a thread.
    relay
        Carries outputs.
    refresh
        Brings the catalogue view up to date.
    rules
        How runners work.
    """

    def __init__(
        self,
        access: KafkaAccess,
        *,
        make: Callable[[Lane], LaneAtWork],
        relay: Relay,
        refresh: Callable[[], object],
        rules: RunnerRules,
    ) -> None:
        self.hot = frozenset(access.topic(name) for names in TOPICS_OF.values() for name in names)
        self.runners: dict[Lane, LaneRunner] = {}
        self._access = access
        self._make = make
        self._relay = relay
        self._refresh = refresh
        self._rules = rules

    def assign(
        self, places: Iterable[tuple[str, int]], horizon: Callable[[str, int], Horizon | None]
    ) -> None:
        """Run exactly the lanes whose topics are all among the places; none may be running."""
        assigned = {Place(*place) for place in places}
        for kind, names in TOPICS_OF.items():
            topics = [self._access.topic(name) for name in names]
            for partition in sorted(
                {place.partition for place in assigned if place.topic in topics}
            ):
                if assigned.issuperset(Place(topic, partition) for topic in topics):
                    self._start(Lane(kind, partition), names, horizon)
                else:
                    log.error("the topics of %s %s are on different workers", kind, partition)

    def _start(
        self,
        lane: Lane,
        names: tuple[str, ...],
        horizon: Callable[[str, int], Horizon | None],
    ) -> None:
        runner = LaneRunner(
            lane,
            lambda: self._make(lane),
            names,
            relay=self._relay,
            horizon=lambda name: horizon(self._access.topic(name), lane.partition),
            refresh=self._refresh,
            rules=self._rules,
        )
        self.runners[lane] = runner
        runner.start()

    async def revoke(self) -> None:
        """Finish the batches at hand and give all lanes up."""
        runners, self.runners = self.runners, {}
        await asyncio.gather(*(runner.stop() for runner in runners.values()))

    async def stop(self) -> None:
        """Give all lanes up and close the producer."""
        await self.revoke()
        await self._relay.stop()

    def seeks(self) -> dict[Place, int]:
        """Return where lanes that were opened want their topics; `sought` lets them begin."""
        return {
            Place(self._access.topic(name), lane.partition): offset
            for lane, runner in self.runners.items()
            for name, offset in runner.seeks.items()
        }

    def sought(self, places: Iterable[tuple[str, int]]) -> None:
        """Note that these places stand where they were wanted."""
        for topic, partition in places:
            for lane, runner in self.runners.items():
                if lane.partition == partition:
                    runner.seeks.pop(self._access.name_of(topic), None)

    def wanted(self) -> set[Place]:
        """Return the places whose lanes take records now.

        Raises
        ------
        BaseException
            What ended a runner that should run.
        """
        found: set[Place] = set()
        for lane, runner in self.runners.items():
            if (failure := runner.failure) is not None:
                raise failure
            if runner.ready:
                found |= {Place(self._access.topic(name), lane.partition) for name in runner.topics}
        return found

    def feed(self, records: Mapping[Any, Sequence[Any]]) -> dict[Any, Sequence[Any]]:
        """Hand batches to their lanes; return those of other topics."""
        rest: dict[Any, Sequence[Any]] = {}
        for place, batch in records.items():
            if place.topic not in self.hot:
                rest[place] = batch
                continue
            name = self._access.name_of(place.topic)
            for lane, runner in self.runners.items():
                if lane.partition == place.partition and name in runner.topics:
                    runner.feed(name, batch)
        return rest

    def committed(self) -> dict[Place, int]:
        """Return the offsets behind the last committed records."""
        return {
            Place(self._access.topic(name), lane.partition): offset
            for lane, runner in self.runners.items()
            for name, offset in runner.committed().items()
        }
