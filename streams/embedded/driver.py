"""Drives the lanes on one machine: reads the streams, hands over batches, waits for more."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from keyart.schemas.errors import LogAway, StoreAway
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.streams.lanes.progress import Progress
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.ports import Clock, LogRecord
from keyart.streams.valkey.log import ValkeyLog

log = logging.getLogger(__name__)
WAIT_MS = 100
AWAY_S = 0.5


class LaneAtWork(Protocol):
    """What the driver needs of a lane."""

    def open(self) -> dict[str, str]:
        """Become the owner and return the offsets to resume after."""

    def process(self, records: Sequence[LogRecord], *, now_ms: int) -> int:
        """Take a batch."""

    @property
    def offsets(self) -> dict[str, str]:
        """The committed offsets."""


class EmbeddedDriver:
    """All lanes of one machine in one loop.

    Parameters
    ----------
    log
        The streams.
    lanes
        (lane, its topics, its partition) each.
    refresh
        Called before each round: brings the catalogue view up to date.
    clock
        Now, in milliseconds.
    batch
        The most records a lane takes at once.
    """

    def __init__(
        self,
        log: ValkeyLog,
        *,
        viewers: Sequence[ViewersLane],
        titles: Sequence[TitlesLane],
        refresh: Callable[[], object],
        clock: Clock,
        batch: int,
    ) -> None:
        self._log = log
        self._lanes: list[tuple[LaneAtWork, tuple[str, ...], int]] = [
            *((lane, (EVENTS, DECISIONS), lane.lane.partition) for lane in viewers),
            *((lane, (REWARDS,), lane.lane.partition) for lane in titles),
        ]
        self._refresh = refresh
        self._clock = clock
        self._batch = batch
        self._stopped = False

    def open(self) -> None:
        """Take over all lanes; earlier drivers of them are fenced."""
        for lane, _, _ in self._lanes:
            lane.open()

    def stop(self) -> None:
        """Let `run` return after the batch at hand; safe from a signal handler."""
        self._stopped = True

    def run(self) -> None:
        """Drive until stopped. A server that is away is waited for.

        Raises
        ------
        Fenced
            Another driver took a lane over.
        """
        opened = False
        while not self._stopped:
            try:
                if not opened:
                    self.open()
                    opened = True
                if self.turn() == 0:
                    self._wait()
            except (StoreAway, LogAway) as away:
                log.warning("waiting for the server: %s", away)
                opened = False
                time.sleep(AWAY_S)

    def turn(self) -> int:
        """Give every lane one batch; return how many records were processed."""
        self._refresh()
        return sum(self._advance(*each) for each in self._lanes)

    def drain(self) -> int:
        """Process all there is in the log now; return how many records that was."""
        total = 0
        while done := self.turn():
            total += done
        return total

    def _advance(self, lane: LaneAtWork, topics: tuple[str, ...], partition: int) -> int:
        now_ms = self._clock()
        progress = Progress(topics)
        batch: list[LogRecord] = []
        offsets = lane.offsets
        for topic in topics:
            records = self._log.read(topic, partition, after=offsets.get(topic), count=self._batch)
            batch += records
            if len(records) == self._batch:
                progress.read(topic, records[-1].logged_at_ms)
            else:
                progress.ended(topic, now_ms)
        return lane.process(batch, now_ms=progress.now_ms)

    def _wait(self) -> None:
        after = {
            (topic, partition): lane.offsets.get(topic)
            for lane, topics, partition in self._lanes
            for topic in topics
        }
        self._log.wait(after, WAIT_MS)
