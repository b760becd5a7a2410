"""Spans: what a transaction brought to its end, for whoever shows traces (OpenTelemetry).

An instance, each element in it and each attempt of a job is a span: from its beginning, which may be long ago and on
another node, to its end. Ids come from keys, so that the parts of a trace find each other whoever tells of them. What
they are is read from the tables by the transaction that ends them, and told after its commit; as long as nobody asks
for traces, nothing of this costs anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import BindParameter, RowMapping, bindparam, select

from engine import schema
from engine.states import InstanceState, JobState
from engine.telemetry import tracing
from engine.telemetry.tracing import Trace

if TYPE_CHECKING:
    from engine.live import Live
    from engine.transaction import Transaction

INSTANCE, ELEMENT = "instance", "element"

_e, _i, _x = schema.element_instances.c, schema.instances.c, schema.incidents.c

_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_ELEMENTS = select(
    _e.key, _e.instance_key, _e.scope_key, _e.element_id, _e.type, _e.state, _e.started_at, _e.ended_at
).where(_e.key.in_(_KEYS)).order_by(_e.key)
_INCIDENTS = select(_x.element_instance_key, _x.type, _x.message, _x.created_at).where(
    _x.element_instance_key.in_(_KEYS)).order_by(_x.key)
_BEGINNINGS = select(_i.key, _i.started_at).where(_i.key.in_(_KEYS))
TOGETHER = 500
"""How many keys one statement asks for."""

_ATTEMPTS: Mapping[JobState, str] = {
    JobState.COMPLETED: "completed", JobState.CREATED: "retried", JobState.FAILED: "failed",
    JobState.ERROR_THROWN: "error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened during a span."""

    name: str
    at: datetime
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span that has ended. `calls_out` tells that it waited for somebody outside (OpenTelemetry: CLIENT);
    `error` is why it failed; `links` are the `traceparent`s of requests of other traces that ended it."""

    name: str
    trace: Trace
    id: str
    parent: str | None
    start: datetime
    end: datetime
    attributes: Mapping[str, str | int]
    calls_out: bool = False
    error: str | None = None
    events: Sequence[Event] = ()
    links: Sequence[str] = ()


class Sink(Protocol):
    """Takes spans; must not wait and must not raise."""

    def take(self, spans: Sequence[Span]) -> None:
        """Take spans of a transaction that is committed."""


@dataclass(slots=True)
class Noted:
    """What a transaction ended."""

    elements: list[int] = field(default_factory=list)
    attempts: list[Span] = field(default_factory=list)
    made: list[Span] = field(default_factory=list)

    def answered(self, tx: Transaction, job: RowMapping, state: JobState, message: str | None) -> None:
        """A worker answered an attempt of a job."""
        instance = tx.instance_rows[job["instance_key"]]
        trace = tracing.trace_of(instance["instance_trace_parent"], instance["instance_correlation_id"])
        attributes: dict[str, str | int] = {
            "partitur.job.key": job["key"], "partitur.job.type": job["type"], "partitur.job.attempt": job["attempt"],
            "partitur.outcome": _ATTEMPTS[state], "bpmn.element.id": job["element_id"],
        }
        attributes |= {name: instance[f"instance_{column}"] for name, column in _WHERE.items()}
        if job["locked_by"]:
            attributes["partitur.worker"] = job["locked_by"]
        self.attempts.append(Span(
            name=f"{job['type']} (attempt {job['attempt']})", trace=trace, calls_out=True,
            id=tracing.attempt_span(job["key"], job["attempt"]),
            parent=tracing.span_id(ELEMENT, job["element_instance_key"]),
            # Written when the worker took it.
            start=min(job["changed_at"], tx.now), end=tx.now, attributes=attributes,
            error=None if state is JobState.COMPLETED else message or _ATTEMPTS[state],
        ))

    def finish(self, tx: Transaction) -> None:
        """Make the spans, once everything is written."""
        ended = [live for live in tx.live.values() if live.state != InstanceState.ACTIVE]
        begun = {row.key: row.started_at for row in _rows(tx, _BEGINNINGS, [live.key for live in ended])}
        troubles: dict[int, list[Event]] = {}
        for row in _rows(tx, _INCIDENTS, self.elements):
            about = {"exception.type": row.type, "exception.message": row.message}
            event = Event(name="incident", at=row.created_at, attributes=about)
            troubles.setdefault(row.element_instance_key, []).append(event)
        made = list(self.attempts)
        for row in _rows(tx, _ELEMENTS, self.elements):
            live = tx.live.get(row.instance_key)
            if live is not None:
                made.append(_of_element(tx, live, row, troubles.get(row.key, ())))
        made += [_of_instance(tx, live, begun[live.key]) for live in ended if live.key in begun]
        self.made = [span for span in made if span.trace.is_sampled]


def _rows(tx: Transaction, statement: Any, keys: Sequence[int]) -> Iterable[Any]:
    for at in range(0, len(keys), TOGETHER):
        yield from tx.select(statement, {"keys": keys[at:at + TOGETHER]})


def _of_element(tx: Transaction, live: Live, row: Any, events: Sequence[Event]) -> Span:
    element = live.definition.process.elements.get(row.element_id)
    trace = tracing.trace_of(live.trace_parent, live.correlation_id)
    inside = row.scope_key != live.key
    return Span(
        name=(element.name if element is not None else None) or row.element_id, trace=trace,
        id=tracing.span_id(ELEMENT, row.key),
        parent=tracing.span_id(ELEMENT, row.scope_key) if inside else tracing.span_id(INSTANCE, live.key),
        start=row.started_at, end=row.ended_at or tx.now,
        attributes={
            "bpmn.element.id": row.element_id, "bpmn.element.type": row.type,
            "partitur.element_instance.key": row.key, "partitur.outcome": row.state.lower(), **_of(live),
        }, events=events, links=_links(tx, trace),
    )


def _of_instance(tx: Transaction, live: Live, started_at: datetime) -> Span:
    trace = tracing.trace_of(live.trace_parent, live.correlation_id)
    called = live.parent_token is not None
    attributes = {**_of(live), "partitur.outcome": live.state.value.lower()}
    if live.business_id:
        attributes["partitur.business.id"] = live.business_id
    if live.end_reason:
        attributes["partitur.end.reason"] = live.end_reason
    return Span(
        name=live.definition.process.name or live.definition.process_id, trace=trace,
        id=tracing.span_id(INSTANCE, live.key),
        parent=tracing.span_id(ELEMENT, live.parent_token or 0) if called else trace.outside,
        start=started_at, end=tx.now, attributes=attributes, links=_links(tx, trace),
    )


def _links(tx: Transaction, trace: Trace) -> tuple[str, ...]:
    """The request that this is done for, if it is of another trace: a message, a worker's answer, an operator."""
    request = tx.trace_parent
    return (request,) if request is not None and request.split("-")[1] != trace.id else ()


def _of(live: Live) -> dict[str, str | int]:
    return {
        "partitur.instance.key": live.key, "partitur.root.key": live.root_key,
        "partitur.process.id": live.definition.process_id, "partitur.process.version": live.definition.version,
        "partitur.tenant.id": live.tenant_id, "partitur.correlation.id": live.correlation_id,
    }


_WHERE: Mapping[str, str] = {
    "partitur.instance.key": "key", "partitur.root.key": "root_key", "partitur.process.id": "process_id",
    "partitur.process.version": "version", "partitur.tenant.id": "tenant_id",
    "partitur.correlation.id": "correlation_id",
}
"""The same from the columns of an instance's row."""
