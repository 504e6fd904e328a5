"""Spans and metrics of sessions, as OpenTelemetry's own SDK records them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from opentelemetry import trace
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import REGISTRY, generate_latest

from apikit import APIFlask, Backend, BackendError, Retry, Session, SessionPool
from apikit.errors import ConnectError
from apikit.telemetry import Telemetry, instrument
from apikit.testing import MockTransport
from apikit.testing import answer as answer_of
from tests.faults.handle import FaultServer
from tests.faults.steps import answer
from tests.login_world import BASE_URL, SESSION_URL, World
from tests.servers.process import LOOPBACK, reserve_port

pytest_plugins = ("tests.faults.fixtures",)


class Recorder:
    """A `Telemetry` with an SDK of its own, and what that has recorded."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])
        self.telemetry = Telemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    def hooks(self) -> dict[str, Any]:
        return dict(self.telemetry.hooks())

    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def points(self, name: str) -> list[Any]:
        """Return the data points of a metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def context_of(span: ReadableSpan) -> Any:
    context = span.context
    assert context is not None
    return context


def test_span_of_a_request(server: FaultServer, recorder: Recorder) -> None:
    server.script("/api", [answer(b"")])
    with Session(**recorder.hooks()) as session:
        session.get(server.url("/api"), params={"code": "hush"})
    (span,) = recorder.spans()
    assert (span.name, span.kind) == ("GET", SpanKind.CLIENT)
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "url.full": server.url("/api"),
        "url.scheme": "http",
    }
    assert span.status.status_code is StatusCode.UNSET
    (sent,) = server.seen()
    context = context_of(span)
    ids = f"{context.trace_id:032x}-{context.span_id:016x}"
    assert sent.header("traceparent") == f"00-{ids}-{context.trace_flags:02x}"


def test_instrument_a_session_that_has_hooks(server: FaultServer, recorder: Recorder) -> None:
    server.script("/api", [answer(b"")])
    told: list[Any] = []

    def add(request: Any) -> dict[str, str]:
        told.append(request)
        return {"X-Own": "1", "traceparent": "own"}

    with Session(on_request=add, on_response=told.append) as session:
        made = instrument(session, tracer_provider=recorder.tracers, meter_provider=recorder.meters)
        assert isinstance(made, Telemetry)
        with pytest.raises(ValueError, match="has an observer, a Telemetry, and may have one"):
            instrument(session)
        session.get(server.url("/api"))
    assert len(told) == 2
    (span,) = recorder.spans()
    (sent,) = server.seen()
    assert sent.header("x-own") == "1"
    assert sent.header("traceparent") == "own"  # who gives headers of one's own means them
    assert attributes(span)["http.response.status_code"] == 200


def test_instrument_a_back_end_and_its_pool(recorder: Recorder) -> None:
    providers: dict[str, Any] = {
        "tracer_provider": recorder.tracers,
        "meter_provider": recorder.meters,
    }
    mock = MockTransport()
    mock.get("https://back.end/x", text="fine")
    app = Flask("watched")
    with Backend("https://back.end", auth="none", app=app, transport=mock) as backend:
        instrument(backend, **providers)
        with app.app_context():
            backend.get("/x")
    assert [span.name for span in recorder.spans()] == ["GET"]
    assert [point.value for point in recorder.points("apikit.session_pool.shared_logins")] == [0]
    with pytest.raises(TypeError, match="a Session, a SessionPool or a Backend, not str"):
        instrument("https://back.end", **providers)  # type: ignore[arg-type]


def test_request_of_before_the_hooks_has_no_span(recorder: Recorder) -> None:
    with Session(transport=lambda _: answer_of(text="x")) as session:

        def set_hooks(_: Any) -> None:
            instrument(session, tracer_provider=recorder.tracers, meter_provider=recorder.meters)

        session.on_request = set_hooks
        assert session.get("https://back.end/").text == "x"
        session.on_request = None
        assert recorder.spans() == []
        assert session.get("https://back.end/").text == "x"
    assert len(recorder.spans()) == 1


def test_span_is_a_child_and_baggage_stays(server: FaultServer, recorder: Recorder) -> None:
    server.script("/api", [answer(b"")])
    tracer = recorder.tracers.get_tracer("test")
    with tracer.start_as_current_span("outer"), Session(**recorder.hooks()) as session:
        token = attach(set_baggage("user", "ann"))
        session.get(server.url("/api"))
        detach(token)
    inner, outer = recorder.spans()
    assert inner.parent is not None
    assert inner.parent.span_id == context_of(outer).span_id
    assert server.seen()[0].header("baggage") is None


def test_each_hop_and_each_try_is_a_span(server: FaultServer, recorder: Recorder) -> None:
    server.script("/from", [answer(b"", "Location: /busy", status="302 Found")])
    server.script("/busy", [answer(b"", status="503 Busy")], [answer(b"")])
    with Session(retries=Retry(2, status_forcelist=[503]), **recorder.hooks()) as session:
        session.get(server.url("/from"))
    codes = [attributes(span)["http.response.status_code"] for span in recorder.spans()]
    assert codes == [302, 503, 302, 200]
    parents = [sent.header("traceparent") for sent in server.seen()]
    assert len(set(parents)) == 4


def test_error_status_and_failure(server: FaultServer, recorder: Recorder) -> None:
    server.script("/no", [answer(b"", status="404 Not Found")])
    with reserve_port("nobody", 0) as port, Session(**recorder.hooks()) as session:
        session.get(server.url("/no"))
        with pytest.raises(ConnectError):
            session.get(f"http://ann:hush@{LOOPBACK}:{port}/")
    answered, failed = recorder.spans()
    assert attributes(answered)["error.type"] == "404"
    assert attributes(failed)["error.type"] == "apikit.errors.ConnectError"
    assert attributes(failed)["url.full"] == f"http://{LOOPBACK}:{port}/"
    for span in (answered, failed):
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description is None
        assert "hush" not in span.to_json()


def test_unknown_method(server: FaultServer, recorder: Recorder) -> None:
    server.script("/x", [answer(b"")])
    with Session(**recorder.hooks()) as session:
        session.request("PURGE", server.url("/x"))
    (span,) = recorder.spans()
    assert span.name == "HTTP"
    assert attributes(span)["http.request.method"] == "_OTHER"


def test_duration_in_seconds(server: FaultServer, recorder: Recorder) -> None:
    server.script("/x", [answer(b"")])
    with Session(**recorder.hooks()) as session:
        for _ in range(3):
            session.get(server.url("/x"))
    (point,) = recorder.points("http.client.request.duration")
    assert point.count == 3
    assert point.explicit_bounds[0] == 0.005
    assert 0 < point.sum < 60
    assert "url.full" not in point.attributes
    assert point.attributes["http.response.status_code"] == 200


def test_log_ins_and_pool(recorder: Recorder) -> None:
    world = World()
    with SessionPool(transport=world, **recorder.hooks()) as pool:
        recorder.telemetry.watch(pool, "users")
        pool.get(BASE_URL, "ann", "s3cret", SESSION_URL)
        pool.get(BASE_URL, "ann", "s3cret", SESSION_URL)
        (logins,) = recorder.points("apikit.logins")
        assert (logins.value, dict(logins.attributes)) == (1, {"apikit.login.state": "ok"})
        (size,) = recorder.points("apikit.session_pool.sessions")
        assert (size.value, dict(size.attributes)) == (1, {"apikit.session_pool.name": "users"})
        (hits,) = recorder.points("apikit.session_pool.hits")
        assert hits.value == 1
    urls = [attributes(span)["url.full"] for span in recorder.spans()]
    assert SESSION_URL in urls
    shown = "".join(span.to_json() for span in recorder.spans())
    assert "s3cret" not in shown
    assert "user=" not in shown


def test_prometheus(server: FaultServer) -> None:
    server.script("/x", [answer(b"")])
    reader = PrometheusMetricReader()
    meters = MeterProvider([reader])
    with Session(**Telemetry(meter_provider=meters).hooks()) as session:
        session.get(server.url("/x"))
    text = generate_latest(REGISTRY).decode()
    meters.shutdown()
    assert "http_client_request_duration_seconds_count{" in text
    assert 'server_address="127.0.0.1"' in text


def test_from_the_caller_through_flask_to_the_back_end(
    server: FaultServer, recorder: Recorder
) -> None:
    server.script("/api", [answer(b"5.5")])
    app = APIFlask("uservice-x", "1", "https://example.org", "d")
    backend = Backend(server.url(""), app=app, **recorder.hooks())
    app.add_url_rule("/value", "value", lambda: {"value": backend.get("/api").text})
    instrumentor: Any = FlaskInstrumentor()
    instrumentor.instrument_app(app, tracer_provider=recorder.tracers)
    try:
        trace_id = "0af7651916cd43dd8448eb211c80319c"
        traceparent = f"00-{trace_id}-b7ad6b7169203331-01"
        told = app.test_client().get("/value", headers={"traceparent": traceparent})
    finally:
        instrumentor.uninstrument_app(app)
    assert told.get_json() == {"value": "5.5"}
    client, of_flask = recorder.spans()
    assert client.parent is not None
    assert client.parent.span_id == context_of(of_flask).span_id
    assert f"{context_of(client).trace_id:032x}" == trace_id
    (sent,) = server.seen()
    assert str(sent.header("traceparent"))[3:52] == f"{trace_id}-{context_of(client).span_id:016x}"
    assert sent.head.lower().count(b"\ntraceparent:") == 1


def test_backend_error_ends_the_span(server: FaultServer, recorder: Recorder) -> None:
    server.script("/api", [answer(b"", status="404 Not Found")])
    backend = Backend(server.url(""), auth="none", **recorder.hooks())
    with backend, pytest.raises(BackendError):
        backend.get("/api")
    (span,) = recorder.spans()
    assert attributes(span)["error.type"] == "404"


def test_nothing_is_recorded_without_an_sdk(server: FaultServer) -> None:
    server.script("/x", [answer(b"")])
    with Session(**Telemetry(tracer_provider=trace.NoOpTracerProvider()).hooks()) as session:
        assert session.get(server.url("/x")).status_code == 200
    assert server.seen()[0].header("traceparent") is None


def test_nobody_imports_it_unasked() -> None:
    script = (
        "import sys, apikit, apikit.session, apikit.backend, apikit.pool, apikit.testing\n"
        "apikit.Session().close()\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-P", "-c", script], check=True)


def test_missing_package_is_named() -> None:
    script = "import sys; sys.modules['opentelemetry'] = None; import apikit.telemetry"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True)
    assert "pip install 'sqre-apikit-c[otel]'" in done.stderr
