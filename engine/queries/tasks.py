"""The list of open tasks: what people may narrow it by, and how many tasks each of many narrowings finds.

Made for many open tasks: what matches is found in `user_tasks` and its small neighbours alone, and only the rows of one
part are joined with their instances; counts stop at a limit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, literal, literal_column, or_, select

from engine import masking, schema
from engine.database import Database
from engine.errors import InvalidInput
from engine.live import has_value
from engine.queries import merging, things
from engine.queries.criteria import Criterion, Special, condition
from engine.queries.instances import ANY
from engine.queries.paging import count
from engine.queries.things import UserTaskRow
from engine.states import InstanceState
from engine.tasks.candidates import GROUP, USER
from engine.wording import one_of, whatever_case

if TYPE_CHECKING:
    from engine.engine import Engine

_u, _c, _v = schema.user_tasks.c, schema.task_candidates.c, schema.variables.c
_i, _d = schema.instances.c, schema.definitions.c

OPEN: ColumnElement[bool] = _u.state == literal_column("'CREATED'")
"""Written out, not as a parameter: a generic plan (PostgreSQL, prepared statements) uses a partial index only so."""

COUNTED = 10_000
"""A list knows how long it is up to here."""
FEW = 1_000
"""Counts beside the names of lists go up to here."""

SORTS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "urgent": (_u.priority.desc(), _u.due_at.is_(None), _u.due_at, _u.created_at),
    "due": (_u.due_at.is_(None), _u.due_at, _u.priority.desc()),
    "follow-up": (_u.follow_up_at.is_(None), _u.follow_up_at, _u.priority.desc()),
    "newest": (_u.created_at.desc(),),
    "oldest": (_u.created_at,),
    "name": (func.coalesce(_u.name, _u.element_id), _u.created_at),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCriteria:
    """Which open tasks; what is not set does not matter.

    `offered_to` is somebody and his groups: the tasks that nobody has and that he may claim by being named. `text` is
    part of a task's name or element id, or of the business id of its instance. `variable_value` is compared exactly.
    """

    process_id: str | None = None
    tenant_id: str | None = None
    element_id: str | None = None
    text: str | None = None
    assignee: str | None = None
    unassigned: bool = False
    offered_to: tuple[str, Collection[str]] | None = None
    candidate_group: str | None = None
    due_from: datetime | None = None
    due_until: datetime | None = None
    without_due: bool = False
    follow_up_from: datetime | None = None
    follow_up_until: datetime | None = None
    priority_from: int | None = None
    priority_until: int | None = None
    variable_name: str | None = None
    variable_value: Any = ANY


@dataclass(frozen=True, slots=True)
class TaskPart:
    """Some tasks of a list. It is `total` long, or longer if `more`."""

    items: tuple[UserTaskRow, ...]
    total: int
    more: bool


def search(engine: Engine, criteria: TaskCriteria, *, sort: str = "urgent", limit: int = 50,
           offset: int = 0) -> TaskPart:
    """The open tasks that match. Raises InvalidInput for an unknown sort, or a value that cannot be searched for."""
    order = SORTS.get(sort)
    if order is None:
        raise InvalidInput(f"Expected to sort by one of {', '.join(SORTS)}, but found {sort!r}.")
    with engine.read() as connection:
        keys = matching(criteria, connection)
        if criteria.text:
            # Each open one may have to be looked at: once, and not again for the page.
            few = connection.scalars(keys.limit(COUNTED + 1)).all()
            total = len(few)
            if total <= COUNTED:
                keys = select(_u.key).where(one_of(_u.key, few, connection))
        else:
            total = count(connection, keys, COUNTED)
        part = keys.order_by(*order, _u.key).limit(limit).offset(offset)
        rows = things.USER_TASKS.where(_u.key.in_(part)).order_by(*order, _u.key)
        items = tuple(UserTaskRow(**row._mapping) for row in connection.execute(rows))
    return TaskPart(items, min(total, COUNTED), total > COUNTED)


def counts(engine: Engine, wanted: Sequence[TaskCriteria], most: int = FEW) -> list[int]:
    """How many open tasks match each of some criteria; `most` + 1 stands for more than `most`. Raises InvalidInput."""
    with engine.read() as connection:
        return [count(connection, matching(criteria, connection), most) for criteria in wanted]


def matching(criteria: TaskCriteria, connection: Connection) -> Select[Any]:
    """The keys of the tasks. Raises InvalidInput for a value that cannot be searched for."""
    conditions = [OPEN, *_people(criteria), *_ranges(criteria)]
    for column, value in ((_u.process_id, criteria.process_id), (_u.tenant_id, criteria.tenant_id),
                          (_u.element_id, criteria.element_id)):
        if value is not None:
            conditions.append(column == value)
    if criteria.variable_name is not None:
        conditions.append(_has_variable(criteria.variable_name, criteria.variable_value, connection))
    if criteria.text:
        conditions.append(_has_text(criteria.text, connection))
    return select(_u.key).where(*conditions)


def _has_text(text: str, connection: Connection) -> ColumnElement[bool]:
    """Whether a task or its instance is named so. If few instances in flight are, they are known by their keys, which
    an index has beside the business ids; else each is asked."""
    in_flight = select(_i.key).where(
        _i.definition_key.in_(select(_d.key)), merging.in_state(InstanceState.ACTIVE),
        whatever_case(_i.business_id, text, connection))
    keys = connection.scalars(in_flight.limit(COUNTED + 1)).all()
    if len(keys) <= COUNTED:
        of_instance = one_of(_u.instance_key, keys, connection)
    else:
        own = select(literal(1)).where(_i.key == _u.instance_key, whatever_case(_i.business_id, text, connection))
        of_instance = own.limit(1).scalar_subquery().is_not(None)
    return or_(*(whatever_case(column, text, connection) for column in (_u.name, _u.element_id)), of_instance)


def _has_variable(name: str, value: Any, connection: Connection) -> ColumnElement[bool]:
    """Whether the instance of a task has a variable in force. If few have one, they are known by their keys; else each
    is asked, because the databases would bring together all that have it, most of which ended long ago."""
    wanted = [~_v.ended]
    asked = [*wanted]
    if value is not ANY:
        masking.check_search(name, value)
        wanted.append(has_value(value))
        asked.append(has_value(value, by_index=False))
    named = select(_v.instance_key).where(_v.name == name, *wanted[1:])
    if count(connection, named) <= COUNTED:
        return one_of(_u.instance_key, {*connection.scalars(named.where(*wanted))}, connection)
    # Not EXISTS: PostgreSQL would make a join of it. By the index of instances, not by that of names.
    own = select(literal(1)).where(_v.instance_key == _u.instance_key, _v.name.concat("") == name, *asked)
    return own.limit(1).scalar_subquery().is_not(None)


def _people(criteria: TaskCriteria) -> list[ColumnElement[bool]]:
    found = []
    if criteria.assignee is not None:
        found.append(_u.assignee == criteria.assignee)
    if criteria.unassigned or criteria.offered_to is not None:
        found.append(_u.assignee.is_(None))
    if criteria.offered_to is not None:
        person, groups = criteria.offered_to
        found.append(candidate(or_(and_(_c.kind == USER, _c.name == person),
                                   and_(_c.kind == GROUP, _c.name.in_(groups)) if groups else false())))
    if criteria.candidate_group is not None:
        found.append(candidate(_c.kind == GROUP, _c.name == criteria.candidate_group))
    return found


def candidate(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """An open task has a candidate (a row of `task_candidates`) like this."""
    return _u.key.in_(select(_c.task_key).where(*conditions))


def _ranges(criteria: TaskCriteria) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, first, last in ((_u.due_at, criteria.due_from, criteria.due_until),
                                (_u.follow_up_at, criteria.follow_up_from, criteria.follow_up_until)):
        if first is not None:
            found.append(column >= first)
        if last is not None:
            found.append(column < last)
    if criteria.priority_from is not None:
        found.append(_u.priority >= criteria.priority_from)
    if criteria.priority_until is not None:
        found.append(_u.priority <= criteria.priority_until)
    if criteria.without_due:
        found.append(_u.due_at.is_(None))
    return found


def _with_candidate(kind: str) -> Special:
    """An open task that has some candidate (`eq`) or one of some (`in`); with True or False: any or none at all."""
    def made(_: Database, criterion: Criterion) -> ColumnElement[bool]:
        if isinstance(criterion.value, bool):
            found = candidate(_c.kind == kind)
            return found if criterion.value else ~found
        return candidate(_c.kind == kind, condition(_c.name, criterion))
    return made


def _involving(_: Database, criterion: Criterion) -> ColumnElement[bool]:
    """Somebody has it, owns it or may claim it."""
    named = candidate(_c.kind == USER, _c.name == criterion.value)
    return or_(_u.assignee == criterion.value, _u.owner == criterion.value, named)


def _follow_up_before(_: Database, criterion: Criterion) -> ColumnElement[bool]:
    return or_(_u.follow_up_at.is_(None), condition(_u.follow_up_at, criterion))


SPECIAL: Mapping[str, Special] = {
    "open": lambda _, criterion: OPEN if criterion.value else ~OPEN,
    "open_candidate_user": _with_candidate(USER), "open_candidate_group": _with_candidate(GROUP),
    "involved_user": _involving, "follow_up_or_none": _follow_up_before,
}
"""What the interfaces search open tasks by, beside their columns; by indexes, unlike the lists of candidates."""
