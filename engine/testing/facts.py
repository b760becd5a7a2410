"""What a test asks of an instance, read from the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from bpmn.model import Element, ElementType, EventKind, Process
from engine import schema
from engine.engine import Engine
from engine.states import ElementState

_e = schema.element_instances.c
_v = schema.variables.c

ENDING = frozenset({EventKind.ERROR, EventKind.ESCALATION, EventKind.TERMINATE, EventKind.CANCEL})
HISTORY = select(_e.key, _e.scope_key, _e.element_id, _e.state, _e.flow_id)
TOP_VARIABLES = select(_v.name, _v.value)


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to an element, and the sequence flow that led to it."""

    key: int
    scope_key: int
    element_id: str
    state: str
    flow_id: str | None


def history(engine: Engine, instance_key: int) -> list[Visit]:
    """The element instances of an instance, in the order in which they began."""
    with engine.read() as connection:
        return _history(connection, instance_key)


def trace_of(element: Element, process: Process) -> tuple[str, bool]:
    """How the history shows that an element was passed: the id of the element to look for, and whether it is enough
    that this one began.

    A compensation boundary event leaves no trace of its own, so its handler stands for it. An event that throws an
    error, an escalation, a termination or a cancellation may end its own scope, and itself, before it completes.
    """
    kinds = {event.kind for event in element.events}
    if EventKind.COMPENSATION in kinds and element.type == ElementType.BOUNDARY_EVENT:
        host = process.elements.get(element.attached_to or "")
        if host is not None and host.compensation_handler is not None:
            return host.compensation_handler, False
    throws = element.type in (ElementType.END_EVENT, ElementType.INTERMEDIATE_THROW_EVENT)
    return element.id, throws and not kinds.isdisjoint(ENDING)


def passed(visits: list[Visit], process: Process) -> set[str]:
    """The elements that were passed, and the sequence flows that were taken."""
    completed = {visit.element_id for visit in visits if visit.state == ElementState.COMPLETED}
    begun = {visit.element_id for visit in visits}
    found = {visit.flow_id for visit in visits if visit.flow_id is not None}
    for element in process.elements.values():
        traced, begun_is_enough = trace_of(element, process)
        if traced in (begun if begun_is_enough else completed):
            found.add(element.id)
    return found


def waiting(visits: list[Visit]) -> list[Visit]:
    """Those that are active and contain no other active one."""
    active = [visit for visit in visits if visit.state == ElementState.ACTIVE]
    scopes = {visit.scope_key for visit in active}
    return [visit for visit in active if visit.key not in scopes]


def variables(engine: Engine, instance_key: int) -> dict[str, Any]:
    """The variables at the top of an instance, by name."""
    statement = TOP_VARIABLES.where(_v.instance_key == instance_key, _v.scope_key == instance_key).order_by(_v.name)
    with engine.read() as connection:
        return {row.name: row.value for row in connection.execute(statement)}


def _history(connection: Connection, instance_key: int) -> list[Visit]:
    rows = connection.execute(HISTORY.where(_e.instance_key == instance_key).order_by(_e.position))
    return [Visit(*row) for row in rows]
