"""A site's notes about itself in Valkey or Redis: a key each, and a hash of erasures."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from keyart.streams.site import COUNTS_KEPT_S, Note, Registered
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

ERASURES: Final = "erasures"
COUNT: Final = "erasure-count"
COUNTS: Final = "counts-"


class ValkeyRegister:
    """Erasures and rebuilds under way, and other notes; see `Register`.

    Parameters
    ----------
    client
        From `connect`.
    keys
        Key names.
    """

    def __init__(self, client: Any, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._erasures = keys.shared(ERASURES)
        self._count = keys.shared(COUNT)

    def read(self, note: Note) -> bytes | None:
        """Return a note, None when it is not there."""
        with translated():
            held: bytes | None = self._client.get(self._keys.shared(note))
        return held

    def write(self, note: Note, value: bytes) -> None:
        """Write a note."""
        with translated():
            self._client.set(self._keys.shared(note), value)

    def write_once(self, note: Note, value: bytes) -> bytes:
        """Write a note unless it is there; return what is there now."""
        with translated():
            self._client.set(self._keys.shared(note), value, nx=True)
            held: bytes | None = self._client.get(self._keys.shared(note))
        return value if held is None else held

    def drop(self, note: Note) -> None:
        """Take a note away."""
        with translated():
            self._client.delete(self._keys.shared(note))

    def add_counts(self, name: str, counts: Mapping[str, int]) -> None:
        """Add to what is counted under this name; what nobody adds to is forgotten."""
        if not counts:
            return
        key = self._keys.shared(COUNTS + name)
        with translated():
            pipeline = self._client.pipeline(transaction=True)
            for each, count in counts.items():
                pipeline.hincrby(key, each, count)
            pipeline.expire(key, COUNTS_KEPT_S)
            pipeline.execute()

    def counts(self, name: str) -> dict[str, int]:
        """Return what was counted under this name."""
        with translated():
            held = self._client.hgetall(self._keys.shared(COUNTS + name))
        return {each.decode(): int(count) for each, count in held.items()}

    def add_erasure(self, viewer: str, offset: str, *, until_ms: int) -> None:
        """Note that a viewer's erasure stands at this offset, or `AGAIN`."""
        with translated():
            self._client.hset(self._erasures, viewer, f"{offset}|{until_ms}")

    def erasures(self) -> dict[str, Registered]:
        """Return all erasures that are not finished, by viewer."""
        with translated():
            held = self._client.hgetall(self._erasures)
        found = {}
        for viewer, noted in held.items():
            # an older keyart noted no time
            offset, _, until = noted.decode().partition("|")
            found[viewer.decode()] = Registered(offset, int(until) if until else None)
        return found

    def finish_erasures(self, viewers: Collection[str]) -> None:
        """Take these viewers off, and note `REWRITE`, in one step."""
        if not viewers:
            return
        with translated():
            pipeline = self._client.pipeline(transaction=True)
            pipeline.set(self._keys.shared(Note.REWRITE), 1)
            pipeline.hdel(self._erasures, *sorted(viewers))
            pipeline.execute()

    def count_erasure(self) -> None:
        """Count one more viewer whose state was deleted."""
        with translated():
            self._client.incr(self._count)

    def erasure_count(self) -> int:
        """Return how many there were, by whatever process."""
        with translated():
            return int(self._client.get(self._count) or 0)
