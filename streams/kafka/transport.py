"""Faust's own transport, with whole batches of the hot topics handed to the lanes.

Subscription, group membership, rebalancing and quiet topics stay Faust's. What differs: the
partitions of hot topics start at the offset that the store names, their records go to the lanes in
the batches in which they were fetched, and the group's offsets follow the store's for those who
watch lag from outside.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, cast

from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust import App
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as faust_aiokafka
from faust.types import TP
from mode import Service

from keyart.streams.kafka.driver import LaneDriver, Place
from keyart.streams.kafka.runner import Horizon

POLL_S = 0.2
FOLLOW_S = 5.0
LAST_S = 1.0


class LaneConsumer(faust_aiokafka.Consumer):
    """Faust's consumer; see the module."""

    @property
    def _lanes(self) -> LaneDriver:
        return cast(LaneApp, self.app).lanes

    @property
    def _kafka(self) -> Any:
        return self._thread._ensure_consumer()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the lanes go before anybody else can have them."""
        await self._lanes.revoke()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start the lanes of the new assignment."""
        await self._lanes.revoke()
        await super().on_partitions_assigned(assigned, generation_id)
        self._lanes.assign(((tp.topic, tp.partition) for tp in assigned), self._horizon)

    async def on_stop(self) -> None:
        """Finish the batches at hand."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._follow_once()
        await self._lanes.stop()
        await super().on_stop()

    def _horizon(self, topic: str, partition: int) -> Horizon | None:
        assignment = self._kafka._subscription.subscription.assignment
        if assignment is None:
            return None
        place = self._new_topicpartition(topic, partition)
        state = assignment.state_value(place)
        if state is None or state.highwater is None:
            return None
        return Horizon(state.highwater, state.timestamp)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek the quiet topics to the group's offsets; the lanes say where theirs begin."""
        quiet = [tp for tp in self.assignment() if tp.topic not in self._lanes.hot]
        if not quiet:
            return {}
        places = [self._new_topicpartition(tp.topic, tp.partition) for tp in quiet]
        found = await self._thread.call_thread(self._kafka.seek_to_committed, *places)
        return cast(Mapping[TP, int], found)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        lanes = self._lanes
        if wanted := lanes.seeks():
            await self._seek_lanes(wanted)
        active = active_partitions or set()
        takers = lanes.wanted()
        asked = {
            tp
            for tp in active
            if tp.topic not in lanes.hot or Place(tp.topic, tp.partition) in takers
        }
        if not asked:
            await asyncio.sleep(POLL_S / 10)
            return {}
        full = len(asked) < len(active)
        records = await super()._getmany(asked, POLL_S / 10 if full else POLL_S)
        return lanes.feed(records)

    async def _seek_lanes(self, wanted: Mapping[Place, int]) -> None:
        assigned = {Place(tp.topic, tp.partition) for tp in self.assignment()}
        places = {place: offset for place, offset in wanted.items() if place in assigned}
        if places:
            await self.seek_wait(
                {self._new_topicpartition(*place): offset for place, offset in places.items()}
            )
            self._lanes.sought(places)

    @Service.task
    async def _follow(self) -> None:
        """Move the group's offsets after the store's, for lag as others see it."""
        while not self.should_stop:
            await self.sleep(FOLLOW_S)
            await self._follow_once()

    async def _follow_once(self) -> None:
        try:
            assigned = {Place(tp.topic, tp.partition) for tp in self.assignment()}
            offsets = {
                self._new_topicpartition(*place): OffsetAndMetadata(offset, "")
                for place, offset in self._lanes.committed().items()
                if place in assigned
            }
            if offsets and not self.app.rebalancing:
                await self._thread.call_thread(self._kafka.commit, offsets)
        except (KafkaError, ConsumerNotStarted) as away:
            # only a display: the offsets that count are in the store
            self.log.info("The group's offsets were not moved: %r", away)


class LaneTransport(faust_aiokafka.Transport):
    """Faust's transport with that consumer."""

    Consumer = LaneConsumer


class LaneApp(App):
    """A Faust application whose hot topics are driven by lanes."""

    def __init__(self, name: str, *, lanes: LaneDriver, **options: Any) -> None:
        self.lanes = lanes
        super().__init__(name, **options)

    def _new_transport(self) -> LaneTransport:
        return LaneTransport(self.conf.broker_consumer, self)
