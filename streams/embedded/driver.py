"""Drives the lanes on one machine: reads the streams, hands over batches, waits for more."""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from keyart.schemas.errors import Fenced, LogError, StoreError
from keyart.streams.embedded.rest import Rest
from keyart.streams.lanes.progress import Progress
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.ports import TOPICS_OF, Clock, Lane, LogRecord
from keyart.streams.valkey.log import ValkeyLog

log = logging.getLogger(__name__)
WAIT_MS = 100
IDLE_S = 0.05


class LaneAtWork(Protocol):
    """What the driver needs of a lane."""

    lane: Lane

    def open(self) -> dict[str, str]:
        """Become the owner and return the offsets to resume after."""

    def process(self, records: Sequence[LogRecord], *, now_ms: int) -> int:
        """Take a batch."""

    @property
    def offsets(self) -> dict[str, str]:
        """The committed offsets."""


class Turning:
    """A lane in its turn: open or not, and when it is tried again after it failed."""

    def __init__(self, lane: LaneAtWork) -> None:
        self.lane = lane
        self.topics = TOPICS_OF[lane.lane.kind]
        self.partition = lane.lane.partition
        self.opened = False
        self.rest = Rest(f"lane {lane.lane.kind} {lane.lane.partition}")

    def open(self) -> None:
        """Become the lane's owner."""
        self.lane.open()
        self.opened = True


class EmbeddedDriver:
    """All lanes of one machine in one loop.

    Parameters
    ----------
    log
        The streams.
    viewers, titles
        The lanes.
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
        self._lanes = [*map(Turning, viewers), *map(Turning, titles)]
        self._refresh = refresh
        self._refreshing = Rest("the catalogue")
        self._loaded = False
        self._clock = clock
        self._batch = batch
        self._stopped = threading.Event()

    def open(self) -> None:
        """Take over all lanes; earlier drivers of them are fenced."""
        for each in self._lanes:
            each.open()

    def stop(self) -> None:
        """Let `run` return after the batch at hand; safe from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Drive until stopped. What fails is tried again for as long as it takes, lane by lane.

        Raises
        ------
        Fenced
            Another driver took a lane over.
        """
        while not self._stopped.is_set():
            if self.round() == 0:
                self._wait()

    def round(self) -> int:
        """Give every lane that is not resting one batch; return how many records were processed.

        A lane that fails is opened anew after a rest: then it stands where its last commit does.

        Raises
        ------
        Fenced
            Another driver took a lane over.
        """
        if not self._refreshed():
            return 0
        done = 0
        for each in self._lanes:
            if not each.rest.over:
                continue
            with each.rest.after_failure(StoreError, LogError, passing=Fenced):
                if not each.opened:
                    each.open()
                each.opened = False
                done += self._advance(each)
                each.opened = True
        return done

    def _refreshed(self) -> bool:
        """Bring the catalogue up to date; return whether it may be learned from."""
        if self._refreshing.over:
            with self._refreshing.after_failure(Exception):
                self._refresh()
                self._loaded = True
        # an older catalogue will do, but with none at all every title would be unknown
        return self._loaded

    def turn(self) -> int:
        """Give every lane one batch; return how many records were processed. What fails, raises."""
        self._refresh()
        return sum(self._advance(each) for each in self._lanes)

    def drain(self) -> int:
        """Process all there is in the log now; return how many records that was."""
        total = 0
        while done := self.turn():
            total += done
        return total

    def _advance(self, turning: Turning) -> int:
        now_ms = self._clock()
        progress = Progress(turning.topics)
        batch: list[LogRecord] = []
        offsets = turning.lane.offsets
        for topic in turning.topics:
            records, ended = self._log.batch(
                topic, turning.partition, after=offsets.get(topic), count=self._batch
            )
            batch += records
            if ended:
                progress.ended(topic, now_ms)
            else:
                progress.read(topic, records[-1].logged_at_ms)
        # once they are read, so that every description that was in force when the log took them in
        # is known: one that is put from now on is in force for later records
        self._refreshed()
        return turning.lane.process(batch, now_ms=progress.now_ms)

    def _wait(self) -> None:
        """Wait a moment for records; lanes that rest do not take theirs, and are not waited for."""
        working = [each for each in self._lanes if each.opened]
        after = {
            (topic, each.partition): each.lane.offsets.get(topic)
            for each in working
            for topic in each.topics
        }
        if len(working) == len(self._lanes):
            with suppress(StoreError, LogError):
                self._log.wait(after, WAIT_MS)
                return
        self._stopped.wait(IDLE_S)
