"""The HTTP server around the application: what it bounds before the application is asked."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import uvloop
from litestar import Litestar, get

from keyart.schemas.errors import KeyartError
from keyart.services.api.server import MAX_HEAD, make_server, serve


@get("/")
async def hello() -> str:
    return "hello"


@contextmanager
def served(port: int) -> Iterator[None]:
    server = make_server(Litestar([hello], openapi_config=None, logging_config=None))
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
