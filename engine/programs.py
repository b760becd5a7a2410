"""Deployed process definitions in memory: read and compiled once, then shared by all instances and threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bpmn import parser
from bpmn.interpreter import Program, compile_process
from bpmn.model import Element, ElementType, EventKind, Process
from bpmn.reading.source import NO_LANGUAGES, ScriptLanguages
from engine import schema, sight
from engine.errors import NotFound

CAPACITY = 500

_BY_KEY = (
    select(schema.definitions, schema.resources.c.content)
    .join(schema.resources, schema.resources.c.key == schema.definitions.c.resource_key)
    .where(schema.definitions.c.key == bindparam("key"))
)

UNSEEN = frozenset({ElementType.BOUNDARY_EVENT, ElementType.START_EVENT, ElementType.EVENT_SUB_PROCESS})

JOB, USER_TASK, TIMER, SUBSCRIPTION, CALL = "job", "user_task", "timer", "subscription", "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One version of a process, ready to run. `waits` says what each element may open while it waits."""

    key: int
    process_id: str
    version: int
    tenant_id: str
    deployment_key: int
    process: Process
    program: Program
    waits: Mapping[str, frozenset[str]]
    unseen_waits: frozenset[str]
    """What tokens may open that stand in no history row yet: armed boundary events and event sub-processes."""
    start_events: tuple[StartEvent, ...] = ()
    """Its typed start events, by their evaluated names."""

    @property
    def none_start(self) -> Element | None:
        """Its start event without a trigger."""
        node = self.program.spec.none_start
        return None if node is None else node.element

    @property
    def message_starts(self) -> list[StartEvent]:
        """The start events that a message triggers."""
        return [event for event in self.start_events if event.kind == EventKind.MESSAGE]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEvent:
    """A start event of a process that waits for something. `text` is the evaluated name, the timer's text, or the text
    of the condition."""

    element: Element
    kind: EventKind
    text: str
    timer_kind: str | None = None


def prepare(process: Process, *, key: int, version: int, tenant_id: str, deployment_key: int) -> Definition:
    """Compile a process.

    Raises `bpmn.interpreter.CompileError`, and `bpmn.expressions.EvaluationError` for a start event whose name or
    time needs variables, which do not exist before the start.
    """
    waits = {element.id: _waits_of(element, process) for element in process.elements.values()}
    listened = [flow.id for flow in process.flows.values() if flow.listeners]
    listened += [process.id] if process.listeners else []
    waits.update(dict.fromkeys(listened, frozenset({JOB})))
    return Definition(
        key=key, process_id=process.id, version=version, tenant_id=tenant_id, deployment_key=deployment_key,
        process=process, program=compile_process(process), waits=waits,
        unseen_waits=frozenset().union(
            *(waits[element.id] for element in process.elements.values() if element.type in UNSEEN)
        ),
        start_events=tuple(_start_events(process)),
    )


def _start_events(process: Process) -> Iterator[StartEvent]:
    for element in process.elements.values():
        if element.type != ElementType.START_EVENT or element.scope != process.id:
            continue
        for event in element.events:
            if event.kind == EventKind.TIMER and event.timer is not None:
                yield StartEvent(element=element, kind=event.kind, text=str(event.timer.evaluate({})),
                                 timer_kind=event.timer_kind)
            elif event.kind in (EventKind.MESSAGE, EventKind.SIGNAL) and event.name is not None:
                yield StartEvent(element=element, kind=event.kind, text=str(event.name.evaluate({})))
            elif event.kind == EventKind.CONDITIONAL and event.condition is not None:
                yield StartEvent(element=element, kind=event.kind, text=event.condition.text)


def _waits_of(element: Element, process: Process) -> frozenset[str]:
    found = set()
    if element.job or element.listeners or (element.user_task and element.user_task.job_based):
        found.add(JOB)
    if element.user_task or element.type == ElementType.USER_TASK:
        found.add(USER_TASK)
    if element.type == ElementType.CALL_ACTIVITY:
        found.add(CALL)
    events = list(element.events)
    if element.type == ElementType.EVENT_SUB_PROCESS:
        for inner in process.elements.values():
            if inner.scope == element.id and inner.type == ElementType.START_EVENT:
                events += inner.events
    if element.type == ElementType.EVENT_BASED_GATEWAY:
        # The gateway's own token waits for the events behind it.
        for flow in element.outgoing:
            events += process.elements[process.flows[flow].target].events
    kinds = {event.kind for event in events}
    if EventKind.TIMER in kinds:
        found.add(TIMER)
    if kinds & {EventKind.MESSAGE, EventKind.SIGNAL, EventKind.CONDITIONAL}:
        found.add(SUBSCRIPTION)
    return frozenset(found)


class Programs:
    """The definitions in use, least recently used ones dropped first. Safe for threads."""

    def __init__(self, scripts: ScriptLanguages = NO_LANGUAGES) -> None:
        self._scripts = scripts
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Definition] = OrderedDict()

    def get(self, connection: Connection, key: int) -> Definition:
        """The definition with this key; raises NotFound."""
        if sight.current() is not None and connection.execute(_BY_KEY, {"key": key}).first() is None:
            # Others may have read it already.
            raise NotFound(f"Expected to find a process definition with key {key}, but there is none.")
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        row = connection.execute(_BY_KEY, {"key": key}).one_or_none()
        if row is None:
            raise NotFound(f"Expected to find a process definition with key {key}, but there is none.")
        model, _ = parser.read(row.content, row.resource_name, self._scripts)
        process = next((p for p in model.processes if p.id == row.process_id), None) if model else None
        if process is None:
            # It was read when it was deployed, so this version of Partitur reads models differently, or allows fewer
            # languages of scripts.
            raise NotFound(f"Expected to read process {row.process_id!r} in {row.resource_name}, but it is not there.")
        definition = prepare(
            process, key=key, version=row.version, tenant_id=row.tenant_id, deployment_key=row.deployment_key
        )
        self.keep(definition)
        return definition

    def keep(self, definition: Definition) -> None:
        """Remember a definition."""
        with self._lock:
            self._kept[definition.key] = definition
            if len(self._kept) > CAPACITY:
                self._kept.popitem(last=False)
