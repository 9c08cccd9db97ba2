"""A server's clock that was wrong for a while, and what that may do to sums that forget by time.

Sums stand at the latest time they have seen. A clock that is 400 days ahead for ten seconds moves
that time, and every later reward would be weighed as one of 400 days ago. Nobody can tell while it
lasts: a site may have slept for 400 days. When the log's time is back it can be told, and from then
on the sums stand at the log's time again, as they are. What was learned before keeps the weight
that it has by then; new rewards count in full. It depends on nothing but the order of the log and
its times, so a replay does the same.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from keyart.schemas.rewards import Reward

MOST_AHEAD_MS: Final = 2 * 86_400_000
"""A sum may stand this far ahead of the log: twice what a record's own time may."""


def steady(
    as_of_ms: int, rewards: Sequence[Reward], logged_at_ms: Callable[[Reward], int]
) -> Iterator[tuple[int, list[Reward]]]:
    """Yield the rewards in parts, each with the time at which the sums stand when it begins.

    One part, unless the log's time went back by days amid them or before them.

    Parameters
    ----------
    as_of_ms
        At which the sums stand; 0 when they are empty.
    rewards
        In the log's order.
    logged_at_ms
        When the log took a reward in.
    """
    start, stands, part = as_of_ms, as_of_ms, list[Reward]()
    for reward in rewards:
        logged = logged_at_ms(reward)
        if stands > logged + MOST_AHEAD_MS:
            if part:
                yield start, part
            start, stands, part = logged, logged, []
        stands = max(stands, reward.shown_at_ms)
        part.append(reward)
    if part:
        yield start, part
