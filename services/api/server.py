"""uvicorn, as keyart runs it: on uvloop, with a bound on what a request's head may hold."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keyart.schemas.errors import KeyartError

BACKLOG: Final = 1024
KEEP_ALIVE_S: Final = 75
STOP_S: Final = 8
MAX_HEAD: Final = 65_536
TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    + b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class BoundedHead(HttpToolsProtocol):
    """Refuses a request whose address and headers go on and on: the parser itself never would."""

    _head = 0
    _in_head = True

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting; the application bounds the body."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and end the connection when the head is over the bound."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.transport.write(TOO_LARGE)
                self.transport.close()


class Server(uvicorn.Server):
    """Leaves signals to whoever started it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    def stop(self) -> None:
        """Take no more requests, and end when those under way are answered, 8 s at most."""
        self.should_exit = True


def make_server(app: Any) -> Server:
    """Return a server of this ASGI application, to be run by `serve`."""
    return Server(
        uvicorn.Config(
            app,
            http=BoundedHead,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_S,
        )
    )


async def serve(server: Server, host: str, port: int) -> None:
    """Serve until `server.stop()`.

    Raises
    ------
    KeyartError
        The application did not start; its log says why.
    OSError
        The address cannot be listened on.
    """
    with bound(host, port, shared=True) as sock:
        try:
            await server.serve(sockets=[sock])
        except SystemExit:
            raise KeyartError("the api did not start; its log is above") from None


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """Return a socket bound to the address, which other processes may share or not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
