"""While the viewer key is changed: viewers move from their old pseudonym to their new one.

With both keys set, whoever is not known by the new pseudonym is looked for by the old one; their
taste is then logged once more, under the new one (`Adoption`), before anything else of theirs. The
log never says which pseudonym became which. Who is erased is erased under both.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from keyart.schemas import codec
from keyart.schemas.errors import StoreAway
from keyart.schemas.events import Adoption
from keyart.schemas.ids import ViewerKey, pseudonym
from keyart.schemas.topics import EVENTS
from keyart.services.wiring.viewer_key import ViewerKeys
from keyart.streams.ports import ExploredReader, Output

MOST_MOVED: Final = 100_000
"""Viewers of whom it is remembered that nothing is left to move."""


class Rotation:
    """Moves viewers; does nothing while there is no previous key.

    Parameters
    ----------
    keys
        The site's.
    tastes
        Where tastes are read.
    """

    def __init__(self, keys: ViewerKeys, tastes: ExploredReader) -> None:
        self._keys = keys
        self._tastes = tastes
        self._moved: OrderedDict[ViewerKey, None] = OrderedDict()

    def before(self, viewer: str) -> ViewerKey | None:
        """Return the old pseudonym of a viewer, None while the key is not being changed."""
        previous = self._keys.previous
        return None if previous is None else pseudonym(viewer, previous)

    async def taste(self, viewer: str) -> tuple[ViewerKey, bytes | None]:
        """Return the viewer's pseudonym now, and their taste, under whichever it is kept."""
        now, before = pseudonym(viewer, self._keys.current), self.before(viewer)
        found = await self._tastes.read(now)
        if found is None and before is not None:
            found = await self._tastes.read(before)
        return now, found

    async def adoptions(self, viewers: Iterable[str], at_ms: int) -> list[Output]:
        """Return what has to be logged before anything else of these viewers.

        A store that is away moves nobody; they are asked for again the next time.
        """
        if self._keys.previous is None:
            return []
        found: list[Output] = []
        for viewer in dict.fromkeys(viewers):
            now = pseudonym(viewer, self._keys.current)
            if now in self._moved:
                continue
            try:
                held = await self._tastes.read(now)
                old = None if held is not None else await self._old(viewer)
            except StoreAway:
                break
            if old is None:
                self._settle(now)
                continue
            try:
                ways = await self._old_ways(viewer)
            except StoreAway:
                break
            event = Adoption(
                id=f"adopted-{now}", viewer=now, occurred_at_ms=at_ms, taste=old, explored=ways
            )
            found.append(Output(EVENTS, now, codec.encode(event)))
        return found

    async def _old(self, viewer: str) -> bytes | None:
        before = self.before(viewer)
        return None if before is None else await self._tastes.read(before)

    async def _old_ways(self, viewer: str) -> bytes:
        before = self.before(viewer)
        found = None if before is None else await self._tastes.read_explored(before)
        return found or b""

    def _settle(self, viewer: ViewerKey) -> None:
        self._moved[viewer] = None
        if len(self._moved) > MOST_MOVED:
            self._moved.popitem(last=False)
