"""When to try again what has failed, and what to say of it meanwhile."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

log = logging.getLogger(__name__)
FIRST_S: Final = 0.25
LONGEST_S: Final = 5.0
SAY_AGAIN_S: Final = 60.0


class Rest:
    """Waits twice as long after each failure, up to 5 s; says so at first, and once a minute.

    Parameters
    ----------
    name
        What fails, for the log.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._until = 0.0
        self._next = FIRST_S
        self._said_at = float("-inf")
        self._failed = False

    @property
    def over(self) -> bool:
        """Whether it may be tried now."""
        return self.left_s == 0.0

    @property
    def left_s(self) -> float:
        """How long it still rests, in seconds."""
        return max(0.0, self._until - time.monotonic())

    @contextmanager
    def after_failure(
        self, *kinds: type[Exception], passing: type[Exception] | tuple[type[Exception], ...] = ()
    ) -> Iterator[None]:
        """Run something; errors of these kinds begin a rest, except those that pass."""
        try:
            yield
        except passing:
            raise
        except kinds as failed:
            now = time.monotonic()
            self._until = now + self._next
            self._next = min(LONGEST_S, 2 * self._next)
            if now - self._said_at > SAY_AGAIN_S:
                self._said_at = now
                log.warning("%s waits and is tried again: %s", self._name, failed)
            self._failed = True
            return
        if self._failed:
            log.warning("%s goes on", self._name)
            self._failed = False
        self._until, self._next, self._said_at = 0.0, FIRST_S, float("-inf")
