"""Lists over all instances: user tasks, jobs, incidents, the audit trail."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, or_, select

from engine import schema
from engine.errors import NotFound
from engine.queries import things
from engine.queries.paging import Page, page, page_of
from engine.queries.tasks import OPEN, SORTS
from engine.queries.things import AuditRow, IncidentRow, JobRow, UserTaskRow
from engine.states import UserTaskState

if TYPE_CHECKING:
    from engine.engine import Engine

_j, _u, _n, _a = schema.jobs.c, schema.user_tasks.c, schema.incidents.c, schema.audit.c


def user_tasks(engine: Engine, *, assignee: str | None = None, unassigned: bool = False,
               candidate: str | None = None, groups: Collection[str] = (), process_id: str | None = None,
               instance_key: int | None = None, states: Collection[str] = (UserTaskState.CREATED,),
               limit: int = 50, offset: int = 0) -> Page[UserTaskRow]:
    """User tasks, the most urgent first: by priority, then due date, then age.

    `candidate` and `groups` give the tasks that this person may claim: named as a candidate, or in a candidate
    group, or open to everybody.
    """
    wanted = [column == value for column, value in (
        (_u.assignee, assignee), (_u.process_id, process_id), (_u.instance_key, instance_key)) if value is not None]
    if states:
        # Written out, as in the indexes of open ones.
        wanted.append(OPEN if {*states} == {UserTaskState.CREATED} else _u.state.in_(list(states)))
    if unassigned:
        wanted.append(_u.assignee.is_(None))
    if candidate is not None or groups:
        wanted.append(_may_claim(engine, candidate, groups))
    with engine.read() as connection:
        return page_of(connection, things.USER_TASKS, _u.key, UserTaskRow, where=wanted,
                       order=(*SORTS["urgent"], _u.key), limit=limit, offset=offset)


def _may_claim(engine: Engine, candidate: str | None, groups: Collection[str]) -> ColumnElement[bool]:
    contains = engine.database.json_contains
    everybody = (_u.candidate_users == []) & (_u.candidate_groups == [])
    named = [contains(_u.candidate_users, candidate)] if candidate is not None else []
    return or_(everybody, *named, *(contains(_u.candidate_groups, group) for group in groups))


def user_task(engine: Engine, key: int) -> UserTaskRow:
    """One user task; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(things.USER_TASKS.where(_u.key == key)).one_or_none()
    if row is None:
        raise NotFound(f"Expected to find a user task with key {key}, but there is none.")
    return UserTaskRow(**row._mapping)


def jobs(engine: Engine, *, types: Collection[str] = (), states: Collection[str] = (), process_id: str | None = None,
         instance_key: int | None = None, key: int | None = None, limit: int = 50,
         offset: int = 0) -> Page[JobRow]:
    """Jobs, the newest first."""
    wanted = [column == value for column, value in (
        (_j.process_id, process_id), (_j.instance_key, instance_key), (_j.key, key)) if value is not None]
    if types:
        wanted.append(_j.type.in_(list(types)))
    if states:
        wanted.append(_j.state.in_(list(states)))
    with engine.read() as connection:
        return page_of(connection, things.JOBS, _j.key, JobRow, where=wanted, order=(_j.key.desc(),), limit=limit,
                       offset=offset)


def job(engine: Engine, key: int) -> JobRow:
    """One job; raises NotFound."""
    found = jobs(engine, key=key).items
    if not found:
        raise NotFound(f"Expected to find a job with key {key}, but there is none.")
    return found[0]


def job_types(engine: Engine) -> dict[str, int]:
    """Open jobs per type."""
    statement = select(_j.type, func.count()).where(_j.ended_at.is_(None)).group_by(_j.type).order_by(_j.type)
    with engine.read() as connection:
        return {row[0]: row[1] for row in connection.execute(statement)}


def incidents(engine: Engine, *, states: Collection[str] = ("ACTIVE",), process_id: str | None = None,
              element_id: str | None = None, type: str | None = None, error: str | None = None,
              instance_key: int | None = None, key: int | None = None, limit: int = 50,
              offset: int = 0) -> Page[IncidentRow]:
    """Incidents, the newest first; open ones unless `states` says otherwise (empty: all)."""
    statement = things.INCIDENTS.order_by(_n.created_at.desc(), _n.key.desc())
    for column, value in ((_n.process_id, process_id), (_n.element_id, element_id), (_n.type, type),
                          (_n.instance_key, instance_key), (_n.key, key)):
        if value is not None:
            statement = statement.where(column == value)
    if states:
        statement = statement.where(_n.state.in_(list(states)))
    if error:
        statement = statement.where(_n.message.icontains(error, autoescape=True))
    with engine.read() as connection:
        return page(connection, statement, IncidentRow, limit, offset)


def incident(engine: Engine, key: int) -> IncidentRow:
    """One incident; raises NotFound."""
    found = incidents(engine, states=(), key=key).items
    if not found:
        raise NotFound(f"Expected to find an incident with key {key}, but there is none.")
    return found[0]


def audit(engine: Engine, *, actor: str | None = None, operation: str | None = None, entity: str | None = None,
          entity_key: int | None = None, instance_key: int | None = None, limit: int = 50,
          offset: int = 0) -> Page[AuditRow]:
    """The audit trail, the newest first."""
    statement = things.AUDIT.order_by(_a.at.desc(), _a.key.desc())
    for column, value in ((_a.actor, actor), (_a.operation, operation), (_a.entity, entity),
                          (_a.entity_key, entity_key), (_a.instance_key, instance_key)):
        if value is not None:
            statement = statement.where(column == value)
    with engine.read() as connection:
        return page(connection, statement, AuditRow, limit, offset)
