"""Opinions of priors in Valkey or Redis: one hash and one card a prior, and the name that serves.

A prior is scored into its own hash while another serves; making it current is one write.
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from keyart.schemas import codec
from keyart.schemas.priors import NEUTRAL, Opinion, PriorCard
from keyart.streams.reading import usable
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.keys import Keys

_CHUNK = 1000
_SEPARATOR = "\x1f"


class ValkeyOpinions:
    """What registered priors think of titles, by title and taste segment."""

    def __init__(self, client: Any, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        script = files("keyart.streams.valkey").joinpath("opinions.lua").read_text()
        self._put = client.register_script(script)

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
                keys = [self._key(f"{name}:{prior}") for name in ("version", "opinions", "changed")]
                for first in range(0, len(its), _CHUNK):
                    pairs: list[str | bytes] = []
                    for each in its[first : first + _CHUNK]:
                        pairs += [f"{each.title}{_SEPARATOR}{each.segment}", codec.pack(each)]
                    self._put(keys=keys, args=pairs)

    def changed(self, prior: str, since: int) -> tuple[int, Iterator[list[Opinion]]]:
        """Return the newest version, and in chunks the opinions that came after version `since`."""
        name = self._key(f"changed:{prior}")
        with translated():
            newest = self._client.zrevrange(name, 0, 0, withscores=True)
            version = int(newest[0][1]) if newest else 0
            # a version that went back: the store was emptied and filled again
            since = since if version >= since else 0
            fields = self._client.zrangebyscore(name, f"({since}", version)
        return version, self._held(prior, fields)

    def _held(self, prior: str, fields: Sequence[bytes]) -> Iterator[list[Opinion]]:
        for first in range(0, len(fields), _CHUNK):
            with translated():
                held = self._client.hmget(
                    self._key(f"opinions:{prior}"), fields[first : first + _CHUNK]
                )
            found = (usable(each, Opinion, "an opinion") for each in held)
            yield [opinion for opinion in found if opinion is not None]

    def titles(self, prior: str) -> Iterator[Opinion]:
        """Yield all opinions of a prior."""
        with translated():
            for _, value in self._client.hscan_iter(self._key(f"opinions:{prior}"), count=_CHUNK):
                if (opinion := usable(value, Opinion, "an opinion")) is not None:
                    yield opinion

    def put_card(self, card: PriorCard) -> None:
        """Write what has to be known of a prior beside its opinions."""
        with translated():
            self._client.set(self._key(f"card:{card.prior}"), codec.pack(card))

    def card(self, prior: str) -> PriorCard:
        """Return the prior's card; one that says nothing when there is none."""
        with translated():
            held = self._client.get(self._key(f"card:{prior}"))
        return usable(held, PriorCard, f"the card of prior {prior}") or PriorCard(prior=prior)

    def known(self, prior: str) -> bool:
        """Whether anything is kept of a prior of that name."""
        names = [self._key(f"{kind}:{prior}") for kind in ("opinions", "card")]
        with translated():
            return prior == NEUTRAL or bool(self._client.exists(*names))

    def drop(self, prior: str) -> None:
        """Forget what a prior thinks."""
        names = ("opinions", "changed", "version", "card")
        with translated():
            self._client.delete(*(self._key(f"{name}:{prior}") for name in names))
