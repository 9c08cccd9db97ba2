"""The client, against a small HTTP server of the test's own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import KeyartError, SettingsError
from keyart.services.client import HttpClient


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, object, str]]] = []
    drop_next: ClassVar[bool] = False

    def _answer(self) -> None:
        if Handler.drop_next:
            Handler.drop_next = False
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        Handler.seen.append(
            (self.command, self.path, body, self.headers.get("Authorization") or "")
        )
        status, answer = 200, {"later": "field"}
        if self.path.endswith("/decisions"):
            answer = {"decisions": [{"id": "d", "title": "t", "artwork": "a", "new": 1}]}  # type: ignore[dict-item]
        elif self.path.endswith("/overview"):
            answer = {"behind_ms": 700, "behind_records": 3, "more": {}}  # type: ignore[dict-item]
        elif self.path.endswith("/events"):
            status, answer = 202, {"accepted": 2}  # type: ignore[dict-item]
        elif "broken" in self.path:
            status, answer = 422, {"detail": "artworks: too few"}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Handler.seen.clear()
    Handler.drop_next = False
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_goes_over_the_wire(url: str) -> None:
    client = HttpClient(url + "/behind/", key="secret")
    client.put_title(Title(id="a/b c", artworks=(Artwork(id="a"),)))
    page = client.decide("v", "home", ["t"])
    assert client.send([{"type": "click", "id": "e"}]) == 2
    assert client.ready()
    assert client.behind_ms() == 700
    client.close()
    assert page.decisions[0].artwork == "a"
    methods = [(method, path) for method, path, _, _ in Handler.seen]
    assert methods == [
        ("PUT", "/behind/v1/titles/a%2Fb%20c"),
        ("POST", "/behind/v1/decisions"),
        ("POST", "/behind/v1/events"),
        ("GET", "/behind/health/ready"),
        ("GET", "/behind/v1/insight/overview"),
    ]
    assert Handler.seen[1][2] == {"viewer": "v", "surface": "home", "titles": ["t"]}
    assert {authorization for *_, authorization in Handler.seen} == {"Bearer secret"}


def test_an_error_is_told_with_the_servers_words(url: str) -> None:
    client = HttpClient(url)
    with pytest.raises(KeyartError, match="422 .*too few"):
        client.put_title(Title(id="broken", artworks=(Artwork(id="a"),)))
    client.close()


def test_a_dropped_connection_is_tried_once_more(url: str) -> None:
    client = HttpClient(url)
    assert client.ready()
    Handler.drop_next = True
    assert client.decide("v", "home", ["t"]).decisions
    client.close()


def test_nobody_there_is_not_ready_and_an_error_otherwise() -> None:
    client = HttpClient("http://127.0.0.1:1")
    assert not client.ready()
    with pytest.raises(KeyartError, match="POST /v1/decisions"):
        client.decide("v", "home", ["t"])
    client.close()


@pytest.mark.parametrize("url", ["", "127.0.0.1:8650", "file:///etc/passwd", "ftp://x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="no address"):
        HttpClient(url)
