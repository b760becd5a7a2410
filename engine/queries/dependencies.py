"""What a process needs from others, and what needs it: called processes, decisions, forms, services, events, times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from bpmn.expressions import Expression
from bpmn.model import Element, ElementType, EventKind, Process
from engine import schema
from engine.pauses import OF_PROCESS, Pause
from engine.queries import decisions, definitions, forms
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.engine import Engine

_t, _h = schema.timers.c, schema.held_starts.c


class Kind(StrEnum):
    """What is needed."""

    PROCESS = "process"
    DECISION = "decision"
    FORM = "form"
    SERVICE = "service"
    MESSAGE = "message"
    SIGNAL = "signal"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that an element of a process needs. `name` is None if it is computed at run time (`text` says how);
    `missing` if nothing of that name is deployed; `next_at` when a schedule is due next, if it is armed."""

    kind: Kind
    name: str | None
    text: str
    element_id: str
    element_name: str | None
    starts: bool = False
    """Whether it starts instances."""
    missing: bool = False
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An element of the newest version of a process that calls another one."""

    process_id: str
    process_name: str | None
    element_id: str
    element_name: str | None


def needs(engine: Engine, definition_key: int) -> tuple[Need, ...]:
    """What the elements of a definition need, in the order of the kinds, then of the diagram. Raises NotFound."""
    process = definitions.process(engine, definition_key)
    known = {
        Kind.PROCESS: {row.process_id for row in definitions.processes(engine, counted=False)},
        Kind.DECISION: {row.decision_id for row in decisions.newest(engine)},
        Kind.FORM: {row.form_id for row in forms.latest(engine)},
    }
    due = _armed(engine, definition_key)
    found: dict[tuple[Kind, str, str], Need] = {}
    for element in process.elements.values():
        for kind, written in _of_element(element):
            name = _static(written)
            need = Need(
                kind=kind, name=name, text=written if isinstance(written, str) else written.text,
                element_id=element.id, element_name=element.name, starts=_starts(element, process),
                missing=kind in known and name is not None and name not in known[kind],
                next_at=due.get(element.id) if kind is Kind.SCHEDULE else None,
            )
            found.setdefault((kind, need.text, element.id), need)
    order = list(Kind)
    return tuple(sorted(found.values(), key=lambda need: order.index(need.kind)))


def _starts(element: Element, process: Process) -> bool:
    return element.type is ElementType.START_EVENT and element.scope == process.id


def _static(written: Expression | str) -> str | None:
    if isinstance(written, str):
        return written
    return str(written.evaluate({})) if written.is_static else None


def _of_element(element: Element) -> Iterator[tuple[Kind, Expression | str]]:
    if element.called_process is not None:
        yield Kind.PROCESS, element.called_process.process_id
    if element.called_decision is not None:
        yield Kind.DECISION, element.called_decision.decision_id
    for form in (element.start_form, element.user_task.form if element.user_task else None):
        if form is not None and form.id is not None:
            yield Kind.FORM, form.id
    for job in (element.job, *(listener.job for listener in element.listeners)):
        if job is not None:
            yield Kind.SERVICE, job.type
    for event in element.events:
        if event.kind is EventKind.TIMER and event.timer is not None:
            yield Kind.SCHEDULE, event.timer
        elif event.kind in (EventKind.MESSAGE, EventKind.SIGNAL) and event.name is not None:
            yield (Kind.MESSAGE if event.kind is EventKind.MESSAGE else Kind.SIGNAL), event.name


def _armed(engine: Engine, definition_key: int) -> dict[str, datetime]:
    """When the timer start events of a definition are due."""
    with engine.read() as connection:
        rows = connection.execute(select(_t.element_id, _t.due_at).where(
            _t.definition_key == definition_key, _t.instance_key.is_(None)))
        return {row.element_id: row.due_at for row in rows}


def callers(engine: Engine, process_id: str, *, tenant_id: str = DEFAULT_TENANT) -> tuple[Caller, ...]:
    """The elements that call a process by its id, in the newest version of each process."""
    found = []
    for row in definitions.processes(engine, counted=False):
        if row.tenant_id != tenant_id:
            continue
        for element in definitions.process(engine, row.latest.key).elements.values():
            called = element.called_process
            if called is not None and _static(called.process_id) == process_id:
                found.append(Caller(process_id=row.process_id, process_name=row.name, element_id=element.id,
                                    element_name=element.name))
    return tuple(found)


def pause(engine: Engine, process_id: str, *, tenant_id: str = DEFAULT_TENANT) -> Pause | None:
    """Since when a process takes no new starts; None if it does."""
    with engine.read() as connection:
        row = connection.execute(OF_PROCESS, {"process_id": process_id, "tenant_id": tenant_id}).first()
        return Pause(**row._mapping) if row is not None else None


def paused(engine: Engine) -> dict[tuple[str, str], Pause]:
    """Every pause, by tenant and process id."""
    with engine.read() as connection:
        rows = connection.execute(select(schema.pauses)).all()
    return {(row.tenant_id, row.process_id): Pause(**row._mapping) for row in rows}


def held(engine: Engine, process_id: str, *, tenant_id: str = DEFAULT_TENANT) -> int:
    """How many events wait to start an instance of a paused process."""
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.held_starts).where(
            _h.process_id == process_id, _h.tenant_id == tenant_id)) or 0
