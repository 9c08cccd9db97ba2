"""The server itself: whether it lets us in, its room, and the files that it writes."""

import os
import shutil
import time
from pathlib import Path
from typing import Any, Final

import redis

from keyart.schemas.errors import SettingsError, StoreError
from keyart.streams.room import Room
from keyart.streams.valkey.connect import translated

SNAPSHOT_S: Final = 3600.0
POLL_S: Final = 0.05


class ValkeyAdmin:
    """What only whoever runs the server asks of it; see `StoreServer`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def check_access(self) -> None:
        """See that it answers, and lets this user in."""
        with translated():
            try:
                self._client.ping()
            except (redis.AuthenticationError, redis.exceptions.AuthorizationError):
                raise SettingsError(
                    "KEYART_REDIS_URL: the store refuses this user or password"
                ) from None

    def room(self) -> Room:
        """Return how much of its memory is taken, of the fullest server of a cluster."""
        return room_of(self._client)

    @property
    def rewriting(self) -> bool:
        """Whether it writes its file anew, or will next."""
        about = self._persistence()
        return bool(about["aof_rewrite_in_progress"] or about["aof_rewrite_scheduled"])

    def begin_rewrite(self) -> None:
        """Let it write its file anew, without what was deleted since."""
        with translated():
            self._client.bgrewriteaof()

    @property
    def rewritten(self) -> bool:
        """Whether the last rewrite came to a good end."""
        about = self._persistence()
        good = about["aof_last_bgrewrite_status"] == "ok"
        return good and not about["aof_rewrite_in_progress"]

    def snapshot(self, to: Path) -> None:
        """Let the server write all it holds as of one moment, and take the file."""
        with translated():
            folder = Path(self._client.config_get("dir")["dir"])
            name = self._client.config_get("dbfilename")["dbfilename"]
        deadline = time.monotonic() + SNAPSHOT_S
        self._wait(deadline)
        with translated():
            self._client.bgsave()
        self._wait(deadline)
        if self._persistence()["rdb_last_bgsave_status"] != "ok":
            raise StoreError("the server could not write a snapshot: see valkey.log")
        try:
            shutil.copyfile(folder / name, to)
        finally:
            # what is erased must not live on in a file that nobody looks at
            (folder / name).unlink(missing_ok=True)
        with to.open("rb") as written:
            os.fsync(written.fileno())

    def _wait(self, deadline: float) -> None:
        """Wait until the server writes neither a snapshot nor its append-only file anew."""
        while True:
            about = self._persistence()
            if not about["rdb_bgsave_in_progress"] and not about["aof_rewrite_in_progress"]:
                return
            if time.monotonic() > deadline:
                raise StoreError("the server did not finish its snapshot within an hour")
            time.sleep(POLL_S)

    def _persistence(self) -> dict[str, Any]:
        with translated():
            about: dict[str, Any] = self._client.info("persistence")
        return about


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
