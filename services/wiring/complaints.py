"""Keeps the log readable while a server is away: the same complaint is told once in a while."""

import logging
import time
from collections.abc import Callable

CLIENTS = ("aiokafka", "kafka", "opentelemetry")
EVERY_S = 30.0
MOST = 1000


class SeldomRepeats(logging.Filter):
    """Lets a complaint through every 30 s at most, with how often it came meanwhile.

    A client of Kafka tries again ten times a second and tells each time. What counts as the same is
    its wording without the figures, from the same place; of keyart's own warnings the whole text.
    What is below a warning, and keyart's errors, pass unchanged.

    Parameters
    ----------
    clock
        Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is told; one that stands for others says so."""
        client = record.name.partition(".")[0] in CLIENTS
        if record.levelno < logging.WARNING or (not client and record.levelno > logging.WARNING):
            return True
        complaint = (record.name, str(record.msg) if client else record.getMessage())
        now = self._clock()
        told_at, more = self._told.get(complaint, (now - EVERY_S, 0))
        if now - told_at < EVERY_S:
            self._told[complaint] = (told_at, more + 1)
            return False
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[complaint] = (now, 0)
        if more:
            record.msg = f"{record.getMessage()} ({more} more like it in {now - told_at:.0f} s)"
            record.args = None
        return True
