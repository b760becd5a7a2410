"""Log lines say what they are about: the instance, the element, and the ids by which other systems know it."""

from __future__ import annotations

from contextlib import AbstractContextManager

import structlog

from engine.telemetry.tracing import trace_of


def about(instance_key: int, correlation_id: str, trace_parent: str | None, *, element_id: str | None = None,
          job_key: int | None = None) -> AbstractContextManager[None]:
    """Every line that is logged inside, by whomever, carries these ids."""
    ids: dict[str, object] = {
        "instance_key": instance_key, "correlation_id": correlation_id,
        "trace_id": trace_of(trace_parent, correlation_id).id,
    }
    if element_id is not None:
        ids["element_id"] = element_id
    if job_key is not None:
        ids["job_key"] = job_key
    return structlog.contextvars.bound_contextvars(**ids)
