"""Requests as spans: what a request starts belongs to its trace."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import request
from werkzeug.exceptions import HTTPException

from engine.engine import Engine
from engine.telemetry import tracing
from engine.telemetry.spans import Span
from engine.telemetry.tracing import Trace

UNWATCHED = ("/static/", "/health", "/metrics", "/ready")
"""What is asked all the time, and changes nothing."""


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
    given = tracing.given(request.headers.get("traceparent"))
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
