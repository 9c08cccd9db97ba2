"""Who may call: with keys set, only who sends one; without, only this machine."""

import ipaddress

from litestar.datastructures import Headers
from litestar.exceptions import NotAuthorizedException
from litestar.types import ASGIApp, Receive, Scope, Send

from keyart.schemas.errors import SettingsError
from keyart.schemas.ids import same_secret
from keyart.services.settings import Settings


def keys_of(settings: Settings) -> tuple[str, ...]:
    """Return the keys that callers may send.

    Raises
    ------
    SettingsError
        A key has fewer than 16 characters, or there is none and the address is not loopback.
    """
    keys = tuple(key.strip() for key in settings.api_keys.split(",") if key.strip())
    if any(len(key) < 16 for key in keys):
        raise SettingsError("KEYART_API_KEYS: a key has at least 16 characters")
    if not keys and not is_loopback(settings.api_host):
        raise SettingsError(
            f"KEYART_API_HOST is {settings.api_host}, and without KEYART_API_KEYS the api binds to "
            "loopback only: set keys, or bind to 127.0.0.1"
        )
    return keys


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class KeyCheck:
    """Middleware that lets only who sends a key reach handlers that are not public.

    A guard would do the same, but Litestar copies the handler for each call of one.

    Raises
    ------
    NotAuthorizedException
        For the problem handlers: no key came, or a wrong one.
    """

    def __init__(self, app: ASGIApp, keys: tuple[str, ...]) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it may pass."""
        if self._keys and not scope["route_handler"].opt.get("public"):
            self._check(Headers.from_scope(scope).get("authorization", ""))
        await self._app(scope, receive, send)

    def _check(self, header: str) -> None:
        scheme, _, given = header.partition(" ")
        # every key is compared, so that the time taken does not tell which one was nearly right
        right = [same_secret(given, key) for key in self._keys]
        if scheme.lower() != "bearer" or not any(right):
            raise NotAuthorizedException(
                "send a key: Authorization: Bearer KEY", headers={"WWW-Authenticate": "Bearer"}
            )
