"""The eras of all lanes in Valkey or Redis, each beside its lane's state."""

from collections.abc import Mapping
from typing import Any

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.streams.eras import Era, Eras, Value, begun
from keyart.streams.ports import Lane
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys


class ValkeyMadeWith:
    """The eras of all lanes; see `MadeWith`.

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
        after = begun(held, Era(settings=dict(settings), offsets=dict(offsets), at_ms=at_ms))
        if after == held:
            return False
        with translated():
            self._client.set(self._keys.lane(lane, "made"), codec.pack(after))
        return bool(offsets and held.eras)

    def forget(self, lane: Lane) -> None:
        """Forget a lane's eras: its state is made anew."""
        with translated():
            self._client.delete(self._keys.lane(lane, "made"))
