"""What made a lane's state: the settings, and from which offset on.

A lane's state is sums over what it has read, and settings say how: change one, and what is read
from then on is summed differently. So that a replay can do the same, a lane remembers its eras.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.streams.ports import Lane
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

MOST_ERAS = 100
Value = str | int | float | bool


class Era(Struct, frozen=True, kw_only=True):
    """A stretch of the log that was read with the same settings.

    `offsets`: by topic, the last record that was read before; a topic that is absent had not been
    read at all. `known` is False for what was read before eras were kept.
    """

    settings: dict[str, Value]
    offsets: dict[str, str] = {}
    at_ms: int = 0
    known: bool = True


class Eras(Struct, frozen=True, kw_only=True):
    """All eras of a lane, the oldest first. `forgotten` counts those there is no room for."""

    eras: tuple[Era, ...] = ()
    forgotten: int = 0


class MadeWith:
    """The eras of all lanes, in the store.

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

    def read(self, lane: Lane) -> Eras:
        """Return a lane's eras; none if they were never kept, or cannot be read."""
        with translated():
            data = self._client.get(self._keys.lane(lane, "made"))
        try:
            return Eras() if data is None else codec.unpack(data, Eras)
        except InvalidRecord:
            return Eras()

    def begin(
        self, lane: Lane, settings: Mapping[str, Value], offsets: Mapping[str, str], *, at_ms: int
    ) -> bool:
        """Note what the lane's owner reads with from here on; return whether that is new."""
        held = self.read(lane)
        era = Era(settings=dict(settings), offsets=dict(offsets), at_ms=at_ms)
        if not offsets:
            # nothing was read yet, so nothing was made with anything else
            held = Eras()
        elif not held.eras:
            held = Eras(eras=(structs.replace(era, offsets={}, known=False),))
            self._write(lane, held)
            return False
        if held.eras and held.eras[-1].settings == era.settings:
            return False
        eras = (*held.eras, era)
        forgotten = held.forgotten + max(0, len(eras) - MOST_ERAS)
        self._write(lane, Eras(eras=eras[-MOST_ERAS:], forgotten=forgotten))
        return bool(held.eras)

    def forget(self, lane: Lane) -> None:
        """Forget a lane's eras: its state is made anew."""
        with translated():
            self._client.delete(self._keys.lane(lane, "made"))

    def _write(self, lane: Lane, eras: Eras) -> None:
        with translated():
            self._client.set(self._keys.lane(lane, "made"), codec.pack(eras))
