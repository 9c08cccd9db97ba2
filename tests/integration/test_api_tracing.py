"""Traces of requests: only when OpenTelemetry's variables ask, and never with an id in them."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from keyart.schemas.errors import MissingExtra
from keyart.services.api.tracing import asked_for, tracer_from, tracer_of, untraced
from keyart.services.wiring.settings import Settings
from tests.opened import Opened

HERE = "http://127.0.0.1:8650"
TO = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({TO: "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({TO: " "}, False),
        ({TO: "http://x", "OTEL_SDK_DISABLED": "true"}, False),
        ({TO: "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({TO: "http://x", "OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_the_environment_asks_for_traces(environ: dict[str, str], asked: bool) -> None:
    assert asked_for(environ) == asked
    if not asked:
        assert tracer_of(environ)[0] is untraced


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import keyart.services.api.app
from keyart.services.api import tracing
assert tracing.tracer_of({})[0] is tracing.untraced
"""


def test_nothing_of_it_is_needed_unless_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], timeout=60, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingExtra, match=r"keyart\[otel\]"):
        tracer_of({TO: "http://127.0.0.1:4318"})


def test_a_span_has_the_route_and_its_callers_trace() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace = tracer_from(provider)
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    scope: Any = {"method": "GET", "headers": [(b"traceparent", parent)], "path": "/v1/viewers/x"}
    with trace(scope, "r-1") as span:
        span.end("/v1/viewers/{viewer}", 503)
    (found,) = exporter.get_finished_spans()
    assert found.name == "GET /v1/viewers/{viewer}"
    assert f"{found.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert dict(found.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/v1/viewers/{viewer}",
        "http.response.status_code": 503,
        "keyart.request_id": "r-1",
    }
    assert not found.status.is_ok


class Collector(BaseHTTPRequestHandler):
    """Takes spans as a collector does."""

    taken: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(ExportTraceServiceRequest.FromString(body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.taken = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_api_sends_its_spans_and_no_id(
    tmp_path: Path, collector: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TO, f"http://127.0.0.1:{collector.server_address[1]}")
    parts = Opened(Settings(data_dir=str(tmp_path / "site")))
    parts.server.start()
    try:
        with TestClient(parts.app(), base_url=HERE) as client:
            client.get("/health/live")
            client.delete("/v1/viewers/secretive%2Fone")
            client.get("/nowhere/secretive")
    finally:
        parts.close()
        parts.server.stop()
    spans = [
        span
        for request in collector.taken
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert [span.name for span in spans] == [
        "GET /health/live",
        "DELETE /v1/viewers/{viewer}",
        "GET unknown",
    ]
    sent = b"".join(request.SerializeToString() for request in collector.taken)
    assert b"secretive" not in sent and b"keyart-api" in sent
