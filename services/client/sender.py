"""A thread that sends events in batches, beside a site that does not wait for it."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from keyart.schemas.errors import KeyartError
from keyart.services.client.calls import Event
from keyart.services.client.outbox import Counts, Outbox

FIRST_WAIT_S: Final = 0.5
MOST_WAIT_S: Final = 30.0
GRACE_S: Final = 0.5


class Sender:
    """Takes events in from any thread, and sends them from one of its own.

    Parameters
    ----------
    send
        Sends one batch; raises KeyartError.
    queue
        Events that may wait; when one more comes, the oldest is dropped and counted.
    batch
        Of one call.
    every_s
        Events wait for others for about so long.
    """

    def __init__(
        self, send: Callable[[Sequence[Event]], object], *, queue: int, batch: int, every_s: float
    ) -> None:
        self._send, self._every_s = send, every_s
        self._bounds = (queue, batch)
        self._begin()

    def _begin(self) -> None:
        self._outbox = Outbox(*self._bounds)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._ends = self._hurry = False
        self._in_flight = 0

    @property
    def counts(self) -> Counts:
        """What came of the events so far."""
        return self._outbox.counts

    @property
    def waiting(self) -> int:
        """How many are not sent yet."""
        return len(self._outbox) + self._in_flight

    def add(self, event: Event) -> None:
        """Take one in, and return at once."""
        if self._process != os.getpid():
            # a fork has no thread, and what waits here is sent by the process it came from
            self._begin()
        with self._changed:
            self._outbox.add(event)
            if self._thread is None and not self._ends:
                # a daemon: exit does not wait for it, but calls close(), which does within bounds
                self._thread = threading.Thread(
                    target=self._work, name="keyart-client", daemon=True
                )
                self._thread.start()
            if self._outbox.full_batch or len(self._outbox) == 1:
                self._changed.notify_all()

    def flush(self, within_s: float) -> bool:
        """Send all that waits; return whether that came about within the time."""
        if self._process != os.getpid():
            return True
        ends = time.monotonic() + within_s
        with self._changed:
            while self.waiting and (left := ends - time.monotonic()) > 0:
                if self._thread is None:
                    break
                self._hurry = True
                self._changed.notify_all()
                self._changed.wait(left)
            self._hurry = False
            return not self.waiting

    def close(self, within_s: float) -> bool:
        """Send what waits, within the time, and end the thread; the rest is dropped and counted."""
        done = self.flush(within_s)
        if self._process != os.getpid():
            return True
        with self._changed:
            self._ends = True
            self._outbox.drop_all()
            self._changed.notify_all()
        if self._thread is not None:
            # what is on its way comes back, mostly at once
            self._thread.join(GRACE_S)
        return done

    def _work(self) -> None:
        pause = 0.0
        while True:
            with self._changed:
                if pause:
                    self._changed.wait_for(lambda: self._ends or self._hurry, pause)
                else:
                    self._changed.wait_for(lambda: self._ends or len(self._outbox) > 0)
                    self._changed.wait_for(self._is_time, self._every_s)
                if self._ends:
                    return
                batch = self._outbox.take()
                self._in_flight = len(batch)
            pause = self._sent(batch, pause)

    def _is_time(self) -> bool:
        return self._ends or self._hurry or self._outbox.full_batch

    def _sent(self, batch: Sequence[Event], pause: float) -> float:
        """Send a batch and return for how long to wait before the next."""
        error: KeyartError | None = None
        if batch:
            try:
                self._send(batch)
            except KeyartError as failed:
                error = failed
        with self._changed:
            self._in_flight = 0
            waits = error is not None and self._outbox.came_back(batch, error)
            if error is None:
                self._outbox.counts.sent += len(batch)
            if self._ends:
                self._outbox.drop_all()
            if not self._outbox:
                self._hurry = False
            self._changed.notify_all()
        return min(MOST_WAIT_S, max(FIRST_WAIT_S, 2 * pause)) if waits else 0.0
