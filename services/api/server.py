"""uvicorn, as keyart runs it: on uvloop, with bounds on what a connection may take and hold."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keyart.schemas.errors import KeyartError
from keyart.services.api.auth import counted_as
from keyart.services.api.connections import Bounds, Guard, Phase
from keyart.services.api.listening import bound

BACKLOG: Final = 1024
STOP_S: Final = 8
MAX_HEAD: Final = 65_536
MAX_HEADERS: Final = 200
MAX_TRAILERS: Final = 16_384
"""Bytes after a body, or between two pieces of it: neither names nor extensions are of use."""
MAX_PIPELINED: Final = 64
_ANSWERS: Final = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}
_ANSWERED: Final = {"slow-head": 408, "slow-body": 408, "no-room": 503}


_HEAD: Final = b"x-request-id: %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _Over(Exception):
    """A request is over a bound; the parser passes it on as an error of its own."""


class Guarded(HttpToolsProtocol):
    """One connection, which the guard knows.

    The parser has no bound of its own: not on a head, not on trailers, which it hands over as
    headers while the application reads them, and not on requests sent ahead of their answers.
    """

    def __init__(self, guard: Guard, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._guard = guard
        self._head = self._trailers = self._count = 0
        self._in_head, self._progress = True, False
        self._refusal = 400
        self.address = ""
        self.phase = Phase.SILENT
        self.opened = self.since = self.heard = self.loop.time()
        self.received = 0
        self.blocked: float | None = None

    @property
    def paused(self) -> bool:
        """Whether this side does not read for the moment."""
        return self.flow.read_paused

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Come in, if there is room."""
        super().connection_made(transport)
        self.address = counted_as(self.client[0] if self.client else "")
        if not self._guard.admit(self, self.loop.time()):
            self.end("no-room")

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        self._guard.release(self)
        super().connection_lost(exc)

    def end(self, reason: str) -> None:
        """Close at once, with an answer if one is due."""
        status = _ANSWERED.get(reason)
        if status and not (self.cycle and self.cycle.response_started):
            self._answer(status)
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _answer(self, status: int) -> None:
        if not self.transport.is_closing():
            name = secrets.token_hex(8).encode()
            self.transport.write(b"HTTP/1.1 %d %s\r\n" % (status, _ANSWERS[status]) + _HEAD % name)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and end the connection when a bound is passed."""
        self.heard, self._progress = self.loop.time(), False
        received = self.received
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            over = self._head > MAX_HEAD
        elif self.phase in (Phase.BODY, Phase.DRAINING):
            more = len(data) - (self.received - received)
            self._trailers = 0 if self._progress else self._trailers + max(more, 0)
            over = self._trailers > MAX_TRAILERS
        else:
            over = False
        if over and not self.transport.is_closing():
            self._refusal = 431
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Refuse what was sent, whatever it was, and close."""
        if not (self.cycle and self.cycle.response_started and not self.cycle.response_complete):
            self._answer(self._refusal)
        self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head = self._trailers = self._count = 0
        self._in_head, self._progress = True, True
        self.phase, self.since = Phase.HEAD, self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after a body is counted and left out."""
        self._count += 1
        if not self._in_head:
            self._trailers += len(name) + len(value) + 4
        if self._count > MAX_HEADERS or self._trailers > MAX_TRAILERS:
            self._refusal = 431
            raise _Over
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop counting; the application bounds the body."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refusal = 503
            raise _Over
        self._in_head, self._progress, self._count = False, True, 0
        self.phase, self.since, self.received = Phase.BODY, self.loop.time(), 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self.received += len(body)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """Note that a piece came to its end."""
        self._progress = True

    def on_message_complete(self) -> None:
        """Note that the whole request is there."""
        answered = self.cycle is None or self.cycle.response_complete
        self.phase, self.since = Phase.IDLE if answered else Phase.WORK, self.loop.time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one, which is of no use any more."""
        super().on_response_complete()
        if self.cycle.response_complete and self.phase in (Phase.BODY, Phase.WORK):
            whole = self.phase is Phase.WORK
            self.phase, self.since = Phase.IDLE if whole else Phase.DRAINING, self.loop.time()

    def pause_writing(self) -> None:
        """Note since when the answer is not read."""
        self.blocked = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the answer is read."""
        self.blocked = None
        super().resume_writing()


class Server(uvicorn.Server):
    """Leaves signals to whoever started it.

    Attributes
    ----------
    listening
        Set once the application has started and connections are taken.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            self.listening.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    def stop(self) -> None:
        """Take no more requests, and end when those under way are answered, 8 s at most."""
        self.should_exit = True


def make_server(
    app: Any,
    bounds: Bounds | None = None,
    *,
    ended: Callable[[str], None] = lambda _: None,
    lifespan: bool = True,
) -> Server:
    """Return a server of this ASGI application, to be run by `serve`.

    Parameters
    ----------
    app
        An ASGI application.
    bounds
        What callers are granted.
    ended
        Told why, whenever a connection is ended.
    lifespan
        Whether this server starts and stops the application.
    """
    guard = Guard(bounds or Bounds(), ended)
    return Server(
        uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", partial(Guarded, guard)),
            ws="none",
            lifespan="on" if lifespan else "off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=int(guard.bounds.idle_s),
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
