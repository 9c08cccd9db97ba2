"""OpenTelemetry traces of requests, when the environment asks for them; else none of it is loaded.

Asked for by OpenTelemetry's own variables: `OTEL_EXPORTER_OTLP_ENDPOINT` or
`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, unless `OTEL_SDK_DISABLED` is true or
`OTEL_TRACES_EXPORTER` is none. Name, sampling, headers and batching follow its other variables.

The library's own instrumentation of ASGI puts addresses into spans, and addresses hold viewers'
ids: a span here has the route's template, as the access log does.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol

from litestar.types import HTTPScope

from keyart.schemas.errors import MissingExtra

ASKED_BY: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Span(Protocol):
    """A request being traced."""

    def end(self, route: str, status: int) -> None:
        """Note how it ended."""


class Untraced:
    """A request that is not traced."""

    def end(self, route: str, status: int) -> None:
        """Note nothing."""


Tracer = Callable[[HTTPScope, str], AbstractContextManager[Span]]
"""From a request's scope and id to what spans it."""
_UNTRACED: Final = nullcontext(Untraced())


def untraced(_scope: HTTPScope, _name: str) -> AbstractContextManager[Span]:
    """Trace nothing."""
    return _UNTRACED


def asked_for(environ: Mapping[str, str]) -> bool:
    """Return whether the environment asks for traces."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "otlp").strip() not in ("", "otlp"):
        return False
    return any(environ.get(name, "").strip() for name in ASKED_BY)


def tracer_of(environ: Mapping[str, str] = os.environ) -> tuple[Tracer, Callable[[], None]]:
    """Return what traces requests, and what sends the last spans at the end.

    Raises
    ------
    MissingExtra
        Traces are asked for and `keyart[otel]` is not installed.
    """
    if not asked_for(environ):
        return untraced, _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise MissingExtra("otel", f"{ASKED_BY[0]}: traces") from None
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over what is given here
    given = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    provider = TracerProvider(
        resource=Resource.create({} if given else {"service.name": "keyart-api"})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return tracer_from(provider), provider.shutdown


def tracer_from(provider: Any) -> Tracer:
    """Return what traces requests with this provider."""
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind, Status, StatusCode

    tracer = provider.get_tracer("keyart")

    class Traced:
        def __init__(self, span: Any, method: str) -> None:
            self._span = span
            self._method = method

        def end(self, route: str, status: int) -> None:
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
            self._span.set_attribute("http.response.status_code", status)
            if status >= 500 or not status:
                self._span.set_status(Status(StatusCode.ERROR))

    @contextmanager
    def traced(scope: HTTPScope, name: str) -> Iterator[Span]:
        carrier = {
            key.decode("latin-1"): value.decode("latin-1")
            for key, value in scope["headers"]
            if key in (b"traceparent", b"tracestate")
        }
        attributes = {"http.request.method": scope["method"], "keyart.request_id": name}
        with tracer.start_as_current_span(
            scope["method"],
            context=extract(carrier),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
        ) as span:
            yield Traced(span, scope["method"])

    return traced


def _nothing() -> None:
    """Send nothing."""
