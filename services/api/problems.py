"""Errors as problem documents (RFC 9457): what was wrong, and where."""

import logging
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec
from msgspec import Struct, json, structs

from keyart.schemas.errors import (
    Contended,
    InvalidRecord,
    KeyartError,
    NotFound,
    StoreAway,
    UnknownName,
)
from keyart.schemas.strict import Refused
from keyart.services.wiring.lines import REQUEST

log = logging.getLogger(__name__)
RETRY_S = "2"
PROBLEM: Final = "application/problem+json"
SAID: Final = {
    400: "The request is wrong; each fault is named with its place",
    401: "A key is asked for",
    403: "The key lacks the scope; or, without keys, another site's page asks",
    404: "There is no such title, viewer or version",
    409: "Others changed the same title each time, try again; or there is no table of proposals",
    413: "The body is over 2 MB",
    415: "The body is not declared as application/json",
    421: "Without keys: the host is asked under a name that is not loopback's",
    429: "Too many wrong keys came from there; Retry-After says when to try again",
    503: "A server behind this one is away, or too much is asked: see Retry-After",
}
"""What the document says of each status."""


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request."""

    where: str
    what: str


class Problem(Struct, frozen=True, kw_only=True):
    """RFC 9457: `title` names the kind, `detail` says what happened, `faults` each place.

    `request_id` is the answer's `X-Request-Id`, and stands in the log's lines of this request.
    """

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    faults: tuple[Fault, ...] = ()
    request_id: str = ""


class BadRequest(KeyartError):
    """A request with one or several faults."""

    def __init__(self, detail: str, faults: tuple[Fault, ...] = (), *, status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = faults
        self.status = status


def said(*statuses: int) -> dict[int, ResponseSpec]:
    """Return, for the document, the problems that a handler has beside those of all."""
    return {
        status: ResponseSpec(
            data_container=Problem,
            description=SAID[status],
            media_type=PROBLEM,
            generate_examples=False,
        )
        for status in statuses
    }


def encoded(problem: Problem) -> bytes:
    """Return the problem as a document, with the id of the request that is at work."""
    return json.encode(structs.replace(problem, request_id=REQUEST.get()))


def respond(problem: Problem, **headers: str) -> Response[bytes]:
    """Return the problem as a response."""
    return Response(
        encoded(problem),
        status_code=problem.status,
        media_type=PROBLEM,
        headers=headers,
    )


def of_keyart(request: Request[Any, Any, Any], error: KeyartError) -> Response[bytes]:
    """Answer an error of ours."""
    if isinstance(error, BadRequest):
        title = {404: "Not found", 409: "Not ready", 503: "Busy"}.get(error.status, "Wrong request")
        problem = Problem(
            title=title, status=error.status, detail=error.detail, faults=error.faults
        )
        return respond(problem, **({"Retry-After": "1"} if error.status == 503 else {}))
    if isinstance(error, InvalidRecord):
        found = error.faults if isinstance(error, Refused) else ((error.path, error.message),)
        faults = tuple(Fault(where=path or "$", what=what) for path, what in found)
        return respond(
            Problem(title="Wrong request", status=400, detail=error.message, faults=faults)
        )
    if isinstance(error, NotFound | UnknownName):
        return respond(Problem(title="Not found", status=404, detail=str(error)))
    if isinstance(error, Contended):
        problem = Problem(title="Changed by others", status=409, detail=str(error))
        return respond(problem, **{"Retry-After": RETRY_S})
    if error.retriable or isinstance(error, StoreAway):
        detail = "a server behind this one is away; try again"
        log.warning("%s", error)
        return respond(Problem(title="Away", status=503, detail=detail), **{"Retry-After": RETRY_S})
    log.error("request failed", exc_info=error)
    return respond(Problem(title="Failed", status=500, detail="the request failed; see the log"))


def of_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the web framework found wrong."""
    faults: tuple[Fault, ...] = ()
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        faults = tuple(
            Fault(where=_place(each), what=str(each.get("message", "")))
            for each in error.extra
            if isinstance(each, dict)
        )
    status = 400 if error.status_code == 500 and _decoding(error) else error.status_code
    titles = {
        401: "Not allowed",
        403: "Not allowed",
        404: "Not found",
        405: "Wrong method",
        413: "Too large",
        429: "Slow down",
    }
    return respond(
        Problem(
            title=titles.get(status, "Wrong request" if status < 500 else "Failed"),
            status=status,
            detail=error.detail.split(" for ")[0] if faults else error.detail,
            faults=faults,
        ),
        **dict(error.headers or {}),
    )


def of_anything(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what nobody foresaw: a 500 that says nothing, and the trace in the log."""
    log.error("request failed", exc_info=error)
    return respond(Problem(title="Failed", status=500, detail="the request failed; see the log"))


def _place(extra: dict[str, Any]) -> str:
    key, source = str(extra.get("key", "")), extra.get("source")
    if source == "body" or not source:
        return f"$.{key}" if key else "$"
    return f"{getattr(source, 'value', source)}: {key}"


def _decoding(error: Exception) -> bool:
    return isinstance(error.__cause__, UnicodeDecodeError | RecursionError)
