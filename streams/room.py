"""How much of the store's memory is taken, and how much there is."""

import os
from pathlib import Path
from typing import Final, NamedTuple

NEARLY_FULL: Final = 0.8
_CGROUPS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


class Room(NamedTuple):
    """Bytes taken and bytes there are, of the fullest server; no `limit` is 0."""

    used: int
    limit: int

    @property
    def share(self) -> float:
        """Which share is taken; 0 without a limit."""
        return self.used / self.limit if self.limit else 0.0

    def __str__(self) -> str:
        """Say it in a few words."""
        if not self.limit:
            return f"{self.used / 1e6:.0f} MB taken"
        return f"{100 * self.share:.0f} % of {self.limit / 1e6:.0f} MB taken"


def half_of_the_machine() -> int:
    """Return half of the memory that this machine, or this container, has, in bytes."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUPS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            whole = min(whole, int(text))
    return whole // 2
