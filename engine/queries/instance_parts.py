"""The tables of an instance, each in pages, narrowed to one element or to what there was at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, func, literal, select

from bpmn.interpreter import Execution
from engine import schema
from engine.errors import NotFound
from engine.queries import decisions, effects, instances, things
from engine.queries.decisions import EvaluationRow
from engine.queries.effects import EffectRow
from engine.queries.instance import InstanceDetail
from engine.queries.instances import InstanceRow
from engine.queries.paging import COUNTED, Page, page
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

if TYPE_CHECKING:
    from engine.engine import Engine

_e, _i, _v = schema.element_instances.c, schema.instances.c, schema.variables.c
_n, _j, _u = schema.incidents.c, schema.jobs.c, schema.user_tasks.c
_t, _s, _a = schema.timers.c, schema.subscriptions.c, schema.audit.c
_d = schema.decision_evaluations.c
_o, _m = schema.operations.c, schema.operation_items.c


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRow:
    """What one operation did, or is to do, to the instance: its item. `sentence` is what came of it."""

    key: int
    operation_key: int
    kind: str
    author: str
    reason: str | None
    planned_at: datetime
    state: str
    sentence: str | None
    changes: list[str]
    started_at: datetime | None
    ended_at: datetime | None


MOST_OPEN = 200
"""Open jobs, tasks and so on that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table of an instance.

    `owner` is the column with the key of the instance; `element` the one with an element's id, else `token` the one
    with the key of an element instance; `since` is when a row came to be.
    """

    statement: Select[Any]
    make: type[Any]
    owner: ColumnElement[Any]
    order: tuple[ColumnElement[Any], ...]
    element: ColumnElement[Any] | None = None
    token: ColumnElement[Any] | None = None
    since: ColumnElement[Any] | None = None


PARTS: Mapping[str, Part] = {
    "variables": Part(statement=things.VARIABLES, make=VariableRow, owner=_v.instance_key,
                      order=(_v.scope_key, _v.name), token=_v.scope_key),
    "incidents": Part(statement=things.INCIDENTS, make=IncidentRow, owner=_n.instance_key,
                      order=(_n.resolved_at.is_not(None), _n.key.desc()), element=_n.element_id, since=_n.created_at),
    "jobs": Part(statement=things.JOBS, make=JobRow, owner=_j.instance_key, order=(_j.key.desc(),),
                 element=_j.element_id, since=_j.created_at),
    "tasks": Part(statement=things.USER_TASKS, make=UserTaskRow, owner=_u.instance_key, order=(_u.key.desc(),),
                  element=_u.element_id, since=_u.created_at),
    "timers": Part(statement=things.TIMERS, make=TimerRow, owner=_t.instance_key, order=(_t.due_at, _t.key),
                   element=_t.element_id, since=_t.created_at),
    "subscriptions": Part(statement=things.SUBSCRIPTIONS, make=SubscriptionRow, owner=_s.instance_key,
                          order=(_s.key,), element=_s.element_id, since=_s.created_at),
    "called": Part(statement=select(_i.key), make=InstanceRow, owner=_i.parent_key, order=(_i.key.desc(),),
                   token=_i.parent_element_instance_key, since=_i.started_at),
    "decisions": Part(statement=decisions.EVALUATIONS, make=EvaluationRow, owner=_d.instance_key,
                      order=(_d.evaluated_at.desc(), _d.key.desc()), token=_d.element_instance_key,
                      since=_d.evaluated_at),
    "effects": Part(statement=effects.EFFECTS.where(_j.sent_at.is_not(None)), make=EffectRow, owner=_j.instance_key,
                    order=(_j.sent_at.desc(), _j.key.desc()), element=_j.element_id, since=_j.sent_at),
    "operations": Part(
        statement=select(
            _m.key, _m.operation_key, _o.kind, _o.author, _o.reason, _o.planned_at, _m.state, _m.sentence, _m.changes,
            _m.started_at, _m.ended_at,
        ).join(schema.operations, _o.key == _m.operation_key),
        make=DoneRow, owner=_m.instance_key, order=(_m.key.desc(),), since=_o.planned_at,
    ),
    "audit": Part(statement=things.AUDIT, make=AuditRow, owner=_a.instance_key, order=(_a.key.desc(),), since=_a.at),
}


def counts(engine: Engine, key: int, *, element: str = "", until: datetime | None = None) -> dict[str, int]:
    """How many rows each table of an instance has; one more than `COUNTED` if there are more than that."""
    columns = []
    for name, part in PARTS.items():
        matching = _narrowed(part, part.statement, key, element, until)
        matching = matching.with_only_columns(literal(1), maintain_column_froms=True).limit(COUNTED + 1)
        columns.append(select(func.count()).select_from(matching.subquery()).scalar_subquery().label(name))
    with engine.read() as connection:
        return dict(connection.execute(select(*columns)).one()._mapping)


def rows(engine: Engine, key: int, name: str, *, element: str = "", until: datetime | None = None, limit: int = 100,
         offset: int = 0) -> Page[Any]:
    """A part of one of the tables in `PARTS`."""
    part = PARTS[name]
    statement = instances.rows(engine.clock()) if name == "called" else part.statement
    with engine.read() as connection:
        return page(connection, _narrowed(part, statement, key, element, until).order_by(*part.order), part.make,
                    limit, offset)


def instance_of_timer(engine: Engine, timer_key: int) -> int:
    """The instance of an open timer. Raises NotFound."""
    with engine.read() as connection:
        key = connection.scalar(select(_t.instance_key).where(_t.key == timer_key))
    if key is None:
        raise NotFound(f"Expected to find an open timer of an instance with key {timer_key}, but there is none: it may "
                       f"have fired meanwhile.")
    return int(key)


def ancestors(engine: Engine, parent_key: int | None, most: int = 10) -> tuple[InstanceRow, ...]:
    """The instance that called another one, its own caller and so on: the outermost first, at most `most`."""
    found: list[InstanceRow] = []
    with engine.read() as connection:
        while parent_key is not None and len(found) < most:
            row = connection.execute(instances.rows(engine.clock()).where(_i.key == parent_key)).one_or_none()
            if row is None:
                break
            found.insert(0, InstanceRow(**row._mapping))
            parent_key = row.parent_key
    return tuple(found)


def tree_of_called(engine: Engine, root_key: int, most: int = 200) -> tuple[InstanceRow, ...]:
    """Every instance of a tree of callers and called ones, in the order in which they were started."""
    statement = instances.rows(engine.clock()).where(_i.root_key == root_key).order_by(_i.key).limit(most)
    with engine.read() as connection:
        return tuple(InstanceRow(**row._mapping) for row in connection.execute(statement))


def scopes(engine: Engine, keys: set[int]) -> dict[int, str]:
    """The element ids of element instances."""
    if not keys:
        return {}
    statement = select(_e.key, _e.element_id).where(_e.key.in_(keys))
    with engine.read() as connection:
        return {row.key: row.element_id for row in connection.execute(statement)}


def _narrowed(part: Part, statement: Select[Any], key: int, element: str, until: datetime | None) -> Select[Any]:
    statement = statement.where(part.owner == key)
    if element and part.element is not None:
        statement = statement.where(part.element == element)
    elif element and part.token is not None:
        # Asked row by row: an element may have been entered a hundred thousand times, a table has few rows.
        statement = statement.where(
            select(literal(1)).where(_e.key == part.token, _e.element_id == element).correlate_except(
                schema.element_instances).exists())
    if until is not None and part.since is not None:
        statement = statement.where(part.since <= until)
    return statement


def open_work(engine: Engine, row: InstanceRow, tokens: Sequence[ElementRow]) -> InstanceDetail:
    """What some tokens of an instance wait for, and its open incidents: an `InstanceDetail` without its past."""
    keys = [token.key for token in tokens]
    now = engine.clock()
    with engine.read() as connection:

        def read(name: str, *conditions: ColumnElement[bool]) -> tuple[Any, ...]:
            part = PARTS[name]
            statement = instances.rows(now) if name == "called" else part.statement
            found = connection.execute(statement.where(part.owner == row.key, *conditions).limit(MOST_OPEN))
            return tuple(part.make(**each._mapping) for each in found)

        return InstanceDetail(
            row=row, elements=tuple(tokens), elements_total=0, tokens=(), flows={}, completed={},
            variables=read("variables", _v.scope_key == row.key),
            incidents=read("incidents", _n.resolved_at.is_(None)),
            jobs=read("jobs", _j.element_instance_key.in_(keys), _j.ended_at.is_(None)),
            user_tasks=read("tasks", _u.element_instance_key.in_(keys), _u.ended_at.is_(None)),
            timers=read("timers"), subscriptions=read("subscriptions"),
            called=read("called", _i.parent_element_instance_key.in_(keys), _i.ended_at.is_(None)), audit=(),
        )


def hosts(engine: Engine, row: InstanceRow) -> dict[int, int]:
    """What each armed boundary event and event sub-process can end: its key → that of the activity, sub-process or
    instance. Only the saved tokens know; empty once the instance has ended."""
    with engine.read() as connection:
        saved = connection.scalar(select(_i.tokens).where(_i.key == row.key))
        if saved is None:
            return {}
        program = engine.programs.get(connection, row.definition_key).program
    run = Execution.load(program, saved, (), key=row.key, keys=count(-1, -1), has_caller=row.parent_key is not None)
    return run.hosts()
