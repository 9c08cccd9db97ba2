"""How far time has come for a lane: what decides which windows may close.

A window must not close before the events that lie in the log for it have been read. So time has
come as far as the last record read of the topic that lags most; a topic that was read to its end
has come as far as the moment at which that end was seen.
"""

from collections.abc import Iterable


class Progress:
    """Time of one lane, in milliseconds; 0 until every topic has been looked at."""

    def __init__(self, topics: Iterable[str]) -> None:
        self._reached = dict.fromkeys(topics, 0)

    def read(self, topic: str, logged_at_ms: int) -> None:
        """Note the last record read, with more to come behind it."""
        self._reached[topic] = max(self._reached[topic], logged_at_ms)

    def ended(self, topic: str, seen_at_ms: int) -> None:
        """Note that the topic's end was read, as it was at this moment."""
        self._reached[topic] = max(self._reached[topic], seen_at_ms)

    @property
    def now_ms(self) -> int:
        """The time up to which everything has been read."""
        return min(self._reached.values())
