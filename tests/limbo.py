"""No limbo: whatever lives is explained. Every element that a token is at, in every database, is in one state.

An explanation is what goes on there (progressing), what is waited for (a worker, a person, an event, a called
instance, other tokens), when it is tried again, who holds it up (a held service, an operator who suspended it), or
which incident says what is wrong. Two that contradict each other are as bad as none. So is an explanation that nobody
will ever act on: a job or timer that is held back though its instance is not suspended, or that is in a partition of
others; a suspended token that has nothing to go on with; a called instance that nobody waits for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, select

from bpmn.model import ElementType
from engine import schema

P, E, J, U = schema.instances, schema.element_instances, schema.jobs, schema.user_tasks
T, S, N = schema.timers, schema.subscriptions, schema.incidents
LIVE = select(P.c.key).where(P.c.state == "ACTIVE")
MOVES_ON = ("progressing", "suspended", "incident", "in doubt", "held", "retrying", "at work", "for a worker",
            "for a person", "for an event", "for a called instance")
"""What brings a token on its way some day. An element that only waits for others needs one of these beside it."""
MEETINGS = {ElementType.PARALLEL_GATEWAY, ElementType.INCLUSIVE_GATEWAY}
READ = {
    "instances": select(P.c.key, P.c.process_id, P.c.suspended_at, P.c.steps, P.c.incident_count, P.c.parent_key,
                        P.c.parent_element_instance_key, P.c.partition_key).where(P.c.state == "ACTIVE"),
    "elements": select(E.c.key, E.c.instance_key, E.c.scope_key, E.c.element_id, E.c.type).where(
        E.c.state == "ACTIVE", E.c.instance_key.in_(LIVE)),
    "job": select(J.c.element_instance_key, J.c.state, J.c.type, J.c.kind, J.c.effect, J.c.repeatable,
                  J.c.error_message, J.c.key, J.c.instance_key, J.c.listener_event, J.c.suspended,
                  J.c.partition_key).where(J.c.ended_at.is_(None)),
    "task": select(U.c.element_instance_key, U.c.state).where(U.c.ended_at.is_(None)),
    "timer": select(T.c.element_instance_key, T.c.attached, T.c.instance_key, T.c.suspended,
                    T.c.partition_key).where(T.c.instance_key.is_not(None)),
    "subscription": select(S.c.element_instance_key, S.c.attached).where(S.c.instance_key.is_not(None)),
    "incident": select(N.c.element_instance_key, N.c.job_key, N.c.type).where(N.c.state == "ACTIVE"),
    "held": select(schema.holds.c.service),
    "deferred": select(schema.deferred.c.instance_key),
}
"""What is read of a database."""


@dataclass
class Found:
    """The rows of one database that tell why something waits."""

    instances: Mapping[int, Any]
    elements: Mapping[int, list[Any]]
    by_element: Mapping[int, list[tuple[str, Any]]]
    children: Mapping[int, list[int]]
    held: set[str]
    farewells: set[int]
    """Cancelled instances that stay until the listeners of their user tasks have heard of it."""
    answered: set[int]
    """Suspended instances to which something happened that is applied when they are resumed."""
    places: set[int]
    """The elements that tokens are at."""


def violations(connection: Connection) -> list[str]:
    """Everything that lives without one explanation, in sentences."""
    found = _read(connection)
    return [sentence for key, instance in found.instances.items() for sentence in _instance(found, key, instance)]


def rows_of(connection: Connection, statement: Executable) -> Sequence[Any]:
    """The rows of a statement that is always the same, as the driver gives them: it is compiled once, not each time."""
    return connection.exec_driver_sql(_written(statement, connection.dialect.name, connection.dialect)).fetchall()


_sql: dict[tuple[Executable, str], str] = {}


def _written(statement: Executable, name: str, dialect: Dialect) -> str:
    if (statement, name) not in _sql:
        _sql[statement, name] = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return _sql[statement, name]


def explanations(found: Found, instance: Any, element: Any) -> set[str]:
    """All that explains why a token is at an element."""
    if instance.suspended_at is not None:
        goes_on = instance.steps > 0 or instance.key in found.answered or _waiting(found, element)
        return {"suspended"} if goes_on else set()
    return {"progressing"} if instance.steps > 0 else _waiting(found, element)


def _waiting(found: Found, element: Any) -> set[str]:
    reasons = found.by_element[element.key]
    said = {_of(found, kind, row) for kind, row in reasons} - {""}
    if any(kind == "job" and row.kind == "BPMN_ELEMENT" for kind, row in reasons):
        said.discard("for a person")    # a task that a worker does: its job tells how it stands
    if element.key in found.children:
        said.add("for a called instance")
    if not said and any(other.scope_key == element.key for other in found.elements[element.instance_key]):
        said.add("for what is inside")
    if not said and element.type in MEETINGS:
        said.add("for other tokens")
    return said


def _read(connection: Connection) -> Found:
    rows = {name: rows_of(connection, statement) for name, statement in READ.items()}
    by_element: defaultdict[int, list[tuple[str, Any]]] = defaultdict(list)
    for kind in ("job", "task", "timer", "subscription", "incident"):
        for row in rows[kind]:
            by_element[row.element_instance_key].append((kind, row))
    elements: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows["elements"]:
        elements[row.instance_key].append(row)
    children: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows["instances"]:
        if row.parent_element_instance_key is not None:
            children[row.parent_element_instance_key].append(row.key)
    return Found({row.key: row for row in rows["instances"]}, elements, by_element, children,
                 {row.service for row in rows["held"]},
                 {row.instance_key for row in rows["job"] if row.listener_event == "CANCELING"},
                 {row.instance_key for row in rows["deferred"]}, {row.key for row in rows["elements"]})


def _of(found: Found, kind: str, row: Any) -> str:
    if kind in ("timer", "job") and not _is_served(found, row):
        return ""
    if kind in ("timer", "subscription"):
        # A boundary event explains nothing: it only watches.
        return "" if row.attached else "for an event"
    if kind == "task":
        # While its listeners are asked, their job explains the task.
        return "for a person" if row.state == "CREATED" else ""
    if kind == "incident":
        doubtful = any(k == "job" and r.key == row.job_key and r.effect == "IN_DOUBT" and not r.repeatable
                       for k, r in found.by_element[row.element_instance_key])
        return "in doubt" if doubtful else "incident"
    if row.state == "CREATED":
        if row.type in found.held:
            return "held"
        return "retrying" if row.error_message is not None else "for a worker"
    return "at work" if row.state == "ACTIVATED" else ""    # FAILED, ERROR_THROWN: the incident explains it


def _is_served(found: Found, row: Any) -> bool:
    """Whether somebody will look at a job or timer, once its instance is not suspended."""
    instance = found.instances.get(row.instance_key)
    return instance is None or (bool(row.suspended) == (instance.suspended_at is not None)
                                and row.partition_key == instance.partition_key)


def _instance(found: Found, key: int, instance: Any) -> Iterable[str]:
    where = f"instance {key} of {instance.process_id!r}"
    elements = found.elements[key]
    if key in found.farewells:
        return
    if not elements and instance.suspended_at is None and instance.steps == 0:
        yield f"{where} is at no element."
        return
    if instance.parent_element_instance_key is not None and instance.parent_element_instance_key not in found.places:
        yield f"{where} was called, and nobody waits for it."
    said = {element.key: explanations(found, instance, element) for element in elements}
    for element in elements:
        place = f"{where} at {element.element_id!r} ({element.type})"
        yield from _element(place, said[element.key])
        yield from _twice(place, found, element.key)
    moving = {word for words in said.values() for word in words} & set(MOVES_ON)
    if elements and not moving:
        yield f"{where} waits only for itself: {sorted(element.element_id for element in elements)}."


def _element(where: str, said: set[str]) -> Iterable[str]:
    if not said:
        yield f"{where} waits for nothing that is known."
    elif len(said) > 1:
        yield f"{where} is explained in more than one way: {', '.join(sorted(said))}."


def _twice(where: str, found: Found, key: int) -> Iterable[str]:
    counted = Counter(kind for kind, row in found.by_element[key] if kind in ("job", "task", "incident"))
    counted["called instance"] = len(found.children.get(key, ()))
    for kind, number in counted.items():
        if number > 1:
            yield f"{where} has {number} of what there is one of: {kind}."
