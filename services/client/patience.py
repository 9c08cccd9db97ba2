"""When to try again, and when to stop asking for a while: arithmetic, with the time handed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from keyart.schemas.errors import KeyartError, SettingsError

FIRST_S: Final = 0.05
MOST_S: Final = 30.0
REST_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to go on with one call.

    Parameters
    ----------
    attempts
        At most, 1 to 20; 1 is none again.
    within_s
        All attempts and the waits between them end about then.
    timeout_s
        Of each attempt: to connect, and between bytes.
    luck
        Returns a number of [0, 1).
    """

    attempts: int
    within_s: float
    timeout_s: float
    luck: Callable[[], float]

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 1 <= self.attempts <= 20:
            raise SettingsError(f"attempts must be 1 to 20, not {self.attempts}")
        for name, value in (("within_s", self.within_s), ("timeout_s", self.timeout_s)):
            if not 0 < value <= 3600:
                raise SettingsError(f"{name} must be above 0 and at most 3600, not {value}")

    def timeout(self, passed_s: float) -> float:
        """Return the time-out of the attempt that begins after `passed_s` seconds."""
        return max(0.001, min(self.timeout_s, self.within_s - passed_s))

    def pause(self, tried: int, passed_s: float, error: KeyartError) -> float | None:
        """Return for how long to wait before the next attempt; None when there is none.

        Waits double from 50 ms and are drawn from their upper half, so that many clients of a
        server that comes back do not all come at once ("equal jitter"; Brooker, AWS 2015). An
        answer's Retry-After is kept: what does not fit into `within_s` is not waited for.

        Parameters
        ----------
        tried
            Attempts made, at least 1.
        passed_s
            Since the first began.
        error
            Of the last one.
        """
        if tried >= self.attempts or not error.retriable:
            return None
        longest = min(MOST_S, FIRST_S * 2.0 ** (tried - 1))
        wait = max(longest * (0.5 + 0.5 * self.luck()), getattr(error, "retry_s", 0.0))
        return wait if passed_s + wait < self.within_s else None


@dataclass(slots=True)
class Outage:
    """Since when a server is away, so that not every page waits for it.

    After a call that failed nobody is asked for a second; after the next one for two, and so on up
    to half a minute.
    """

    until_s: float = 0.0
    why: str = ""
    _rest_s: float = field(default=REST_S)

    def rests(self, now_s: float) -> bool:
        """Return whether the server is left alone for now."""
        return bool(self.why) and now_s < self.until_s

    def failed(self, now_s: float, why: str) -> None:
        """Take in that a call failed."""
        self.why, self.until_s = why, now_s + self._rest_s
        self._rest_s = min(2 * self._rest_s, MOST_S)

    def over(self) -> None:
        """Take in that a call was answered."""
        self.why, self.until_s, self._rest_s = "", 0.0, REST_S
