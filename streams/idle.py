"""By which time tastes are looked through, so that a clock that is wrong for a while ends none."""

from typing import Final

DAY_MS: Final = 86_400_000
MOST_AT_ONCE_MS: Final = 2 * DAY_MS


def looked_upto(before_ms: int, now_ms: int) -> int:
    """Return the time by which idle tastes may be let go now.

    Parameters
    ----------
    before_ms
        What this returned the last time, in milliseconds; 0 when it was never asked.
    now_ms
        The machine's clock.

    Returns
    -------
    int
        `before_ms` while less than a day has passed. Else the clock's time, but two days later at
        most: a clock that leaps years ahead and comes back costs no taste that was not about to go,
        and a site that was off for long catches up in as many rounds. The clock's time also when it
        stands before `before_ms`: then it was wrong, and the days are counted anew.
    """
    if before_ms <= 0 or now_ms < before_ms:
        return now_ms
    if now_ms - before_ms < DAY_MS:
        return before_ms
    return min(now_ms, before_ms + MOST_AT_ONCE_MS)
