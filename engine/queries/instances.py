"""Lists of instances."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from engine import schema
from engine.errors import InvalidInput
from engine.queries import conditions, orders, variables
from engine.queries.orders import SORTS as SORTS
from engine.queries.paging import COUNTED, MAX_LIMIT, Page, count
from engine.queries.variables import VariableCondition
from engine.states import ElementState, IncidentState, InstanceState

if TYPE_CHECKING:
    from engine.engine import Engine

_i = schema.instances.c
_d = schema.definitions.c
_e = schema.element_instances.c
_n = schema.incidents.c
_j = schema.jobs.c
_v = schema.variables.c
_m = schema.operation_items.c

AT_WORK = _e.state == literal_column(f"'{ElementState.ACTIVE}'")
OPEN_INCIDENT = _n.state == literal_column(f"'{IncidentState.ACTIVE}'")
"""Written out, as in the indexes of what is open."""

LARGEST = 2**31 - 1
"""The largest number that columns of small numbers hold; PostgreSQL compares them with no larger one."""

ANY = object()
"""A variable of any value."""

@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFilter:
    """Which instances; what is not set does not matter.

    `states` are words of `engine.queries.conditions.STATES`, any of which is enough; `element_id` is where a token
    is now; `error` a text in an open incident or in the last error of an open job; `fingerprint` that of an open
    incident (`engine.fingerprints`); `variable_value` is compared exactly and works for texts, numbers, booleans and
    null; `variables` says more of them, and all of it must be so; `retries_at_most` attempts are left for an open job
    that failed; `operation_key` is an operation that froze them, `operation_states` what became of them in it.
    """

    key: int | None = None
    keys: Collection[int] | None = None
    process_id: str | None = None
    version: int | None = None
    definition_key: int | None = None
    states: Collection[str] = ()
    element_id: str | None = None
    business_id: str | None = None
    correlation_id: str | None = None
    parent_key: int | None = None
    root_key: int | None = None
    error: str | None = None
    fingerprint: str | None = None
    end_reason: str | None = None
    started_from: datetime | None = None
    started_until: datetime | None = None
    ended_from: datetime | None = None
    ended_until: datetime | None = None
    variable_name: str | None = None
    variable_value: Any = ANY
    variables: Collection[VariableCondition] = ()
    retries_at_most: int | None = None
    tenant_id: str | None = None
    operation_key: int | None = None
    operation_states: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """One instance in a list."""

    key: int
    definition_key: int
    process_id: str
    process_name: str | None
    version: int
    tenant_id: str
    business_id: str | None
    state: str
    suspended_at: datetime | None
    incident_count: int
    waiting: bool
    retrying: bool
    stalled: bool
    in_doubt: bool
    held: bool
    snoozed: bool
    parent_key: int | None
    parent_element_instance_key: int | None
    root_key: int
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    correlation_id: str
    trace_parent: str | None
    tags: list[str] | None

    @property
    def status(self) -> str:
        """The one word of `STATES` that matters most."""
        if self.state != InstanceState.ACTIVE:
            return self.state.lower()
        for word, applies in (
            ("suspended", self.suspended_at is not None), ("in_doubt", self.in_doubt),
            ("incident", self.incident_count > 0),
            ("stalled", self.stalled), ("held", self.held), ("retrying", self.retrying), ("waiting", self.waiting),
        ):
            if applies:
                return word
        return "active"


def search(engine: Engine, filter: InstanceFilter, *, sort: str = "-started_at", limit: int = 50,
           offset: int = 0) -> Page[InstanceRow]:
    """The instances that a filter lets through. `sort` is an order of `engine.queries.orders`, with `-` in front for
    descending.

    Raises InvalidInput for an unknown state or sort.
    """
    now = engine.clock()
    descending, name = sort.startswith("-"), sort.removeprefix("-")
    with engine.read() as connection:
        wanted = where(filter, now, connection)
        everywhere = len(wanted) == 1 and _is_everywhere(filter, connection)
        total = COUNTED + 1 if everywhere else count(connection, select(_i.key).where(*wanted))
        asked = orders.Asked(connection, wanted, total, descending, now, conditions.phase(filter.states))
        # What is looked up for each row is not looked up for all that are sorted.
        keys = orders.keys(asked, name, min(limit, MAX_LIMIT), offset)
        found = connection.execute(rows(now).where(_i.key.in_(keys))) if keys else ()
        by_key = {row.key: InstanceRow(**row._mapping) for row in found}
        return Page(tuple(by_key[key] for key in keys if key in by_key), min(total, COUNTED), total > COUNTED)


def counts(engine: Engine, filters: Sequence[InstanceFilter]) -> list[int]:
    """How many instances each filter lets through; one more than `COUNTED` if there are more than that."""
    now = engine.clock()
    with engine.read() as connection:
        return [count(connection, select(_i.key).where(*where(each, now, connection))) for each in filters]


def rows(now: datetime) -> Select[Any]:
    """The statement whose rows are `InstanceRow`s."""
    words = [condition.label(word) for word, condition in conditions.of_one(now).items()]
    return select(
        _i.key, _i.definition_key, _i.process_id, _d.name.label("process_name"), _i.version, _i.tenant_id,
        _i.business_id, _i.state, _i.suspended_at, _i.incident_count, *words, _i.parent_key,
        _i.parent_element_instance_key, _i.root_key, _i.started_at, _i.ended_at, _i.end_reason, _i.correlation_id,
        _i.trace_parent, _i.tags,
    ).join(schema.definitions, _d.key == _i.definition_key)


def _within(number: int) -> int:
    return max(-LARGEST, min(number, LARGEST))


def where(filter: InstanceFilter, now: datetime, connection: Connection) -> list[ColumnElement[bool]]:
    """The conditions of a filter; raises InvalidInput for an unknown state."""
    found: list[ColumnElement[bool]] = []
    for name in ("key", "process_id", "version", "definition_key", "business_id", "correlation_id", "parent_key",
                 "root_key", "end_reason", "tenant_id"):
        value = getattr(filter, name)
        if value is not None:
            found.append(_i[name] == (_within(value) if name == "version" else value))
    if filter.keys is not None:
        found.append(_i.key.in_(list(filter.keys)))
    for column, start, end in ((_i.started_at, filter.started_from, filter.started_until),
                               (_i.ended_at, filter.ended_from, filter.ended_until)):
        if start is not None:
            found.append(column >= start)
        if end is not None:
            found.append(column < end)
    if filter.states:
        found.append(or_(*(_state(state, now) for state in filter.states)))
    return found + _elsewhere(filter, connection)


def _state(state: str, now: datetime) -> ColumnElement[bool]:
    try:
        return conditions.condition(state, now)
    except KeyError:
        words = ", ".join(conditions.STATES)
        raise InvalidInput(f"Expected a state out of {words}, but found {state!r}.") from None


def _elsewhere(filter: InstanceFilter, connection: Connection) -> list[ColumnElement[bool]]:
    """Conditions on what belongs to an instance."""
    found: list[ColumnElement[bool]] = []
    if filter.operation_key is not None:
        states = [_m.state.in_(list(filter.operation_states))] if filter.operation_states else []
        found.append(_i.key.in_(select(_m.instance_key).where(
            _m.operation_key == filter.operation_key, _m.instance_key.is_not(None), *states)))
    if filter.element_id is not None:
        here = (_e.element_id == filter.element_id, AT_WORK)
        found.append(conditions.ACTIVE)
        found.append(_any_of(connection, _at_element(filter), _has(_e.instance_key == _i.key, *here)))
    if filter.error:
        of_incidents = select(_n.instance_key).where(
            OPEN_INCIDENT, _n.message.icontains(filter.error, autoescape=True))
        of_jobs = select(_j.instance_key).where(
            _j.ended_at.is_(None), _j.error_message.is_not(None),
            _j.error_message.icontains(filter.error, autoescape=True))
        found.append(_i.key.in_(union_all(of_incidents, of_jobs)))
    if filter.fingerprint is not None:
        found.append(_any_of(connection, select(_n.instance_key).where(
            OPEN_INCIDENT, _n.fingerprint == filter.fingerprint)))
    if filter.retries_at_most is not None:
        found.append(_any_of(connection, select(_j.instance_key).where(
            _j.ended_at.is_(None), _j.error_message.is_not(None), _j.retries <= _within(filter.retries_at_most))))
    found.extend(_has_variable(condition, connection) for condition in _variables(filter))
    return found


def _at_element(filter: InstanceFilter) -> Select[int]:
    definitions = select(_d.key)
    for column, value in ((_d.key, filter.definition_key), (_d.process_id, filter.process_id)):
        if value is not None:
            definitions = definitions.where(column == value)
    # With the definitions, of which there are few, the index finds the element.
    return select(_e.instance_key).where(
        _e.definition_key.in_(definitions), _e.element_id == filter.element_id, AT_WORK)


def _variables(filter: InstanceFilter) -> list[VariableCondition]:
    wanted = list(filter.variables)
    if filter.variable_name is not None:
        wanted.append(VariableCondition(filter.variable_name) if filter.variable_value is ANY
                      else VariableCondition(filter.variable_name, "eq", filter.variable_value))
    return wanted


def _has_variable(condition: VariableCondition, connection: Connection) -> ColumnElement[bool]:
    belonging = variables.having(condition, connection)
    each = _has(_v.instance_key == _i.key, *variables.like(condition, connection, by_index=False))
    return _any_of(connection, belonging, each)


def _has(*such: ColumnElement[bool]) -> ColumnElement[bool]:
    # Not EXISTS: PostgreSQL would read all variables first, to look each instance up among them.
    return select(literal(1)).where(*such).limit(1).scalar_subquery().is_not(None)


def _is_everywhere(filter: InstanceFilter, connection: Connection) -> bool:
    """Whether more instances than are counted have the one variable that a filter asks for, so that none needs to be
    counted."""
    wanted = _variables(filter)
    if len(wanted) != 1:
        return False
    some = variables.having(wanted[0], connection).limit(COUNTED + 1).subquery()
    return (connection.scalar(select(func.count(some.c.instance_key.distinct()))) or 0) > COUNTED


def _any_of(connection: Connection, belonging: Select[int] | CompoundSelect[int],
            each: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """Whether an instance is among those that something belongs to.

    Few of them are looked up; where there are many, `each` instance is asked in the order of the list, until its part
    is full. The databases cannot know which is the case, so they are told the few by their keys.
    """
    if each is None:
        return _i.key.in_(belonging)
    keys = connection.scalars(belonging.limit(COUNTED + 1)).all()
    return each if len(keys) > COUNTED else _i.key.in_(set(keys))
