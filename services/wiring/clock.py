"""The clock of every process."""

import time


def now_ms() -> int:
    """Return the time in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000
