"""Logs, metrics and traces: structured lines on standard error, Prometheus counters, OpenTelemetry spans.

Nothing secret is ever a field: keys, PINs and payment codes are cut out by name as a last guard."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any

import structlog
from opentelemetry import trace
from prometheus_client import Counter, Histogram, start_http_server

from saoma.kit.errors import Invalid

_SECRET = ("key", "secret", "password", "pin", "token", "payment_code", "identity_code", "auth_code", "cookie")
_NOT_SECRET = ("idempotency_key_used",)

_seconds = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

CALLS = Counter("saoma_gateway_calls_total", "Calls to a gateway", ["service", "outcome"])
CALL_SECONDS = Histogram("saoma_gateway_call_seconds", "How long a gateway took", ["service"], buckets=_seconds)
PAYMENTS = Counter("saoma_payments_total", "Payments that reached a state", ["method", "status"])
NOTICES = Counter("saoma_notices_total", "Notifications received", ["result"])
DUE_HANDLED = Counter("saoma_due_handled_total", "Due rows handled", ["work", "result"])
DUE_LATENESS = Histogram("saoma_due_lateness_seconds", "How late due rows were taken", ["work"], buckets=_seconds)
REQUEST_SECONDS = Histogram(
    "saoma_request_seconds", "How long a page took", ["method", "route", "status"], buckets=_seconds
)


def _hide_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event:
        if name not in _NOT_SECRET and any(word in name.lower() for word in _SECRET):
            event[name] = "(hidden)"
    return event


class _Unbreakable:
    """Standard error, whatever it is at that moment, less what can't be written.

    A full disk under the log must not end a payment's transaction."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def start_logging(*, level: str = "INFO", json: bool = False, process: str = "") -> None:
    """Set up logs for this process: readable lines for people, JSON for collectors."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=28, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if json else _as_it_is,
            _hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=_Unbreakable()),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )
    if process:
        structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def _as_it_is(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event


def span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """A traced stretch of work; costs next to nothing until the extra `traces` is installed and configured."""
    return trace.get_tracer("saoma").start_as_current_span(name, attributes=attributes)


def serve_metrics(address: str) -> int:
    """Show this process's metrics at `host:port` from a thread of its own; the port (0 picks a free one).

    Raises `Invalid` for an address that is none or is in use."""
    host, _, port = address.rpartition(":")
    try:
        server, _ = start_http_server(int(port), host.strip("[]") or "127.0.0.1")
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid(f"metrics can't be shown at {address!r}: {error}") from None
    return int(server.server_port)


def start_traces(endpoint: str, process: str) -> None:
    """Send spans to an OTLP endpoint. Needs the extra `traces`; raises ImportError with that hint otherwise."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImportError("tracing needs the extra: pip install 'saoma[traces]'") from error
    provider = TracerProvider(resource=Resource.create({"service.name": f"saoma-{process}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
