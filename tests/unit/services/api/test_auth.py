"""Who may call, over a small application of its own: keys, scopes, and who counts as whom."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar, Request, get
from litestar.exceptions import HTTPException
from litestar.testing import TestClient
from litestar.types import ASGIApp, Receive, Scope, Send

from keyart.schemas.errors import SettingsError
from keyart.services.api import problems
from keyart.services.api.auth import (
    BURST,
    MAX_WAIT_S,
    TRUSTED,
    KeyCheck,
    Slowdown,
    address_of,
    caller_of,
    counted_as,
    may,
)
from keyart.services.api.keys import KeyRing, listed_keys
from keyart.services.wiring.callers import keys_of
from keyart.services.wiring.settings import Settings

ADMIN, WEB, PAGE = (f"the {name} key of sixteen characters" for name in ("admin", "web", "page"))
KEYS = f"ops:admin={ADMIN},web:decide+events={WEB},wall:page={PAGE}"


@get("/open", opt={"public": True}, sync_to_thread=False)
def anybody(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"caller": caller_of(request.scope), "page": may(request.scope, "page")}


@get("/decide", opt={"scopes": ("decide",)}, sync_to_thread=False)
def decide(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"caller": caller_of(request.scope)}


@get("/read", opt={"scopes": ("admin", "page")}, sync_to_thread=False)
def read(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"caller": caller_of(request.scope)}


@get("/unsaid", sync_to_thread=False)
def unsaid(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"caller": caller_of(request.scope)}


PATHS = ("/open", "/decide", "/read", "/unsaid")


class Door:
    """An application that asks for keys, a clock that is turned, and what it waited."""

    def __init__(self, keys: KeyRing, *, trusted: bool = False) -> None:
        self.now = 0.0
        self.waited: list[float] = []
        slowdown = Slowdown(clock=lambda: self.now)

        async def wait(seconds: float) -> None:
            self.waited.append(seconds)
            await asyncio.sleep(0)

        def checked(app: ASGIApp) -> ASGIApp:
            check = KeyCheck(app, keys, slowdown, wait)

            async def call(scope: Scope, receive: Receive, send: Send) -> None:
                if trusted:
                    scope["state"][TRUSTED] = True
                await check(scope, receive, send)

            return call

        self.app = Litestar(
            [anybody, decide, read, unsaid],
            middleware=[checked],
            exception_handlers={HTTPException: problems.of_http},
            openapi_config=None,
            logging_config=None,
        )


@pytest.fixture
def door() -> Door:
    return Door(KeyRing(listed_keys(KEYS)))


@pytest.fixture
def client(door: Door) -> Iterator[TestClient[Litestar]]:
    with TestClient(door.app) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def statuses(client: TestClient[Litestar], **headers: str) -> list[int]:
    return [client.get(path, headers=headers).status_code for path in PATHS]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (ADMIN, [200, 403, 200, 200]),
        (WEB, [200, 200, 403, 403]),
        (PAGE, [200, 403, 200, 403]),
    ],
    ids=["admin", "decide+events", "page"],
)
def test_a_key_may_do_what_its_scopes_say_and_what_says_nothing_is_for_admins(
    client: TestClient[Litestar], key: str, expected: list[int]
) -> None:
    assert statuses(client, **bearer(key)) == expected


def test_who_called_is_known_by_the_name_of_the_key(client: TestClient[Litestar]) -> None:
    assert client.get("/decide", headers=bearer(WEB)).json() == {"caller": "web"}
    assert client.get("/open", headers=bearer(PAGE)).json() == {"caller": "wall", "page": True}
    assert client.get("/open", headers=bearer(WEB)).json() == {"caller": "web", "page": False}


def test_without_a_key_or_with_a_wrong_one_only_what_is_public_answers(
    client: TestClient[Litestar],
) -> None:
    for headers in (
        {},
        bearer("no key of theirs, as long as one"),
        {"Authorization": f"Basic {ADMIN}"},
        {"Authorization": "Bearer"},
        bearer(ADMIN + "x"),
        bearer("x" * 5000),
    ):
        assert statuses(client, **headers) == [200, 401, 401, 401]
        answer = client.get("/decide", headers=headers)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/open").json() == {"caller": "", "page": False}


def test_a_refusal_tells_no_key_and_names_the_scope_that_lacks(
    client: TestClient[Litestar],
) -> None:
    refused = client.get("/read", headers=bearer(WEB)).json()
    assert "admin or page" in refused["detail"]
    wrong = client.get("/read", headers=bearer("a guess of sixteen characters")).text
    assert "guess" not in wrong and ADMIN not in wrong


def test_the_scheme_is_read_whatever_its_case(client: TestClient[Litestar]) -> None:
    assert client.get("/decide", headers={"Authorization": f"bEaReR {WEB}"}).status_code == 200


def test_where_there_are_no_keys_everybody_may_do_all() -> None:
    with TestClient(Door(KeyRing({})).app) as client:
        assert statuses(client) == [200, 200, 200, 200]
        assert client.get("/open").json() == {"caller": "", "page": True}


def test_the_operators_own_port_shows_the_page_and_no_more() -> None:
    with TestClient(Door(KeyRing(listed_keys(KEYS)), trusted=True).app) as client:
        assert statuses(client) == [200, 403, 200, 403]
        assert statuses(client, **bearer(ADMIN)) == [200, 403, 200, 403]


def test_wrong_keys_wait_longer_and_longer_and_then_are_not_looked_at(
    door: Door, client: TestClient[Litestar]
) -> None:
    wrong = bearer("a guess of sixteen characters")
    assert client.get("/decide", headers=bearer(WEB)).status_code == 200
    for _ in range(BURST):
        assert client.get("/decide", headers=wrong).status_code == 401
    assert door.waited == [], "ten are free"
    seen = [client.get("/decide", headers=wrong).status_code for _ in range(10)]
    assert seen == [401] * 5 + [429] * 5
    assert door.waited == [1.0, 2.0, 3.0, 4.0, MAX_WAIT_S]
    refused = client.get("/decide", headers=bearer(ADMIN))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(BURST))
    assert client.get("/decide", headers=bearer(WEB)).status_code == 200, "right before: goes on"
    door.now += BURST + MAX_WAIT_S + 1
    assert client.get("/read", headers=bearer(ADMIN)).status_code == 200


def test_guesses_at_public_routes_count_as_well(door: Door, client: TestClient[Litestar]) -> None:
    wrong = bearer("a guess of sixteen characters")
    for _ in range(BURST + int(MAX_WAIT_S)):
        assert client.get("/open", headers=wrong).json() == {"caller": "", "page": False}
    assert door.waited == [], "and hold nobody up"
    assert client.get("/read", headers=bearer(PAGE)).status_code == 429
    assert client.get("/open", headers=bearer(PAGE)).json() == {"caller": "", "page": False}


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_address(host: str, counted: str) -> None:
    assert counted_as(host) == counted
    scope: Any = {"client": (host, 1234)}
    assert address_of(scope) == counted


def test_without_a_client_there_is_one_address_for_all() -> None:
    scope: Any = {"client": None}
    assert address_of(scope) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "keyart.example.org"])
def test_without_keys_only_this_machine_is_listened_to(host: str) -> None:
    with pytest.raises(SettingsError, match="KEYART_API_KEYS"):
        keys_of(Settings(api_host=host))
    assert keys_of(Settings(api_host=host, api_keys=KEYS))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    assert not keys_of(Settings(api_host=host))
