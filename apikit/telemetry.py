"""OpenTelemetry's spans and metrics of what sessions send; extra ``[otel]``.

A client in C is invisible to what instruments requests, so the sessions tell themselves.
Names and attributes are those of OpenTelemetry's semantic conventions for HTTP clients.
Only opentelemetry-api is needed here; without an SDK nothing is recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

try:
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as missing:
    raise ImportError(
        "apikit.telemetry needs OpenTelemetry: pip install 'sqre-apikit-c[otel]'"
    ) from missing

from apikit._events import EventOptions, Hooked, OnLogin
from apikit.models import PreparedRequest
from apikit.response import Response

if TYPE_CHECKING:
    from apikit.backend import Backend
    from apikit.pool import SessionPool
    from apikit.session import Session

__all__ = ["Telemetry", "instrument"]

_NAME: Final = "apikit"
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.37.0"
_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
)
_PORTS: Final = {"http": 80, "https": 443}
#: Those that the conventions advise, in seconds.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
#: Of a pool's stats, what only grows.
_COUNTS: Final = ("hits", "misses", "logins", "failed_logins", "shared_logins", "evictions")


class Telemetry:
    """Gives the hooks that make spans and metrics, for `Session`, `SessionPool` and `Backend`.

    Each request on the wire is a client span, a child of the span that is current, those of
    redirects, of tries and of the log-in too; it ends when the answer's head is there.  The
    request carries its ``traceparent``; baggage is not sent, since a log-in leads to strangers.
    No attribute has a query, a user name, a header or the text of an exception.

    ============================== ========== ==========================================
    Metric                         Unit       What
    ============================== ========== ==========================================
    http.client.request.duration   s          histogram, by method, host, port and status
    apikit.logins                  {login}    log-ins, by ``apikit.login.state``
    apikit.session_pool.sessions   {session}  sessions that a watched pool keeps
    apikit.session_pool.*          {event}    what `SessionPool.stats` counts, hits and so on
    ============================== ========== ==========================================

    Parameters
    ----------
    tracer_provider, meter_provider
        Whose; the process's own if None.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider, schema_url=_SCHEMA)
        self._meter = metrics.get_meter(_NAME, meter_provider=meter_provider, schema_url=_SCHEMA)
        self._propagator = TraceContextTextMapPropagator()
        self._duration = self._meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._logins = self._meter.create_counter(
            "apikit.logins", unit="{login}", description="Log-ins of sessions, by how they ended."
        )

    def hooks(self) -> EventOptions:
        """Return the hooks: ``Backend(url, app=app, **telemetry.hooks())``."""
        return {"observer": self, "on_login": self._count_login}

    def watch(self, pool: SessionPool, name: str = "default") -> None:
        """Let the metrics show a pool's stats, for as long as the process runs.

        Parameters
        ----------
        pool
            Which one.
        name
            The attribute ``apikit.session_pool.name``, to tell several apart.
        """
        attributes = {"apikit.session_pool.name": name}
        self._meter.create_observable_up_down_counter(
            "apikit.session_pool.sessions",
            [_observe(pool, "size", attributes)],
            unit="{session}",
            description="Sessions that the pool keeps.",
        )
        for event in _COUNTS:
            self._meter.create_observable_counter(
                f"apikit.session_pool.{event}",
                [_observe(pool, event, attributes)],
                unit="{event}",
                description=f"What SessionPool.stats() calls {event}.",
            )

    def announce(self, request: PreparedRequest) -> Mapping[str, str]:
        """Begin the span of a request; returns the headers that lead to it."""
        attributes = _attributes_of(request)
        method = str(attributes["http.request.method"])
        span = self._tracer.start_span(
            method if method in _METHODS else "HTTP",
            kind=SpanKind.CLIENT,
            attributes={**attributes, "url.full": _shown_url(request)},
        )
        request._telemetry = (span, attributes, time.perf_counter())  # type: ignore[attr-defined]
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, trace.set_span_in_context(span))
        return carrier

    def answer(self, response: Response) -> None:
        """End the span of what was answered."""
        status = response.status_code
        result: dict[str, Any] = {"http.response.status_code": status}
        if status >= HTTPStatus.BAD_REQUEST:
            result["error.type"] = str(status)
        self._close(response.request, result, failed=status >= HTTPStatus.BAD_REQUEST)

    def fail(self, exception: BaseException, request: PreparedRequest) -> None:
        """End the span of what was not."""
        kind = type(exception)
        prefix = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        self._close(request, {"error.type": f"{prefix}{kind.__qualname__}"}, failed=True)

    def _close(self, request: PreparedRequest, result: Mapping[str, Any], *, failed: bool) -> None:
        begun = getattr(request, "_telemetry", None)
        if begun is None:
            return  # sent before these hooks were set
        span: Span
        span, attributes, began = begun
        span.set_attributes(result)
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        self._duration.record(
            time.perf_counter() - began, {**attributes, **result}, trace.set_span_in_context(span)
        )
        span.end()

    def _count_login(self, session: Any) -> None:
        self._logins.add(1, {"apikit.login.state": session.login_state})


def instrument(
    target: Session | SessionPool | Backend,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> Telemetry:
    """Make spans and metrics of what a session, a pool or a back end sends from now on.

    Its hooks stay as they are.  A pool, also that of a back end, is watched too.

    Parameters
    ----------
    target
        Whose requests.
    tracer_provider, meter_provider
        As for `Telemetry`.

    Returns
    -------
    Telemetry
        What makes them.

    Raises
    ------
    TypeError
        If the target is something else.
    ValueError
        If it has an observer, as one that is instrumented already.
    """
    if not isinstance(target, Hooked):
        raise TypeError(
            f"target must be a Session, a SessionPool or a Backend, not {type(target).__name__}"
        )
    if target.observer is not None:
        raise ValueError(
            f"the {type(target).__name__} has an observer, a {type(target.observer).__name__}, and "
            "may have one: instrument() is for those without"
        )
    telemetry = Telemetry(tracer_provider=tracer_provider, meter_provider=meter_provider)
    target.observer = telemetry
    target.on_login = _chain(target.on_login, telemetry._count_login)
    pool: Any = getattr(target, "pool", target)
    if hasattr(pool, "stats"):
        telemetry.watch(pool)
    return telemetry


def _chain(own: OnLogin | None, count: OnLogin) -> OnLogin:
    if own is None:
        return count
    told = own

    def both(session: Any) -> None:
        count(session)
        told(session)

    return both


def _attributes_of(request: PreparedRequest) -> dict[str, str | int]:
    """Return what a request's span and its duration have in common."""
    parts = urlsplit(request.url or "")
    method = request.method or ""
    return {
        "http.request.method": method if method in _METHODS else "_OTHER",
        "server.address": parts.hostname or "",
        "server.port": parts.port or _PORTS.get(parts.scheme, 0),
        "url.scheme": parts.scheme,
        "network.protocol.version": "1.1",
    }


def _shown_url(request: PreparedRequest) -> str:
    """Return the URL without what may be a secret: credentials, query and fragment."""
    parts = urlsplit(request.url or "")
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _observe(
    pool: SessionPool, what: str, attributes: Mapping[str, str]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return lambda _: [Observation(pool.stats()[what], attributes)]
