"""What Litestar cannot tell of handlers that read bytes: bodies, answers and problems, as OpenAPI.

Bodies are decoded once, by msgspec, from the bytes that came; their schemas come from the same
types.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from keyart.schemas.catalogue import StoredTitle, Title
from keyart.services.api.answers import Answer
from keyart.services.api.auth import ADMIN
from keyart.services.api.health import Readiness
from keyart.services.api.problems import Problem
from keyart.services.api.routes import Accepted, DecisionsRequest, EventsRequest, TitlePage
from keyart.services.api.sent import sent_events
from keyart.services.api.viewers import CorrectionRequest, Taken, TasteView

PROBLEM: Final = "application/problem+json"
SAID: Final = {
    400: "The request is wrong; each fault is named with its place",
    401: "A key is asked for",
    403: "The key lacks the scope; or, without keys, another site's page asks",
    404: "There is no such title or viewer",
    409: "Others changed the same title each time; try again",
    413: "The body is over 2 MB",
    415: "The body is not declared as application/json",
    421: "Without keys: the host is asked under a name that is not loopback's",
    429: "Too many wrong keys came from there; Retry-After says when to try again",
    503: "A server behind this one is away, or too much is asked: see Retry-After",
}


class Told(Struct, frozen=True, kw_only=True):
    """What is told of one operation: its body with an example, its answer, and its problems."""

    answers: Any
    status: int = 200
    asks: Any = None
    example: Any = None
    problems: tuple[int, ...] = (400, 503)


BODY: Final = (400, 413, 415, 503)
KEYED: Final = (401, 403, 421, 429)
KEY: Final = "key"
SCHEMES: Final = {
    KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of KEYART_API_KEYS or KEYART_API_KEYS_FILE. Each operation names the "
        "scopes of which a key needs one; a service on loopback may ask for none.",
    }
}
REFERENCE: Final = "#/components/schemas/{name}"
ID_HEADER: Final = {
    "X-Request-Id": {
        "description": "the id of this request in the log: your own X-Request-Id, or a new one",
        "schema": {"type": "string"},
    }
}
Options: TypeAlias = Mapping[tuple[str, str], Mapping[str, Any]]
"""By method and path: what the route's `opt` says."""
OPERATIONS: Final = {
    ("post", "/v1/decisions"): Told(
        asks=DecisionsRequest,
        answers=Answer,
        example={"viewer": "viewer-7", "surface": "home", "titles": ["deep-field", "small-hours"]},
        problems=(*BODY, 404),
    ),
    ("post", "/v1/events"): Told(
        asks=EventsRequest,
        answers=Accepted,
        status=202,
        example={
            "events": [
                {
                    "type": "impression",
                    "id": "e-1",
                    "viewer": "viewer-7",
                    "title": "deep-field",
                    "decision": "2d56ed5ecec9a1f6b3c04e11",
                },
                {
                    "type": "play",
                    "id": "e-2",
                    "viewer": "viewer-7",
                    "title": "deep-field",
                    "decision": "2d56ed5ecec9a1f6b3c04e11",
                    "minutes": 41.5,
                },
            ]
        },
        problems=BODY,
    ),
    ("put", "/v1/titles/{title}"): Told(
        asks=Title,
        answers=StoredTitle,
        example={
            "id": "deep-field",
            "name": "Deep Field",
            "group": "science",
            "artworks": [
                {
                    "id": "stars",
                    "image": "https://images.example.org/deep-field/stars.jpg",
                    "description": "A field of stars above a desert",
                },
                {"id": "crew", "description": "Three astronomers at a table", "attributes": {}},
            ],
        },
        problems=(*BODY, 409),
    ),
    ("get", "/v1/titles/{title}"): Told(answers=StoredTitle, problems=(404, 503)),
    ("delete", "/v1/titles/{title}"): Told(answers=StoredTitle, problems=(404, 409, 503)),
    ("get", "/v1/titles"): Told(answers=TitlePage, problems=(400,)),
    ("get", "/v1/viewers/{viewer}"): Told(answers=TasteView, problems=(400, 404, 503)),
    ("patch", "/v1/viewers/{viewer}"): Told(
        asks=CorrectionRequest,
        answers=Taken,
        status=202,
        example={"concepts": {"horses": 0.9, "football": -1, "cooking": 0}, "reset": False},
        problems=BODY,
    ),
    ("delete", "/v1/viewers/{viewer}"): Told(answers=Taken, status=202),
    ("get", "/health/ready"): Told(answers=Readiness, problems=()),
}
"""By method and path."""


def completed(document: dict[str, Any], options: Options) -> dict[str, Any]:
    """Return Litestar's document with what it could not know.

    Parameters
    ----------
    document
        As Litestar made it of the routes.
    options
        Of the routes: which scopes they ask for.
    """
    kinds = [kind for told in OPERATIONS.values() for kind in (told.asks, told.answers) if kind]
    every = [*dict.fromkeys(kinds), Problem]
    schemas, components = msgspec.json.schema_components(every, ref_template=REFERENCE)
    schema = dict(zip(every, schemas, strict=True))
    event, events = sent_events(REFERENCE)
    components |= events
    components["EventsRequest"]["properties"]["events"]["items"] = event
    paths: dict[str, Any] = {}
    for path, item in document["paths"].items():
        if path.startswith("/docs"):
            continue
        paths[path] = {
            method: _operation(operation, OPERATIONS.get((method, path)), schema)
            | _security(options.get((method, path), {}))
            for method, operation in item.items()
        }
        for method, operation in paths[path].items():
            asked = not options.get((method, path), {}).get("public")
            _answers(operation, schema[Problem], asked=asked)
    held = document.get("components", {})
    together = held.get("schemas", {}) | components
    return document | {
        "paths": paths,
        "components": held | {"schemas": together, "securitySchemes": SCHEMES},
    }


def _operation(
    operation: dict[str, Any], told: Told | None, schema: dict[Any, Any]
) -> dict[str, Any]:
    """Return the operation with its body, its answer and its problems, as far as they are told."""
    if told is None:
        # what Litestar decodes: queries and answers are right, its problems are not ours
        responses = {k: v for k, v in operation["responses"].items() if int(k) < 400}
        return operation | {"responses": responses | {"400": {}, "503": {}}}
    answer = _content("As asked", "application/json", schema[told.answers])
    found = operation | {
        "responses": {str(told.status): answer, **{str(each): {} for each in told.problems}}
    }
    if told.asks is not None:
        body = {"schema": schema[told.asks], "example": told.example}
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
    return found


def _security(options: Mapping[str, Any]) -> dict[str, Any]:
    if options.get("public"):
        return {"security": []}
    return {"security": [{KEY: [scope]} for scope in options.get("scopes", ADMIN)]}


def _answers(operation: dict[str, Any], problem: dict[str, Any], *, asked: bool) -> None:
    """Complete the answers: all problems are of one kind, and every answer has an id."""
    found = operation["responses"]
    for status in KEYED if asked else ():
        found[str(status)] = {}
    operation["responses"] = {
        status: (_content(SAID[int(status)], PROBLEM, problem) if int(status) >= 400 else answer)
        | {"headers": ID_HEADER}
        for status, answer in sorted(found.items())
    }


def _content(description: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": schema}}}
