"""Opinions of priors in Valkey or Redis: one hash a prior, and the name of the one that serves.

A prior is scored into its own hash while another serves; making it current is one write.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from keyart.schemas import codec
from keyart.schemas.priors import Opinion
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

NEUTRAL = "neutral"
_CHUNK = 1000


class ValkeyOpinions:
    """What registered priors think of titles, by title and taste segment."""

    def __init__(self, client: Any, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def _key(self, name: str) -> str:
        return self._keys.shared(f"{{prior}}{name}")

    @property
    def current(self) -> str:
        """The version of the prior that serves; `neutral` when none does."""
        with translated():
            held = self._client.get(self._key("current"))
        return held.decode() if held else NEUTRAL

    def make_current(self, prior: str) -> None:
        """Let this prior serve from now on."""
        with translated():
            self._client.set(self._key("current"), prior)

    def put(self, opinions: Sequence[Opinion]) -> None:
        """Write opinions, each under its own prior, and announce their titles."""
        with translated():
            for prior in sorted({each.prior for each in opinions}):
                its = [each for each in opinions if each.prior == prior]
                version = int(self._client.incr(self._key(f"version:{prior}")))
                for first in range(0, len(its), _CHUNK):
                    pipeline = self._client.pipeline(transaction=True)
                    for each in its[first : first + _CHUNK]:
                        field = f"{each.title}\x1f{each.segment}"
                        pipeline.hset(self._key(f"opinions:{prior}"), field, codec.pack(each))
                        pipeline.zadd(self._key(f"changed:{prior}"), {field: version})
                    pipeline.execute()

    def changed(self, prior: str, since: int) -> tuple[int, list[Opinion]]:
        """Return the newest version and the opinions that came after version `since`."""
        with translated():
            found = self._client.zrangebyscore(
                self._key(f"changed:{prior}"), f"({since}", "+inf", withscores=True
            )
            fields = [field for field, _ in found]
            opinions: list[Opinion] = []
            for first in range(0, len(fields), _CHUNK):
                whole = self._key(f"opinions:{prior}")
                held = self._client.hmget(whole, fields[first : first + _CHUNK])
                opinions += [codec.unpack(each, Opinion) for each in held if each is not None]
        return max((int(score) for _, score in found), default=since), opinions

    def titles(self, prior: str) -> Iterator[Opinion]:
        """Yield all opinions of a prior."""
        with translated():
            for _, value in self._client.hscan_iter(self._key(f"opinions:{prior}"), count=_CHUNK):
                yield codec.unpack(value, Opinion)
