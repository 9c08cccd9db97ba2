"""The pace of the demo: visits wait while keyart is behind, as days would let it catch up."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

BEHIND_MS: Final = 2_000
"""Players rest while the oldest event that has not taught is older than this."""
ASK_S: Final = 0.5
REST_S: Final = 0.02


@dataclass(slots=True)
class Pace:
    """Asks now and then how far behind keyart is; players wait by it.

    A visit in the demo stands for one of many days; a burst that a machine cannot learn from as
    fast as it can answer would measure the burst. One thread asks, others wait.

    Parameters
    ----------
    behind_ms
        How far behind keyart is.
    clock
        Seconds, for intervals.
    """

    behind_ms: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    held: bool = False
    rested_s: float = 0.0
    _asked_at: float = field(init=False, default=float("-inf"))

    def look(self) -> None:
        """Ask, unless that was done within the last half second."""
        now = self.clock()
        if now - self._asked_at < ASK_S:
            return
        if self.held and self._asked_at > 0:
            self.rested_s += now - self._asked_at
        self.held = self.behind_ms() > BEHIND_MS
        self._asked_at = self.clock()

    def wait(self, until: Callable[[], bool]) -> None:
        """Rest while keyart is behind, or until `until()`."""
        while self.held and not until():
            time.sleep(REST_S)

    def caught_up(self, within_s: float) -> bool:
        """Wait until nothing is left to learn from; return whether that came within the time."""
        ends = self.clock() + within_s
        while self.behind_ms() > 0:
            if self.clock() > ends:
                return False
            time.sleep(10 * REST_S)
        return True
