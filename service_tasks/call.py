"""What a service function is told about the call it serves, beside its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.telemetry import tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a service on behalf of a process instance.

    `idempotency_key` is the same for every attempt of the same effect, over restarts and nodes: a service that keeps
    the keys it has seen takes effect once. `correlation_id` is the same for all calls of one instance. `traceparent`
    is W3C trace context: the instance's trace, with a span of this call's own. `deadline` is when the caller stops
    waiting; `timeout` how many seconds that was from the start. `task_headers` are what the diagram says to the
    service beside its inputs; `retries` how many attempts are left, this one included.
    """

    service: str
    idempotency_key: str
    correlation_id: str
    traceparent: str
    attempt: int
    job_key: int
    instance_key: int
    element_id: str
    business_id: str | None
    deadline: datetime
    timeout: float
    task_headers: Mapping[str, str] = field(default_factory=dict)
    definition_key: int = 0
    retries: int = 1

    def headers(self) -> dict[str, str]:
        """The HTTP headers that carry the call's identity to a service."""
        return {
            "Idempotency-Key": self.idempotency_key,
            "X-Correlation-ID": self.correlation_id,
            "traceparent": self.traceparent,
        }


def child_span(parent: str | None, correlation_id: str, job_key: int, attempt: int) -> str:
    """A `traceparent` for one call (an attempt of a job), in the trace of `parent` (W3C Trace Context §3.2).

    Without a usable parent the trace id comes from the correlation id, so that all calls of an instance are in one
    trace even where nobody started any.
    """
    return tracing.trace_of(parent, correlation_id).parent(tracing.attempt_span(job_key, attempt))
