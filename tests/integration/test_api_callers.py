"""Who may do what: other sites' pages, keys with scopes, and what each request leaves behind."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar import Request, get
from litestar.testing import TestClient

from keyart.schemas import codec
from keyart.schemas.events import Impression
from keyart.schemas.topics import EVENTS as EVENTS_TOPIC
from keyart.services.api.auth import BURST, caller_of
from keyart.services.api.door import for_monitoring
from keyart.services.wiring.lines import REQUEST, JsonLines, TextLines
from keyart.services.wiring.settings import Settings
from tests.opened import Opened

HERE = "http://127.0.0.1:8650"
EVENTS = {"events": [{"type": "like", "id": "e", "viewer": "v", "title": "t"}]}
Client = TestClient[Any]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    made = Opened(Settings(data_dir=str(tmp_path_factory.mktemp("callers"))))
    made.server.start()
    yield made
    made.close()
    made.server.stop()


@contextmanager
def site(parts: Opened, **more: Any) -> Iterator[Client]:
    made = Opened(Settings(data_dir=parts.settings.data_dir, **more))
    with TestClient(made.app(), base_url=HERE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def client(parts: Opened) -> Iterator[Client]:
    with site(parts) as found:
        found.put("/v1/titles/t", json={"artworks": [{"id": "a"}]})
        yield found


ASKS = (
    ("POST", "/v1/events", EVENTS),
    ("POST", "/v1/decisions", {"viewer": "v", "titles": ["t"]}),
    ("PUT", "/v1/titles/x", {"artworks": [{"id": "a"}]}),
    ("PATCH", "/v1/viewers/v", {"reset": True}),
    ("DELETE", "/v1/viewers/v", None),
    ("DELETE", "/v1/titles/x", None),
)


@pytest.mark.parametrize("asks", ASKS)
@pytest.mark.parametrize("origin", ["http://127.0.0.1:8651", "http://evil.test", "null"])
def test_another_sites_page_gets_nothing_done(
    client: Client, asks: tuple[str, str, Any], origin: str
) -> None:
    method, path, body = asks
    refused = client.request(method, path, json=body, headers={"origin": origin})
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    own = client.request(method, path, json=body, headers={"origin": HERE})
    assert own.status_code in (200, 202)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_name_made_to_point_here_reads_and_erases_nothing(client: Client, method: str) -> None:
    headers = {"host": "evil.test:8650", "origin": "http://evil.test:8650"}
    for path in ("/v1/titles", "/v1/viewers/v", "/", "/v1/insight/overview", "/metrics"):
        assert client.request(method, path, headers=headers).status_code == 421


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_that_is_not_declared_as_json_is_refused(client: Client, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    for method, path, body in ASKS[:4]:
        content = json.dumps(body).encode()
        assert client.request(method, path, content=content, headers=headers).status_code == 415


def test_with_keys_any_name_is_answered(parts: Opened) -> None:
    with site(parts, api_keys="a key of sixteen characters") as keyed:
        headers = {
            "host": "keyart.example.org",
            "authorization": "Bearer a key of sixteen characters",
        }
        assert keyed.get("/v1/titles", headers=headers).status_code == 200


KEYS = {name: f"the key of {name}, sixteen and more".replace(",", "") for name in "deap"}
SCOPE = {"d": "decide", "e": "events", "a": "admin", "p": "page"}
LISTED = ",".join(f"{SCOPE[name]}er:{SCOPE[name]}={key}" for name, key in KEYS.items())
ROUTES = (
    ("POST", "/v1/decisions", "d"),
    ("POST", "/v1/serendipity", "d"),
    ("POST", "/v1/events", "e"),
    ("PUT", "/v1/titles/x", "a"),
    ("GET", "/v1/titles/x", "ap"),
    ("DELETE", "/v1/titles/x", "a"),
    ("GET", "/v1/titles", "ap"),
    ("GET", "/v1/viewers/v", "a"),
    ("PATCH", "/v1/viewers/v", "a"),
    ("DELETE", "/v1/viewers/v", "a"),
    ("POST", "/v1/models/promote", "a"),
    ("POST", "/v1/models/rollback", "a"),
    ("GET", "/v1/insight/overview", "p"),
    ("GET", "/v1/insight/titles", "p"),
    ("GET", "/metrics", "p"),
)


def bearing(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "content-type": "application/json"}


def test_a_key_opens_what_its_scopes_say_and_nothing_else(parts: Opened) -> None:
    with site(parts, api_keys=LISTED) as keyed:
        for method, path, may in ROUTES:
            assert keyed.request(method, path).status_code == 401
            for name, key in KEYS.items():
                status = keyed.request(method, path, headers=bearing(key)).status_code
                assert (status not in (401, 403)) == (name in may), (method, path, name, status)
                if name not in may:
                    assert status == 403


def test_every_route_is_public_or_asks_for_a_scope(client: Client) -> None:
    known = {path for _, path, _ in ROUTES}
    for route in client.app.routes:
        handlers = getattr(route, "route_handlers", [])
        for handler in handlers:
            public = handler.opt.get("public") or handler.http_methods == {"OPTIONS"}
            asked = re.sub(r"\{title[^}]*}", "x", re.sub(r"\{viewer[^}]*}", "v", route.path))
            assert public or asked in known or asked.startswith("/v1/insight/"), route.path


def test_readiness_says_more_to_who_may_see_the_page(parts: Opened) -> None:
    with site(parts, api_keys=LISTED) as keyed:
        assert keyed.get("/health/ready").json()["parts"] == {}
        assert keyed.get("/health/ready", headers=bearing(KEYS["d"])).json()["parts"] == {}
        told = keyed.get("/health/ready", headers=bearing(KEYS["p"])).json()["parts"]
        assert set(told) >= {"store", "log", "beliefs"}
        assert keyed.get("/health/live", headers=bearing("a wrong key that is long")).is_success


def test_keys_of_a_file_are_revoked_while_it_runs(parts: Opened, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('[[keys]]\nname = "w"\nscopes = ["page"]\nkey = "the first of two keys"\n')
    with site(parts, api_keys_file=str(path)) as keyed:
        first, second = bearing("the first of two keys"), bearing("and this is the second key")
        assert keyed.get("/v1/titles", headers=first).status_code == 200
        assert keyed.get("/v1/titles", headers=second).status_code == 401
        path.write_text(
            '[[keys]]\nname = "w"\nscopes = ["page"]\nkey = "and this is the second key"\n'
        )
        for _ in range(200):
            if keyed.get("/v1/titles", headers=second).status_code == 200:
                break
            # wrong ones are slowed: an unknown key is not asked for twice a second here
            _pause()
        assert keyed.get("/v1/titles", headers=first).status_code == 401


def _pause() -> None:
    time.sleep(0.2)


def call(client: Client, function: Any, *arguments: Any) -> Any:
    """Run a coroutine function on the loop that the application runs on."""
    with client.portal() as portal:
        return portal.call(function, *arguments)


def test_guesses_are_refused_unseen_and_callers_go_on(parts: Opened) -> None:
    with site(parts, api_keys=LISTED) as keyed:
        assert keyed.get("/metrics", headers=bearing(KEYS["p"])).status_code == 200
        statuses = [
            keyed.get("/health/ready", headers=bearing(f"guess number {at} of many")).status_code
            for at in range(3 * BURST)
        ]
        assert set(statuses) == {200}
        refused = keyed.get("/metrics", headers=bearing("a guess that is one too many"))
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
        assert keyed.get("/v1/titles", headers=bearing(KEYS["a"])).status_code == 429
        assert keyed.get("/metrics", headers=bearing(KEYS["p"])).status_code == 200


def test_a_handler_is_told_whose_key_it_was(parts: Opened) -> None:
    @get("/whose", opt={"scopes": ("decide",)})
    async def whose(request: Request[Any, Any, Any]) -> str:
        return caller_of(request.scope)

    for keys, headers, name in (
        (LISTED, bearing(KEYS["d"]), "decideer"),
        ("a bare key of some length", bearing("a bare key of some length"), "key1"),
        ("", {}, ""),
    ):
        with site(parts, api_keys=keys) as keyed:
            keyed.app.register(whose)
            assert keyed.get("/whose", headers=headers).text == name


def test_an_event_is_logged_with_the_name_of_its_key_which_nobody_may_send(parts: Opened) -> None:
    seen = {"type": "impression", "id": "of a key", "viewer": "v", "title": "t"}
    with site(parts, api_keys=LISTED) as keyed:
        sent = keyed.post("/v1/events", json={"events": [seen]}, headers=bearing(KEYS["e"]))
        assert sent.status_code == 202
        forged = {"events": [{**seen, "caller": "decideer"}]}
        refused = keyed.post("/v1/events", json=forged, headers=bearing(KEYS["e"]))
        assert refused.status_code == 400
        assert "$.events[0].caller" in refused.text
    with site(parts) as keyless:
        assert keyless.post("/v1/events", json={"events": [seen | {"id": "of none"}]}).is_success
    records = [codec.events.decode(each.value) for each in parts.history(EVENTS_TOPIC, 0)]
    callers = {each.id: each.caller for each in records if isinstance(each, Impression)}
    assert (callers["of a key"], callers["of none"]) == ("eventser", "")
    with site(parts) as keyless:
        described = keyless.get("/docs/openapi.json").json()["components"]["schemas"]
    assert "caller" not in described["Impression"]["properties"]


def test_the_port_for_monitoring_needs_no_key_and_has_nothing_else(parts: Opened) -> None:
    with site(parts, api_keys=LISTED) as keyed:
        seen = Monitor(keyed)
        assert seen.get("/metrics") == 200 and seen.get("/health/ready") == 200
        for path in ("/", "/v1/titles", "/v1/viewers/v", "/docs", "/metrics/", "//metrics"):
            assert seen.get(path) == 404


class Monitor:
    """Asks the application as the server on the port for monitoring does."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._app = for_monitoring(client.app)

    def get(self, path: str) -> int:
        status: int = call(self._client, self._ask, path)
        return status

    async def _ask(self, path: str) -> int:
        said: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        scope: Any = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"10.1.2.3:8651")],
            "client": ("10.9.9.9", 1),
            "state": {},
            "http_version": "1.1",
            "scheme": "http",
            "server": None,
            "root_path": "",
            "asgi": {"version": "3.0"},
        }
        await self._app(scope, receive, send)
        return int(said[0]["status"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/nowhere", 404),
        ("BREW", "/v1/events", 405),
        ("POST", "/v1/events", 415),
        ("GET", "/v1/titles?limit=0", 400),
        ("DELETE", "/v1/titles/none", 404),
    ],
)
def test_every_answer_problem_and_log_line_has_the_requests_id(
    client: Client, caplog: pytest.LogCaptureFixture, method: str, path: str, status: int
) -> None:
    with caplog.at_level(logging.INFO, "keyart.access"):
        answer = client.request(method, path)
    assert answer.status_code == status
    name = answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}", name)
    if status >= 400:
        assert answer.json()["request_id"] == name
    (line,) = [record for record in caplog.records if record.name == "keyart.access"]
    assert line.fields["status"] == status  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", ["trace-7", "a" * 64, "A:b.c_1"])
