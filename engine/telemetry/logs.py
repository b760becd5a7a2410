"""Log lines say what they are about: the instance, the element, and the ids by which other systems know it."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from bpmn.inside import Inside
from engine.telemetry.tracing import trace_of


class Subject(NamedTuple):
    """What lines are about."""

    instance_key: int
    correlation_id: str
    trace_parent: str | None
    element_id: str | None
    job_key: int | None


_subject: ContextVar[Subject | None] = ContextVar("subject", default=None)


def about(instance_key: int, correlation_id: str, trace_parent: str | None, *, element_id: str | None = None,
          job_key: int | None = None) -> Inside[Subject | None]:
    """Every line that is logged inside, by whomever, carries these ids."""
    if job_key is None:
        outer = _subject.get()
        if outer is not None and outer.instance_key == instance_key:
            element_id, job_key = outer.element_id, outer.job_key
    return Inside(_subject, Subject(instance_key, correlation_id, trace_parent, element_id, job_key))


def with_ids(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Give a line the ids of what it is about; those that it has already stay. A processor of structlog."""
    subject = _subject.get()
    if subject is None:
        return line
    line.setdefault("instance_key", subject.instance_key)
    line.setdefault("correlation_id", subject.correlation_id)
    line.setdefault("trace_id", trace_of(subject.trace_parent, subject.correlation_id).id)
    if subject.element_id is not None:
        line.setdefault("element_id", subject.element_id)
    if subject.job_key is not None:
        line.setdefault("job_key", subject.job_key)
    return line
