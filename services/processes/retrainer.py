"""Learning beside housekeeping: a process of its own, started when it may be due.

Reading what viewers did and fitting takes memory that a serving process should not keep, and may
take an hour; rounds go on meanwhile. It is a member of the family: when its parent goes, it stops,
and the next one goes on where it stopped, or begins again.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from keyart.schemas.errors import KeyartError
from keyart.services.processes.family import Member
from keyart.services.wiring.settings import Settings

log = logging.getLogger(__name__)
LOOK_S: Final = 60.0
"""Between two looks whether it is due: each reads the newest of the log."""
RETRAIN: Final = ("retrain", "--when-due")
REFRESH: Final = ("serendipity", "refresh", "--when-due")
JUDGE: Final = ("models", "judge")
REPORT: Final = ("serendipity", "report", "--keep")


class NowAndThen:
    """Starts a command of keyart now and then; one at a time.

    Parameters
    ----------
    command
        Its words.
    wanted
        Whether it is ever asked for.
    every_s
        Between two starts.
    first_s
        Before the first one.
    start, clock
        What starts the process; seconds.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        *,
        wanted: bool,
        every_s: float = LOOK_S,
        first_s: float = 0.0,
        start: Callable[[], Member] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._wanted = wanted
        self._every_s = every_s
        self._start = start or (lambda: Member(command))
        self._clock = clock
        self._child: Member | None = None
        self._next = clock() + first_s

    def look(self) -> None:
        """Start one if it is time, and hear how the last one ended.

        Raises
        ------
        KeyartError
            The last one failed, and why.
        """
        if self._child is not None:
            code = self._child.process.poll()
            if code is None:
                return
            words = self._child.last_words()
            self._child.close()
            self._child = None
            if code:
                raise KeyartError(
                    words.says or f"`keyart {' '.join(self._command)}` ended with {code}"
                )
        if self._wanted and self._clock() >= self._next:
            self._next = self._clock() + self._every_s
            self._child = self._start()

    def stop(self) -> None:
        """Ask it to stop, and do not wait: what it has done is on disk."""
        if self._child is not None:
            if self._child.process.poll() is None:
                self._child.process.terminate()
            self._child.close()
            self._child = None


def wants_retraining(settings: Settings) -> bool:
    """Return whether schedule, rewards or drift ask for a retraining at all, or for a refresh."""
    return bool(
        settings.retrain_hours
        or settings.retrain_rewards
        or settings.retrain_drift
        or settings.retrain_refresh_hours
    )
