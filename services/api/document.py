"""What Litestar's document lacks: records as msgspec knows them, keys, and problems of one kind.

Paths, parameters, bodies and answers are Litestar's, from the handlers' own annotations. It knows
less of the structs in them than msgspec, which reads them: their schemas are taken from there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.typing import FieldDefinition

from keyart.services.api.auth import ADMIN
from keyart.services.api.problems import PROBLEM, SAID, Problem
from keyart.services.api.sent import sent_events

WITH_BODY: Final = (400, 413, 415)
KEYED: Final = (401, 403, 421, 429, 503)
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
Handlers: TypeAlias = Mapping[tuple[str, str], HTTPRouteHandler]
"""By method and path."""


def completed(document: dict[str, Any], handlers: Handlers) -> dict[str, Any]:
    """Return Litestar's document with what it could not know.

    Parameters
    ----------
    document
        As Litestar made it of the handlers.
    handlers
        Whose annotations say what is asked and answered, and whose `opt` says who may.
    """
    paths: dict[str, Any] = {}
    for path, item in document["paths"].items():
        if path.startswith("/docs"):
            continue
        paths[path] = {
            method: _operation(operation, handlers[method, path].opt)
            for method, operation in item.items()
        }
    held = document.get("components", {})
    schemas = held.get("schemas", {}) | components(
        handler for (_, path), handler in handlers.items() if path in paths
    )
    return document | {
        "paths": paths,
        "components": held | {"schemas": schemas, "securitySchemes": SCHEMES},
    }


def components(handlers: Iterable[HTTPRouteHandler]) -> dict[str, Any]:
    """Return the schemas of all structs that these handlers ask for and answer, by their names."""
    kinds: dict[Any, None] = {Problem: None}
    for handler in handlers:
        asks = handler.parsed_data_field
        for field in (handler.parsed_return_field, *([asks] if asks else ())):
            kinds |= dict.fromkeys(_structs(field))
    _, found = msgspec.json.schema_components(list(kinds), ref_template=REFERENCE)
    event, events = sent_events(REFERENCE)
    found["EventsRequest"]["properties"]["events"]["items"] = event
    plain: dict[str, Any] = _plain(found | events)
    return plain


def _plain(schema: Any) -> Any:
    """Return a schema without `items: false`, which generators of clients cannot read.

    Lists of a known length, whose places are of one kind, are lists of that kind and length.
    """
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    own = {name: _plain(each) for name, each in schema.items()}
    if own.get("items") is False and (places := own.pop("prefixItems", [])):
        own["items"] = places[0] if all(each == places[0] for each in places) else {}
    return own


def _structs(field: FieldDefinition) -> list[Any]:
    if field.is_subclass_of(Response):
        return [kind for inner in field.inner_types for kind in _structs(inner)]
    return [field.annotation] if field.is_subclass_of(msgspec.Struct) else []


def _operation(operation: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    public = bool(options.get("public"))
    responses = {**operation["responses"], **{str(status): {} for status in _more(operation)}}
    if not public:
        responses |= {str(status): {} for status in KEYED}
    found = operation | {
        "security": [] if public else [{KEY: [scope]} for scope in options.get("scopes", ADMIN)],
        "responses": {
            status: (_problem(int(status)) if int(status) >= 400 else answer)
            | {"headers": ID_HEADER}
            for status, answer in sorted(responses.items())
        },
    }
    if "requestBody" in found:
        found["requestBody"] = _body(found["requestBody"])
    return found


def _more(operation: dict[str, Any]) -> tuple[int, ...]:
    if "requestBody" in operation:
        return WITH_BODY
    return (400,) if operation.get("parameters") else ()


def _body(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with its example beside the schema, where tools look for it."""
    schema = body["content"]["application/json"]["schema"]
    (kind,), (example,) = schema["allOf"], schema["examples"]
    return {**body, "content": {"application/json": {"schema": kind, "example": example}}}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(name=Problem.__name__)}
    return {"description": SAID[status], "content": {PROBLEM: {"schema": schema}}}
