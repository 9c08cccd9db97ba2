"""Addresses of requests, told apart before they are decoded: an id may hold anything.

A server decodes an address before the application sees it, and a router that splits and strips the
decoded text finds `/v1/viewers/%2Fada` to mean `ada`. So the raw address is split, each part is put
into one spelling, routes are found on that, and ids are decoded last.
"""

from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes

from litestar.types import Scope

MAX_ADDRESS: Final = 4096
"""Characters: a viewer's id of 256 that take four bytes each, percent-encoded, fits."""
NOWHERE: Final = "/%00"
"""An address that no route has: every spelling of it would be another."""


def route_by_raw_address(scope: Scope) -> None:
    """Let the router find the way by the address as it was sent.

    Afterwards `scope["path"]` holds percent-encoded parts, and so do the parameters that the router
    takes from it; `decode_parameters` makes ids of them.
    """
    raw = scope.get("raw_path")
    path = scope["path"] if raw is None else raw.partition(b"?")[0].decode("latin-1")
    if raw is None:
        path = quote(path)
    scope["path"] = path if path.isascii() and _plain(path) else spelled(path)


def _plain(path: str) -> bool:
    return "%" not in path and "//" not in path and (len(path) < 2 or path[-1] != "/")


@lru_cache(512)
def spelled(path: str) -> str:
    """Return the address with each part in its one spelling, or `NOWHERE`.

    Nowhere lead parts that are empty, that are no UTF-8, and addresses of over 4,096 characters. A
    slash at the end is forgiven outside `/v1`, where no ids are.
    """
    if len(path) > MAX_ADDRESS or not path.isascii():
        return NOWHERE
    if path.endswith("/") and not path.startswith("/v1/"):
        path = path[:-1]
    parts = path.split("/")[1:]
    try:
        found = [quote(unquote_to_bytes(part).decode(), safe="") for part in parts]
    except UnicodeDecodeError:
        return NOWHERE
    return "/" + "/".join(found) if all(found) else ("/" if not parts else NOWHERE)


def decode_parameters(scope: Scope) -> None:
    """Make ids of the parameters that the router found."""
    held: dict[str, Any] = scope["path_params"]
    if held and any("%" in each for each in held.values()):
        # another dict: the router keeps its own for the next request
        scope["path_params"] = {name: unquote(each) for name, each in held.items()}