def test_a_callers_own_id_is_kept(client: Client, given: str) -> None:
    answer = client.get("/v1/titles/none", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["a b", "a" * 65, '"', "<script>", ""])
def test_an_id_that_is_not_plain_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/health/live", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] != given


def test_lines_of_a_request_hold_its_id_in_both_formats() -> None:
    record = logging.LogRecord("keyart.x", logging.INFO, "", 0, "two\nlines", None, None)
    record.fields = {"status": 200}
    token = REQUEST.set("r-1")
    try:
        line = json.loads(JsonLines().format(record))
        assert (line["request_id"], line["status"], line["message"]) == ("r-1", 200, "two\nlines")
        text = TextLines().format(record)
    finally:
        REQUEST.reset(token)
    assert re.fullmatch(r"\S+Z INFO keyart\.x: two \| lines \[r-1]", text)
    assert "request_id" not in json.loads(JsonLines().format(record))


def test_beyond_a_bound_requests_are_told_to_come_again(parts: Opened) -> None:
    with site(parts, api_requests=1) as small:
        seen = call(small, _two_at_once, small.app)
    assert sorted(seen) == [200, 503]


async def _two_at_once(app: Any) -> list[int]:
    """Ask while another request still sends its body."""
    held, statuses = asyncio.Event(), []

    def scope(path: str, method: str) -> Any:
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        return {
            **{"type": "http", "method": method, "path": path, "raw_path": path.encode()},
            **{"query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "state": {}},
            **{"http_version": "1.1", "scheme": "http", "server": None, "root_path": ""},
            "asgi": {"version": "3.0"},
        }

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def slow() -> Any:
        await held.wait()
        body = b'{"viewer": "v", "titles": ["t"]}'
        return {"type": "http.request", "body": body, "more_body": False}

    async def at_once() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    first = asyncio.create_task(app(scope("/v1/decisions", "POST"), slow, send))
    await asyncio.sleep(0)
    await app(scope("/v1/titles", "GET"), at_once, send)
    held.set()
    await first
    return statuses
