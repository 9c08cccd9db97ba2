"""What the synchronous and the asynchronous client have in common: all that needs no waiting."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from keyart.schemas.errors import KeyartError, SettingsError
from keyart.services.client.answers import Choice, Page, Proposals
from keyart.services.client.calls import MAX_ANSWER_BYTES, NO_TABLE, Call, T
from keyart.services.client.errors import Away
from keyart.services.client.patience import Outage, Patience
from keyart.services.wiring.addresses import http_address

CONNECTIONS: Final = 100
KEPT_CONNECTIONS: Final = 20


@dataclass(slots=True, kw_only=True)
class Core:
    """The settings of a client, and what it knows of its server.

    Parameters
    ----------
    url
        Where keyart is, such as http://127.0.0.1:8650 or https://example.org/keyart.
    key
        Sent as a bearer key; empty for none. Never logged.
    patience
        With most calls.
    decide_patience
        With a page that somebody waits for.
    defaults
        Title -> artwork that is shown when keyart is away.
    clock
        Seconds, for intervals.
    """

    url: str
    key: str = field(repr=False)
    patience: Patience
    decide_patience: Patience
    defaults: Mapping[str, str]
    clock: Callable[[], float] = time.monotonic
    outage: Outage = field(default_factory=Outage)
    path: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the address to pieces.

        Raises
        ------
        SettingsError
            The url is no http or https one, or the key cannot stand in a header.
        """
        parts = http_address(self.url, "the server's address")
        if not all(" " < each <= "~" for each in self.key):
            raise SettingsError("the key has blanks or characters that no header can hold")
        self.path = parts.path.rstrip("/")

    def options(self, verify: Any, transport: Any) -> dict[str, Any]:
        """Return what httpx's client is made with.

        Proxies and certificates of the environment are left alone: keyart is beside the site, and a
        proxy for the way out does not lead there. `verify` takes a context of `ssl`.
        """
        parts = http_address(self.url, "the server's address")
        headers = {"User-Agent": "keyart-client", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return {
            "base_url": f"{parts.scheme}://{parts.netloc}",
            "headers": headers,
            "verify": verify,
            "transport": transport,
            "trust_env": False,
            "limits": httpx.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=KEPT_CONNECTIONS
            ),
        }

    def request(self, call: Call[T], timeout_s: float) -> dict[str, Any]:
        """Return the arguments of httpx's `stream` for one attempt."""
        headers = {} if call.body is None else {"Content-Type": "application/json"}
        return {
            "method": call.method,
            "url": self.path + call.path,
            "content": call.body,
            "headers": headers,
            "timeout": timeout_s,
        }

    def away(self, call: Call[T], error: Exception) -> Away:
        """Return the error for a request that was not answered."""
        said = str(error) or type(error).__name__
        return Away(f"{call.method} {self.path}{call.path}: {said[:300]}")

    def rests(self) -> Page | None:
        """Return an empty page while the server is left alone, None when it is asked."""
        if self.outage.rests(self.clock()):
            return Page(decisions=(), away=self.outage.why)
        return None

    def fallback(self, viewer: str, titles: Sequence[str], surface: str, why: str) -> Page:
        """Return the page that is shown when keyart is away."""
        known = [title for title in titles if title in self.defaults]
        return Page(
            viewer=viewer,
            surface=surface,
            decisions=tuple(
                Choice(title=title, artwork=self.defaults[title], why="the default artwork")
                for title in known
            ),
            unknown=tuple(title for title in titles if title not in self.defaults),
            away=why,
        )

    def failed(self, error: KeyartError) -> bool:
        """Take in that a page was not answered; return whether the default is shown instead.

        It is, too, where keyart answers but knows none of the titles: a catalogue that is still
        being loaded must not break a site's page. A wrong request or key is an error.
        """
        status = getattr(error, "status", 0)
        if error.retriable or status >= 500:
            self.outage.failed(self.clock(), str(error))
            return True
        return bool(status == 404)

    def nothing(self, surface: str, error: KeyartError) -> Proposals:
        """Return what is proposed where that failed: nothing; raise what is wrong with the call."""
        if getattr(error, "status", 0) not in NO_TABLE and not self.failed(error):
            raise error
        return Proposals(titles=(), surface=surface, away=str(error))


class Growing:
    """The bytes of an answer as they come, up to a bound."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take some in; Away when it is too much for any answer of keyart's."""
        self._held += chunk
        if len(self._held) > MAX_ANSWER_BYTES:
            raise Away(f"the answer is over {MAX_ANSWER_BYTES} bytes")

    def __bytes__(self) -> bytes:
        """Return all."""
        return bytes(self._held)


def core(
    url: str,
    key: str,
    *,
    timeout_s: float,
    decide_within_s: float,
    attempts: int,
    defaults: Mapping[str, str] | None,
) -> Core:
    """Return it with the defaults that both clients have."""
    within_s = min(3600.0, 4.0 * timeout_s)
    return Core(
        url=url,
        key=key,
        patience=Patience(
            attempts=attempts, within_s=within_s, timeout_s=timeout_s, luck=random.random
        ),
        decide_patience=Patience(
            attempts=attempts, within_s=decide_within_s, timeout_s=timeout_s, luck=random.random
        ),
        defaults={} if defaults is None else defaults,
    )
