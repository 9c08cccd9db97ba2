"""How much of the store's memory is taken, and how much there is."""

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from keyart.streams.valkey.connect import translated

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


def room_of(client: Any) -> Room:
    """Ask a server, or all servers of a cluster, for its memory.

    Raises
    ------
    StoreAway
        It did not answer.
    """
    with translated():
        found: dict[str, Any] = client.info("memory")
    servers = [found] if "used_memory" in found else list(found.values())
    rooms = [Room(int(each["used_memory"]), int(each.get("maxmemory", 0))) for each in servers]
    return max(rooms, key=lambda room: (room.share, room.used))


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
