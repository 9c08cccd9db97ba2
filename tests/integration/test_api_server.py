"""The HTTP server around the application: what it bounds before the application is asked."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any

import pytest
import uvloop
from litestar import Litestar, Request, get, post

from keyart.schemas.errors import KeyartError
from keyart.services.api.connections import RESERVE, Bounds, Guard
from keyart.services.api.server import (
    MAX_HEAD,
    MAX_HEADERS,
    MAX_PIPELINED,
    MAX_TRAILERS,
    make_server,
    serve,
)

QUICK = Bounds(silent_s=0.4, head_s=0.4, idle_s=0.4, body_s=0.4, blocked_s=0.4, drain_s=0.2)


@get("/")
async def hello() -> str:
    return "hello"


@get("/large")
async def large() -> str:
    return "x" * 30_000_000


@post("/take", status_code=200)
async def take(request: Request[Any, Any, Any]) -> str:
    names = ",".join(sorted(name for name in request.headers if name.startswith("x-")))
    return f"took {len(await request.body())} {names}"


@contextmanager
def served(port: int, bounds: Bounds | None = None, ended: Any = lambda _: None) -> Iterator[None]:
    app = Litestar([hello, large, take], openapi_config=None, logging_config=None)
    server = make_server(app, bounds, ended=ended)
    thread = Thread(target=lambda: uvloop.run(serve(server, "127.0.0.1", port)))
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield
    server.stop()
    thread.join(30)
    assert not thread.is_alive()


def answers(port: int, *parts: bytes) -> bytes:
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while more := connection.recv(65_536):
                found += more
        except (BrokenPipeError, ConnectionResetError):
            pass
    return found


REQUEST = b"GET / HTTP/1.1\r\nhost: here\r\n"
LAST = b"connection: close\r\n\r\n"


def test_a_head_in_pieces_is_answered(free_port: int) -> None:
    with served(free_port):
        pieces = [b"x-%d: %s\r\n" % (at, b"a" * 500) for at in range(100)]
        assert answers(free_port, REQUEST, *pieces, LAST).endswith(b"\r\n\r\nhello")
        kept = REQUEST + b"\r\n" + REQUEST + LAST
        assert answers(free_port, kept).count(b"hello") == 2


@pytest.mark.parametrize("piece", [b"a" * 4096, b"a: b\r\n" * 700])
def test_a_head_without_end_is_refused(free_port: int, piece: bytes) -> None:
    with served(free_port):
        count = 4 * MAX_HEAD // len(piece)
        found = answers(free_port, REQUEST + b"x: ", *[piece] * count)
        assert found == b"" or found.startswith(b"HTTP/1.1 431 ")
        assert b"hello" not in found
        assert answers(free_port, REQUEST, LAST).endswith(b"hello")


def test_no_http_is_answered_as_such(free_port: int) -> None:
    with served(free_port):
        assert answers(free_port, b"\x00\x01\x02\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_an_application_that_cannot_start_is_an_error(free_port: int) -> None:
    def broken() -> None:
        raise RuntimeError("no store")

    server = make_server(Litestar([hello], on_startup=[broken], logging_config=None))
    with pytest.raises(KeyartError, match="did not start"):
        uvloop.run(serve(server, "127.0.0.1", free_port))


def opened(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    found = b""
    try:
        while more := connection.recv(65_536):
            found += more
    except ConnectionResetError:
        pass
    return found


CHUNKED = b"POST /take HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"
SIZED = b"POST /take HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n"


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("start", [CHUNKED + b"0\r\n", CHUNKED.replace(b"POST /take", b"GET /")])
@pytest.mark.parametrize(
    "piece", [b"x-a: b\r\n" * 6000, b"x-a: " + b"y" * 60_000 + b"\r\n", b"z" * 60_000]
)
def test_trailers_without_end_are_cut(free_port: int, start: bytes, piece: bytes) -> None:
    reasons: list[str] = []
    with served(free_port, ended=reasons.append), opened(free_port) as connection:
        before, sent = memory(), 0
        connection.sendall(start if start.endswith(b"0\r\n") else start + b"0\r\n")
        try:
            if piece[0:1] == b"z":
                connection.sendall(b"x-endless: ")
            while sent < 100_000_000:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        assert sent < 20_000_000
        assert memory() - before < 50_000_000
        assert answers(free_port, REQUEST, LAST).endswith(b"hello")


def test_what_a_trailer_says_is_no_header(free_port: int) -> None:
    with served(free_port):
        few = CHUNKED + b"3\r\nabc\r\n0\r\nx-late: 1\r\n\r\n"
        with opened(free_port) as connection:
            connection.sendall(few + REQUEST + LAST)
            found = read(connection)
        assert b"took 3 " in found and b"x-late" not in found and found.endswith(b"hello")


def test_extensions_of_a_chunk_without_end_are_cut(free_port: int) -> None:
    with served(free_port), opened(free_port) as connection:
        sent = 0
        connection.sendall(CHUNKED + b"1;")
        try:
            while sent < 100_000_000:
                connection.sendall(b"a" * 60_000)
                sent += 60_000
        except OSError:
            pass
        assert MAX_TRAILERS < sent < 20_000_000


def test_many_small_chunks_are_a_body(free_port: int) -> None:
    with served(free_port), opened(free_port) as connection:
        last = CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        connection.sendall(last)
        for _ in range(50):
            connection.sendall(b"1\r\na\r\n" * 1000)
        connection.sendall(b"0\r\n\r\n")
        assert b"took 50000 " in read(connection)


def test_more_headers_than_anybody_needs_are_refused(free_port: int) -> None:
    with served(free_port):
        many = b"".join(b"x-%d: a\r\n" % at for at in range(MAX_HEADERS + 1))
        assert answers(free_port, REQUEST, many, LAST).startswith(b"HTTP/1.1 431 ")


def test_requests_sent_far_ahead_of_their_answers_are_refused(free_port: int) -> None:
    with served(free_port):
        found = answers(free_port, (REQUEST + b"\r\n") * (4 * MAX_PIPELINED))
        assert found.count(b"hello") <= MAX_PIPELINED + 1
        few = (REQUEST + b"\r\n") * 20 + REQUEST + LAST
        assert answers(free_port, few).count(b"hello") == 21


@pytest.mark.parametrize(
    ("sent", "reason", "answer"),
    [
        (b"", "silent", b""),
        (b"\r\n", "silent", b""),
        (b"GET / HT", "slow-head", b"HTTP/1.1 408 "),
        (REQUEST, "slow-head", b"HTTP/1.1 408 "),
        (REQUEST + b"\r\n", "idle", b"HTTP/1.1 200 "),
        (SIZED % 9, "slow-body", b"HTTP/1.1 408 "),
        (SIZED % 9 + b"some", "slow-body", b"HTTP/1.1 408 "),
        (CHUNKED + b"4\r\nsome\r\n", "slow-body", b"HTTP/1.1 408 "),
        (SIZED.replace(b"/take", b"/none") % 9, None, b"HTTP/1.1 404 "),
    ],
)
def test_a_connection_that_stops_speaking_is_closed(
    free_port: int, sent: bytes, reason: str | None, answer: bytes
) -> None:
    reasons: list[str] = []
    with served(free_port, QUICK, reasons.append), opened(free_port) as connection:
        connection.sendall(sent)
        assert read(connection).startswith(answer)
    if reason == "idle":
        # the server's own timer may come first
        assert reasons in ([], ["idle"])
    elif reason:
        assert reasons == [reason]


@pytest.mark.parametrize("drip", [b"x", b"\r\n"])
@pytest.mark.parametrize("start", [REQUEST + b"x: ", SIZED % 1_000_000, b""])
def test_a_drip_does_not_keep_a_connection(free_port: int, start: bytes, drip: bytes) -> None:
    """A byte now and then, for as long as the other side takes it."""
    with served(free_port, QUICK), opened(free_port) as connection:
        connection.settimeout(0.05)
        connection.sendall(start)
        for _ in range(2000):
            try:
                connection.sendall(drip)
                connection.recv(1000)
                break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("it was kept for a hundred seconds")


def test_a_body_that_comes_steadily_has_all_the_time_it_earns(free_port: int) -> None:
    steady = Bounds(body_s=0.4, body_rate=1000.0)
    with served(free_port, steady), opened(free_port) as connection:
        connection.sendall((SIZED % 4000).replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        for _ in range(4):
            connection.sendall(b"a" * 1000)
            # the other side's clock goes on as long as it takes it to answer somebody else
            for _ in range(20):
                assert answers(free_port, REQUEST, LAST).endswith(b"hello")
        assert b"took 4000 " in read(connection)


def test_an_answer_that_nobody_reads_is_dropped(free_port: int) -> None:
    reasons: list[str] = []
    with served(free_port, QUICK, reasons.append), opened(free_port) as connection:
        connection.sendall(REQUEST.replace(b"/ ", b"/large ") + b"\r\n")
        while "unread" not in reasons:
            assert answers(free_port, REQUEST, LAST).endswith(b"hello")
        assert len(read(connection)) < 30_000_000


def test_silent_connections_make_room_and_the_served_one_stays(free_port: int) -> None:
    reasons: list[str] = []
    bounds = Bounds(connections=60, per_address=40)
    with served(free_port, bounds, reasons.append), ExitStack() as stack:
        kept = stack.enter_context(opened(free_port))
        kept.sendall(REQUEST + b"\r\n")
        assert kept.recv(1000).endswith(b"hello")
        for _ in range(200):
            stack.enter_context(opened(free_port))
        for _ in range(3):
            assert answers(free_port, REQUEST, LAST).endswith(b"hello")
        kept.sendall(REQUEST + LAST)
        assert read(kept).endswith(b"hello")
    assert set(reasons) == {"made-room"} and len(reasons) >= 160


def test_the_whole_is_bounded_by_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert Guard(Bounds(connections=60_000)).most == 1024 - RESERVE
    assert Guard(Bounds(connections=500)).most == 500
