"""Which sites' pages may reach a service that asks for no key: its own only.

Without keys only this machine reaches the api, and so does every page in a browser on it. A page of
another site can post to loopback, and one whose name was made to point at loopback can read as well
(DNS rebinding). The browser tells the truth in two headers: `Host` is the name that it looked up,
`Origin` the site whose page asks.
"""

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from litestar.types import HTTPScope

SAFE: Final = ("GET", "HEAD", "OPTIONS")
MAX_HOST: Final = 270
"""Characters of a name, with brackets and a port."""


class Turned(NamedTuple):
    """Why a request is turned away: a status, and what is said."""

    status: int
    says: str


class Origins:
    """Checks `Host` and `Origin`.

    Parameters
    ----------
    names
        Names besides loopback's under which the service is asked: of a proxy on this machine.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._names = frozenset(name.lower() for name in names)

    def turned_away(self, scope: "HTTPScope") -> Turned | None:
        """Return why the request may not pass, or None."""
        hosts, origin = [], b""
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origin = value
        if len(hosts) > 1:
            return Turned(400, "there are two Host headers")
        host = hosts[0] if hosts else b""
        # no browser leaves it out, so its absence is no page's doing
        if host and not self._known(host):
            return Turned(
                421,
                "this service asks for no key, so it answers under loopback's names only; "
                "set KEYART_API_KEYS, or name the host in KEYART_API_HOSTS",
            )
        if origin and scope["method"] not in SAFE and not self._own(origin, host):
            return Turned(403, "a page of another site may not do this")
        return None

    def _known(self, host: bytes) -> bool:
        name = name_of(host)
        return is_loopback(name) or name in self._names

    def _own(self, origin: bytes, host: bytes) -> bool:
        scheme, _, rest = origin.partition(b"://")
        if scheme not in (b"http", b"https"):
            return False
        return rest.lower() == host.lower() or name_of(rest) in self._names


@lru_cache(256)
def name_of(host: bytes) -> str:
    """Return the name or address in a Host header, without its port; "" when it holds none."""
    if len(host) > MAX_HOST:
        return ""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
