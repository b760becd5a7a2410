"""Sends traces to a collector by OTLP over HTTP, with the settings that OpenTelemetry gives to everybody (`OTEL_…`).

What instances did comes from the engine (`engine.telemetry.spans`); the requests that people and programs make are
added here. A collector that is slow or away costs spans and nothing else: they wait in a queue of a fixed length.
Source: OpenTelemetry specification, "Environment Variable Specification".
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import HTTPException

from engine.engine import Engine
from engine.telemetry import tracing
from engine.telemetry.spans import Span
from engine.telemetry.tracing import Trace

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

UNWATCHED = ("/static/", "/health", "/metrics", "/ready")
"""What is asked all the time, and changes nothing."""


class TracingMissing(Exception):
    """Traces are wanted, but the packages for it are not installed, or the settings cannot be used."""


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the settings ask for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    places = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return exporter == "otlp" or (exporter == "" and any(environment.get(place) for place in places))


class Exporter:
    """Hands spans to OpenTelemetry's own queue and sender. Raises TracingMissing."""

    def __init__(self) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingMissing(
                f"Expected the packages for traces, because OTEL_… settings ask for them, but there is no module "
                f"{error.name!r}: `pip install 'partitur[otel]'`."
            ) from error
        named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        self._resource = Resource.create({} if named else {"service.name": "partitur"})
        try:
            self._processor = BatchSpanProcessor(OTLPSpanExporter())
        except ValueError as error:
            raise TracingMissing(f"Expected OTEL_… settings that can be used, but: {error}.") from error

    def take(self, spans: Sequence[Span]) -> None:
        """Queue spans."""
        for span in spans:
            self._processor.on_end(self._readable(span))

    def _readable(self, span: Span):  # type: ignore[no-untyped-def]
        from opentelemetry.sdk.trace import Event, ReadableSpan
        from opentelemetry.trace import Link, SpanKind, Status, StatusCode

        kind = SpanKind.SERVER if "http.request.method" in span.attributes else (
            SpanKind.CLIENT if span.calls_out else SpanKind.INTERNAL)
        return ReadableSpan(
            span.name, _context(span.trace.id, span.id, span.trace.flags),
            None if span.parent is None else _context(span.trace.id, span.parent, span.trace.flags),
            self._resource, dict(span.attributes), kind=kind, start_time=_nanoseconds(span.start),
            end_time=max(_nanoseconds(span.start), _nanoseconds(span.end)),
            status=Status(StatusCode.UNSET) if span.error is None else Status(StatusCode.ERROR, span.error),
            events=[Event(each.name, dict(each.attributes), _nanoseconds(each.at)) for each in span.events],
            links=[Link(_context(*link.split("-")[1:])) for link in span.links],
        )

    def close(self) -> None:
        """Send what waits, for some seconds at most, and stop."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def _context(trace: str, span: str, flags: str) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000


@dataclass(slots=True)
class Serving:
    """A request that is being answered: the `traceparent` to go on with, and the status of the answer, once known."""

    trace_parent: str | None
    status: int = 200


@contextmanager
def request_span(engine: Engine, *, counts: bool) -> Iterator[Serving]:
    """The request at hand as a span: what it starts belongs to it.

    `counts`: it may change something; one that only looks is told of only where its caller traces it.
    """
    asked = request.headers.get("traceparent")
    given = asked if asked and tracing.TRACE_PARENT.fullmatch(asked) else None
    sink = engine.spans
    if sink is None or not (given or counts) or request.path.startswith(UNWATCHED):
        yield Serving(given)
        return
    trace = tracing.trace_of(given, "") if given else Trace(secrets.token_hex(16), None, "01")
    span, start, status = secrets.token_hex(8), datetime.now(UTC), 500
    made = Serving(trace.parent(span))
    try:
        yield made
        status = made.status
    except HTTPException as error:
        status = error.code or 500
        raise
    finally:
        route = request.url_rule.rule if request.url_rule is not None else request.path
        if trace.is_sampled:
            sink.take([Span(
                name=f"{request.method} {route}", trace=trace, id=span, parent=trace.outside, start=start,
                end=datetime.now(UTC), error=f"HTTP {status}" if status >= 500 else None,
                attributes={"http.request.method": request.method, "http.route": route,
                            "http.response.status_code": status, "url.path": request.path},
            )])
