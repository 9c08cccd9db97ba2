"""Who may call: with keys set, who sends one that may do it; without, only this machine.

Handlers name the scopes of which any one is enough, as `opt={"scopes": ("decide",)}`; one that
names none asks for `admin`, and `opt={"public": True}` asks for nothing. Whose key it was stands in
`request.scope["state"]["caller"]`, "" when no key is asked for; see `caller_of`.
"""

import asyncio
import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.types import ASGIApp, Receive, Scope, Send

from keyart.services.api.addresses import decode_parameters
from keyart.services.api.keys import MAX_KEY, SCOPES, Caller, KeyRing

BURST: Final = 10
MAX_WAIT_S: Final = 5.0
MAX_ADDRESSES: Final = 10_000
MAX_WAITING: Final = 64
"""Answers to wrong keys that are held back at once: they take up requests at work."""
ADMIN: Final = ("admin",)
ANYBODY: Final = Caller("", frozenset(SCOPES))
"""Who calls where no key is asked for."""
STRANGER: Final = Caller("", frozenset())
CALLER: Final = "caller"
TRUSTED: Final = "keyart.trusted"
"""Set in `scope["state"]` by a server of ours whose port is for the operator alone."""
MONITOR: Final = Caller("", frozenset({"page"}))
_MAY: Final = "keyart.may"


def caller_of(scope: Scope) -> str:
    """Return the name of the key that this request came with, "" when no key is asked for."""
    name: str = scope["state"].get(CALLER, "")
    return name


def may(scope: Scope, wanted: str) -> bool:
    """Return whether whoever asks may do this too, on a route that asks for nothing."""
    held: frozenset[str] = scope["state"].get(_MAY, frozenset())
    return wanted in held


class Slowdown:
    """Makes wrong keys slow: after ten from one address each takes a second.

    While an address is over that, keys that were not right from there before are not even looked
    at. Right ones that were go on, so that nobody behind the same proxy is shut out.

    Parameters
    ----------
    clock
        Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._right: OrderedDict[tuple[str, str], None] = OrderedDict()

    def over(self, address: str, digest: str) -> bool:
        """Return whether this key is not to be looked at now."""
        if (address, digest) in self._right:
            return False
        return self._free_at.get(address, 0.0) - self._clock() >= BURST + MAX_WAIT_S

    def right(self, address: str, digest: str) -> None:
        """Note a key that was right."""
        self._right[address, digest] = None
        if len(self._right) > MAX_ADDRESSES:
            self._right.popitem(last=False)

    def wrong(self, address: str) -> float:
        """Note a wrong key; return for how many seconds its answer waits, 0 to 5."""
        now = self._clock()
        free_at = max(self._free_at.pop(address, now), now) + 1.0
        self._free_at[address] = free_at
        if len(self._free_at) > MAX_ADDRESSES:
            self._free_at.popitem(last=False)
        return min(max(free_at - now - BURST, 0.0), MAX_WAIT_S)


class KeyCheck:
    """Middleware that lets only who may reach a handler, and hands the handler decoded ids.

    A guard would do the same, but Litestar copies the handler for each call of one.

    Raises
    ------
    NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
        For the problem handlers: no key came, or a wrong one; one that may not do this; too many
        wrong ones.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyRing,
        slowdown: Slowdown,
        wait: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._keys = keys
        self._slowdown = slowdown
        self._wait = wait
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it may pass."""
        options = scope["route_handler"].opt
        if scope["state"].get(TRUSTED):
            caller = MONITOR
        elif options.get("public"):
            caller = self._whoever(scope)
        else:
            caller = await self._caller(scope)
        wanted: tuple[str, ...] = () if options.get("public") else options.get("scopes", ADMIN)
        if wanted and caller.scopes.isdisjoint(wanted):
            raise PermissionDeniedException(
                f"this key may not do that: it lacks the scope {' or '.join(wanted)}"
            )
        state = scope["state"]
        state[CALLER], state[_MAY] = caller.name, caller.scopes
        decode_parameters(scope)
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        if not self._keys:
            return ANYBODY
        digest, address = _sent(scope), address_of(scope)
        if not digest:
            raise _refusal("send a key: Authorization: Bearer KEY")
        if self._slowdown.over(address, digest):
            raise TooManyRequestsException(
                "too many wrong keys came from there", headers={"Retry-After": str(BURST)}
            )
        caller = self._keys.caller(digest)
        if caller is not None:
            self._slowdown.right(address, digest)
            return caller
        wait = self._slowdown.wrong(address)
        if wait and self._waiting < MAX_WAITING:
            self._waiting += 1
            try:
                await self._wait(wait)
            finally:
                self._waiting -= 1
        raise _refusal("this key is not known: send one as Authorization: Bearer KEY")

    def _whoever(self, scope: Scope) -> Caller:
        """Return who asks a public route: a key may be sent, and is never refused."""
        if not self._keys:
            return ANYBODY
        digest, address = _sent(scope), address_of(scope)
        if not digest or self._slowdown.over(address, digest):
            return STRANGER
        caller = self._keys.caller(digest)
        if caller is None:
            self._slowdown.wrong(address)
            return STRANGER
        self._slowdown.right(address, digest)
        return caller


def _sent(scope: Scope) -> str:
    """Return the digest of the key that was sent, "" when none was."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, given = value.partition(b" ")
            if scheme.lower() == b"bearer" and 0 < len(given) <= MAX_KEY * 4:
                return hashlib.sha256(given.strip()).hexdigest()
            return ""
    return ""


def _refusal(says: str) -> HTTPException:
    return NotAuthorizedException(says, headers={"WWW-Authenticate": "Bearer"})


def address_of(scope: Scope) -> str:
    """Return where a request came from, as bounds count it: an IPv6 network of 64 bits is one."""
    client = scope.get("client")
    return counted_as(client[0] if client else "")


def counted_as(host: str) -> str:
    """Return the address, or its network of 64 bits for IPv6."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)
