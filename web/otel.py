"""Sends traces to a collector by OTLP over HTTP, with the settings that OpenTelemetry gives to everybody (`OTEL_…`).

What instances did comes from the engine (`engine.telemetry.spans`), requests from `web.serving_spans`. A collector that
is slow or away costs spans and nothing else: they wait in a queue of a fixed length.
Source: OpenTelemetry specification, "Environment Variable Specification".
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.telemetry.spans import Span

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext


SOON = 1_000.0
"""Milliseconds that spans wait for others at most."""
DELAY = "OTEL_BSP_SCHEDULE_DELAY"


class TracingMissing(Exception):
    """Traces are wanted, but the packages for it are not installed, or the settings cannot be used."""


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the settings ask for traces."""
    return wants("TRACES", environment)


def wants(signal: str, environment: Mapping[str, str]) -> bool:
    """Whether the settings ask for TRACES, or LOGS."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    places = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
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
            self._processor = BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=delay())
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


def delay(environment: Mapping[str, str] = os.environ) -> float | None:
    """Milliseconds that spans wait for others to be sent with; None: what the settings say.

    OpenTelemetry would let them wait for 5 s, which are lost with a process that is killed.
    """
    return None if environment.get(DELAY, "").strip() else SOON


def _context(trace: str, span: str, flags: str) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000
