"""The OpenAPI page, written on the server: it asks nobody for scripts, styles or fonts."""

from html import escape
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.routes import HTTPRoute
from msgspec import json

from keyart.services.api.document import KEY, completed

METHODS = ("get", "put", "post", "patch", "delete")
DOCUMENT = "/docs/openapi.json"
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;
color:#1c2128;background:#fff;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2.2rem 0 .25rem}h3{font-size:1rem;margin:.8rem 0 .2rem}
code,pre{font:14px/1.45 ui-monospace,monospace}
pre{background:#f4f5f7;padding:.75rem;overflow-x:auto;border-radius:6px}
summary{cursor:pointer}.m{display:inline-block;min-width:4.5rem;font-weight:700}
table{border-collapse:collapse}td{padding:.1rem .8rem .1rem 0;vertical-align:top}
@media (prefers-color-scheme:dark){body{color:#e3e6ea;background:#15181d}pre{background:#20252c}
a{color:#8ab4ff}}
"""


def handlers_of(request: Request[Any, Any, Any]) -> dict[tuple[str, str], HTTPRouteHandler]:
    """Return the handlers by method and path."""
    return {
        (method.lower(), route.path_format): handler
        for route in request.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    }


class Document(JsonRenderPlugin):
    """The whole document as JSON."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document."""
        return json.encode(completed(openapi_schema, handlers_of(request)))


class OfflinePage(OpenAPIRenderPlugin):
    """The document as plain HTML."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        document = completed(openapi_schema, handlers_of(request))
        info = document["info"]
        parts = [
            "<!doctype html><html lang=en><meta charset=utf-8>",
            "<meta name=viewport content='width=device-width,initial-scale=1'>",
            f"<title>{escape(info['title'])} API</title><style>{STYLE}</style>",
            f"<h1>{escape(info['title'])} API</h1><p>{escape(info.get('description', ''))}</p>",
            f"<p>As a document: <a href='{DOCUMENT}'>openapi.json</a>. Bodies are JSON; errors are "
            "problem documents (RFC 9457) that say what is wrong and where.</p>",
        ]
        for path, item in sorted(document["paths"].items()):
            for method in METHODS:
                if method in item:
                    parts.append(_operation(method, path, item[method]))
        parts.append("<h2>Records</h2>")
        for name, schema in sorted(document["components"]["schemas"].items()):
            shown = escape(_pretty(schema))
            parts.append(
                f"<details id='{escape(name)}'><summary><code>{escape(name)}</code> "
                f"{escape(schema.get('description', ''))}</summary><pre>{shown}</pre></details>"
            )
        return "".join(parts).encode()


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [
        f"<h2 id='{escape(operation['operationId'])}'>{escape(operation['summary'])}</h2>",
        f"<p><span class=m>{method.upper()}</span> <code>{escape(path)}</code></p>",
        f"<p>{escape(operation.get('description', ''))}</p>",
        f"<p>{_needs(operation)}</p>",
    ]
    if parameters := operation.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{escape(each['name'])}</code><td>{escape(each['in'])}"
            f"<td><code>{escape(json.encode(each.get('schema', {})).decode())}</code>"
            for each in parameters
        )
        parts.append(f"<table>{rows}</table>")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        parts.append(f"<h3>Body: {_link(body['schema'])}</h3>")
        parts.append(f"<pre>{escape(_pretty(body['example']))}</pre>")
    rows = "".join(
        f"<tr><td><code>{escape(status)}</code><td>{escape(answer.get('description', ''))}"
        f"<td>{', '.join(_link(each.get('schema', {})) for each in _contents(answer))}"
        for status, answer in sorted(operation.get("responses", {}).items())
    )
    return "".join([*parts, f"<h3>Answers</h3><table>{rows}</table>"])


def _needs(operation: dict[str, Any]) -> str:
    scopes = [scope for each in operation["security"] for scope in each.get(KEY, ())]
    if not scopes:
        return "Needs no key."
    return f"Needs a key with the scope {' or '.join(f'<code>{each}</code>' for each in scopes)}."


def _contents(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return list(answer.get("content", {}).values())


def _link(schema: dict[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f"<a href='#{escape(name)}'>{escape(name)}</a>" if name else ""


def _pretty(value: Any) -> str:
    return json.format(json.encode(value)).decode()
