"""The teacher's endpoint, against a real server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from keyart.schemas.errors import SettingsError
from keyart.services.cli.llm.endpoint import TeacherAway, endpoint_teacher


class _Server(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, bytes]] = []
        self.seen: list[tuple[str, dict[str, str], Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), json.loads(body)))
        status, answer = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


GOOD = json.dumps({"choices": [{"message": {"content": "Because."}}]}).encode()


def ask(server: _Server, **given: Any) -> str:
    url = f"http://127.0.0.1:{server.server_port}/v1/"
    return endpoint_teacher(url, "teacher-1", key="sesame", wait=lambda _: None, **given)("Why?")


def test_asks_as_the_protocol_says(server: _Server) -> None:
    server.answers = [(200, GOOD)]
    assert ask(server) == "Because."
    path, headers, body = server.seen[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer sesame"
    assert body["model"] == "teacher-1"
    assert body["messages"] == [{"role": "user", "content": "Why?"}]


def test_tries_again_when_it_is_busy(server: _Server) -> None:
    server.answers = [(429, b""), (503, b""), (200, GOOD)]
    assert ask(server) == "Because."


def test_gives_up_after_its_attempts(server: _Server) -> None:
    server.answers = [(500, b"")] * 2
    with pytest.raises(TeacherAway, match="2 attempts"):
        ask(server, attempts=2)


@pytest.mark.parametrize("body", [b"no json", b"{}", b'{"choices": [{"message": {"content": 3}}]}'])
def test_other_answers_are_failures(server: _Server, body: bytes) -> None:
    server.answers = [(200, body)]
    with pytest.raises(TeacherAway):
        ask(server)


def test_a_refusal_is_not_repeated(server: _Server) -> None:
    server.answers = [(401, b"")]
    with pytest.raises(TeacherAway, match="401"):
        ask(server)
    assert len(server.seen) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "nothing"])
def test_only_web_addresses(url: str) -> None:
    with pytest.raises(SettingsError):
        endpoint_teacher(url, "m")
