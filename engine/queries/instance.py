"""Everything about one instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import Connection, Select, func, select

from engine import masking, schema
from engine.errors import NotFound
from engine.queries import instances, things
from engine.queries.definitions import ElementCount
from engine.queries.instances import InstanceRow
from engine.queries.things import (
    AuditRow,
    ElementRow,
    IncidentRow,
    JobRow,
    SubscriptionRow,
    TimerRow,
    UserTaskRow,
    VariableRow,
)
from engine.states import ElementState

if TYPE_CHECKING:
    from engine.engine import Engine

Item = TypeVar("Item")

LIMIT = 1000
"""Rows of one kind that the page of an instance shows at most; `InstanceDetail.elements_total` tells of more."""

_e = schema.element_instances.c
_i = schema.instances.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementStatistics:
    """How often an element of an instance is active, completed and terminated, and how many incidents are there."""

    element_id: str
    active: int
    completed: int
    terminated: int
    incidents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceDetail:
    """One instance with all that belongs to it.

    `elements` is the history in order, at most the newest `LIMIT`. `tokens` counts where it is now; `flows` tells
    how often each sequence flow was taken, `completed` how often each element was completed.
    """

    row: InstanceRow
    elements: tuple[ElementRow, ...]
    elements_total: int
    tokens: tuple[ElementCount, ...]
    flows: dict[str, int]
    completed: dict[str, int]
    variables: tuple[VariableRow, ...]
    incidents: tuple[IncidentRow, ...]
    jobs: tuple[JobRow, ...]
    user_tasks: tuple[UserTaskRow, ...]
    timers: tuple[TimerRow, ...]
    subscriptions: tuple[SubscriptionRow, ...]
    called: tuple[InstanceRow, ...]
    audit: tuple[AuditRow, ...]


def get(engine: Engine, key: int) -> InstanceRow:
    """One instance; raises NotFound."""
    with engine.read() as connection:
        return _row(connection, engine, key)


def detail(engine: Engine, key: int) -> InstanceDetail:
    """One instance with everything; raises NotFound."""
    with engine.read() as connection:
        row = _row(connection, engine, key)
        newest = things.ELEMENTS.where(_e.instance_key == key).order_by(_e.position.desc()).limit(LIMIT)
        elements = _all(connection, newest, ElementRow)
        return InstanceDetail(
            row=row, elements=elements[::-1], elements_total=_count(connection, key),
            tokens=_tokens(connection, key), flows=_flows(connection, key), completed=_completed(connection, key),
            variables=_variables(connection, key),
            incidents=_of(connection, things.INCIDENTS, schema.incidents, key, IncidentRow),
            jobs=_of(connection, things.JOBS, schema.jobs, key, JobRow),
            user_tasks=_of(connection, things.USER_TASKS, schema.user_tasks, key, UserTaskRow),
            timers=_of(connection, things.TIMERS, schema.timers, key, TimerRow),
            subscriptions=_of(connection, things.SUBSCRIPTIONS, schema.subscriptions, key, SubscriptionRow),
            called=_all(connection, instances.rows(engine.clock()).where(_i.parent_key == key).order_by(_i.key)
                        .limit(LIMIT), InstanceRow),
            audit=_of(connection, things.AUDIT, schema.audit, key, AuditRow),
        )


def variables(engine: Engine, key: int, scope_key: int | None = None) -> dict[str, Any]:
    """The variables at the top of an instance, or those of one scope alone."""
    scope = key if scope_key is None else scope_key
    _v = schema.variables.c
    statement = select(_v.name, _v.value).where(_v.instance_key == key, _v.scope_key == scope).order_by(_v.name)
    with engine.read() as connection:
        return {row.name: masking.shown(row.value, row.name) for row in connection.execute(statement)}


def saved_tokens(engine: Engine, key: int) -> Any:
    """The tokens of an instance as the interpreter saved them (`bpmn.interpreter.state`); None once it has ended."""
    statement = select(_i.tokens).where(_i.key == key)
    with engine.read() as connection:
        content: bytes | None = connection.scalar(statement)
    return None if content is None else masking.shown(msgspec.msgpack.decode(content, strict=False))


def element_statistics(engine: Engine, key: int) -> tuple[ElementStatistics, ...]:
    """How often each element of an instance was and is active, in the order of their ids."""
    def of(state: ElementState) -> Any:
        return func.count().filter(_e.state == state.value)
    statement = (
        select(_e.element_id, of(ElementState.ACTIVE).label("active"), of(ElementState.COMPLETED).label("completed"),
               of(ElementState.TERMINATED).label("terminated"), func.count(_e.incident_key).label("incidents"))
        .where(_e.instance_key == key).group_by(_e.element_id).order_by(_e.element_id)
    )
    with engine.read() as connection:
        return _all(connection, statement, ElementStatistics)


def flows(engine: Engine, key: int) -> dict[str, int]:
    """How often each sequence flow of an instance was taken."""
    with engine.read() as connection:
        return _flows(connection, key)


def _row(connection: Connection, engine: Engine, key: int) -> InstanceRow:
    found = connection.execute(instances.rows(engine.clock()).where(_i.key == key)).one_or_none()
    if found is None:
        raise NotFound(f"Expected to find a process instance with key {key}, but there is none.")
    return InstanceRow(**found._mapping)


def _all(connection: Connection, statement: Select[Any], make: type[Item]) -> tuple[Item, ...]:
    return tuple(make(**row._mapping) for row in connection.execute(statement))


def _of(connection: Connection, statement: Select[Any], table: Any, key: int, make: type[Item]) -> tuple[Item, ...]:
    newest = statement.where(table.c.instance_key == key).order_by(table.c.key.desc()).limit(LIMIT)
    return _all(connection, newest, make)


def _variables(connection: Connection, key: int) -> tuple[VariableRow, ...]:
    _v = schema.variables.c
    statement = things.VARIABLES.where(_v.instance_key == key).order_by(_v.scope_key, _v.name).limit(LIMIT)
    return _all(connection, statement, VariableRow)


def _count(connection: Connection, key: int) -> int:
    statement = select(func.count()).select_from(schema.element_instances).where(_e.instance_key == key)
    return connection.scalar(statement) or 0


def _tokens(connection: Connection, key: int) -> tuple[ElementCount, ...]:
    statement = (
        select(_e.element_id, func.count().label("tokens"), func.count(_e.incident_key).label("incidents"))
        .where(_e.instance_key == key, _e.state == ElementState.ACTIVE.value).group_by(_e.element_id)
    )
    return _all(connection, statement, ElementCount)


def _flows(connection: Connection, key: int) -> dict[str, int]:
    statement = (
        select(_e.flow_id, func.count()).where(_e.instance_key == key, _e.flow_id.is_not(None)).group_by(_e.flow_id)
    )
    return {flow: count for flow, count in connection.execute(statement) if flow is not None}


def _completed(connection: Connection, key: int) -> dict[str, int]:
    statement = (
        select(_e.element_id, func.count())
        .where(_e.instance_key == key, _e.state == ElementState.COMPLETED.value).group_by(_e.element_id)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}
