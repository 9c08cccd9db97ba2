"""What every request passes, whatever answers it: a name, bounds, a count, a line in the log."""

import logging
import re
import secrets
import time
from typing import Final, cast

from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from keyart.services.api.addresses import route_by_raw_address
from keyart.services.api.auth import CALLER, TRUSTED
from keyart.services.api.bodies import MAX_BODY
from keyart.services.api.origins import Origins, Turned
from keyart.services.api.problems import BadRequest, Problem, encoded
from keyart.services.api.tracing import Tracer, untraced
from keyart.services.wiring.lines import REQUEST
from keyart.services.wiring.telemetry import ACCESS, ApiMetrics

access = logging.getLogger(ACCESS)
MEASURED: Final = ("/v1/decisions", "/v1/events")
ALIVE: Final = "/health/live"
MONITORED: Final = ("/metrics", "/health/live", "/health/ready")
MAX_BODIES: Final = 32 * MAX_BODY
"""Bytes of bodies that are held at once, by all requests together."""
_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_TITLES: Final = {
    400: "Wrong request",
    403: "Not allowed",
    404: "Not found",
    421: "Wrong host",
    503: "Busy",
}
_BUSY: Final = Turned(503, "too many requests are at work; try again")


class Door:
    """The application's outermost layer.

    Parameters
    ----------
    app
        What answers.
    metrics
        What is counted.
    origins
        Which names and pages may ask; None when callers send keys.
    most
        Requests at work at once; the next ones are answered 503.
    log_access
        Whether each request gets its line.
    trace
        What spans each request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: ApiMetrics,
        origins: Origins | None,
        most: int,
        log_access: bool,
        trace: Tracer = untraced,
    ) -> None:
        self._app = app
        self._requests = metrics.requests
        self._seconds = {name: metrics.seconds.labels(name) for name in (*MEASURED, "other")}
        self._origins = origins
        self._most = most
        self._log_access = log_access
        self._trace = trace
        self._at_work = 0
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it ended."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        name = request_id(scope)
        REQUEST.set(name)

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode())]
            await send(message)

        path = scope["path"]
        self._at_work += 1
        held = _Body(self, receive)
        try:
            with self._trace(scope, name) as span:
                try:
                    if turned := self._turned_away(scope):
                        await _answer(turned, noting)
                    else:
                        route_by_raw_address(scope)
                        await self._app(scope, held, noting)
                finally:
                    span.end(route_of(scope), status)
        finally:
            self._at_work -= 1
            self._held -= held.bytes
            took = time.perf_counter() - started
            self._note(scope, path if path in MEASURED else "other", status, took)

    def _turned_away(self, scope: HTTPScope) -> Turned | None:
        if self._at_work > self._most and scope["path"] != ALIVE:
            return _BUSY
        if self._origins is None or scope["state"].get(TRUSTED):
            return None
        return self._origins.turned_away(scope)

    def _note(self, scope: HTTPScope, route: str, status: int, took: float) -> None:
        self._requests.labels(route, status).inc()
        self._seconds[route].observe(took)
        if self._log_access:
            # the template and never the address: that may hold a viewer's id
            fields = {
                "method": scope["method"],
                "route": route_of(scope),
                "status": status,
                "ms": round(took * 1000, 2),
                "caller": scope["state"].get(CALLER, ""),
            }
            access.info(
                "%(method)s %(route)s %(status)s %(ms)s ms", fields, extra={"fields": fields}
            )

    def hold(self, count: int) -> None:
        """Take bytes of a body.

        Raises
        ------
        BadRequest
            All bodies together would be too large.
        """
        self._held += count
        if self._held > MAX_BODIES:
            raise BadRequest("too many bodies are being read; try again", status=503)


class _Body:
    """Receives a request's body, and counts it while the request is at work."""

    def __init__(self, door: Door, receive: Receive) -> None:
        self._door = door
        self._receive = receive
        self.bytes = 0

    async def __call__(self) -> HTTPReceiveMessage:
        message = cast("HTTPReceiveMessage", await self._receive())
        if message["type"] == "http.request" and (count := len(message["body"])):
            self.bytes += count
            self._door.hold(count)
        return message


def route_of(scope: HTTPScope) -> str:
    """Return the template of the route that answers, "unknown" when there is none."""
    template: str = scope.get("path_template", "unknown")
    return template


def request_id(scope: Scope) -> str:
    """Return the id of a request: the caller's own, if it is a plain one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            if _ID.fullmatch(value):
                return str(value, "ascii")
            break
    return secrets.token_hex(8)


async def _answer(turned: Turned, send: Send) -> None:
    body = encoded(Problem(title=_TITLES[turned.status], status=turned.status, detail=turned.says))
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if turned.status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": turned.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def for_monitoring(app: ASGIApp) -> ASGIApp:
    """Return what answers on the port for monitoring: figures and readiness in full, no key."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            scope["state"][TRUSTED] = True
            if scope["path"] not in MONITORED:
                await _answer(Turned(404, "only figures and health are here"), send)
                return
        await app(scope, receive, send)

    return answer
