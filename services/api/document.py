"""What Litestar cannot tell of handlers that read bytes: bodies, answers and problems, as OpenAPI.

Bodies are decoded once, by msgspec, from the bytes that came; their schemas come from the same
types.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from keyart.schemas.catalogue import StoredTitle, Title
from keyart.services.api.answers import Answer
from keyart.services.api.health import Readiness
from keyart.services.api.problems import Problem
from keyart.services.api.routes import Accepted, DecisionsRequest, EventsRequest, TitlePage
from keyart.services.api.viewers import CorrectionRequest, Taken, TasteView

PROBLEM: Final = "application/problem+json"
SAID: Final = {
    400: "The request is wrong; each fault is named with its place",
    401: "A key is asked for",
    404: "There is no such title or viewer",
    413: "The body is over 2 MB",
    415: "The body is not JSON",
    503: "A server behind this one is away; Retry-After says when to try again",
}


class Told(Struct, frozen=True, kw_only=True):
    """What is told of one operation: its body with an example, its answer, and its problems."""

    answers: Any
    status: int = 200
    asks: Any = None
    example: Any = None
    problems: tuple[int, ...] = (400, 401, 503)


BODY: Final = (400, 401, 413, 415, 503)
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
                    "decision": "2d56ed5ecec9a1f6",
                },
                {
                    "type": "play",
                    "id": "e-2",
                    "viewer": "viewer-7",
                    "title": "deep-field",
                    "decision": "2d56ed5ecec9a1f6",
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
        problems=BODY,
    ),
    ("get", "/v1/titles/{title}"): Told(answers=StoredTitle, problems=(401, 404, 503)),
    ("delete", "/v1/titles/{title}"): Told(answers=StoredTitle, problems=(401, 404, 503)),
    ("get", "/v1/titles"): Told(answers=TitlePage, problems=(400, 401)),
    ("get", "/v1/viewers/{viewer}"): Told(answers=TasteView, problems=(400, 401, 404, 503)),
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


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Return Litestar's document with what it could not know."""
    kinds = [kind for told in OPERATIONS.values() for kind in (told.asks, told.answers) if kind]
    every = [*dict.fromkeys(kinds), Problem]
    schemas, components = msgspec.json.schema_components(
        every, ref_template="#/components/schemas/{name}"
    )
    schema = dict(zip(every, schemas, strict=True))
    paths = {path: dict(item) for path, item in document["paths"].items()}
    for (method, path), told in OPERATIONS.items():
        operation = paths[path][method] = dict(paths[path][method])
        responses = {
            str(status): _content(SAID[status], PROBLEM, schema[Problem])
            for status in sorted(told.problems)
        }
        answer = _content("As asked", "application/json", schema[told.answers])
        operation["responses"] = {str(told.status): answer, **responses}
        if told.asks is not None:
            body = {"schema": schema[told.asks], "example": told.example}
            operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    held = document.get("components", {})
    together = held.get("schemas", {}) | components
    return document | {"paths": paths, "components": held | {"schemas": together}}


def _content(description: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": schema}}}
