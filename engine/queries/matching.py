"""Which instances a filter of a list means, as conditions of a statement."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from engine import schema
from engine.errors import InvalidInput
from engine.queries import conditions, variables
from engine.queries.paging import COUNTED
from engine.queries.variables import VariableCondition
from engine.states import ElementState, IncidentState, InstanceState
from engine.wording import one_of, within

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

EQUAL = ("process_id", "version", "definition_key", "business_id", "correlation_id", "parent_key", "root_key",
         "end_reason", "tenant_id")
"""Columns that a filter asks for one value of."""
OF_DEFINITION = ("process_id", "version", "definition_key", "tenant_id")
"""Those of them that say which definitions are meant (`engine.queries.merging`)."""

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


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A condition on what belongs to an instance: the keys of all who have it, some of them several times, and the same
    to be asked of `each` instance. `scans`: the keys are found by reading everything of that kind; `hasty` are then
    those that are found in a short time, unless there are more than so many of `long`."""

    belonging: Select[int] | CompoundSelect[int]
    each: ColumnElement[bool]
    scans: bool = False
    hasty: Select[int] | CompoundSelect[int] | None = None
    long: Select[int] | None = None


def where(filter: InstanceFilter, now: datetime, connection: Connection) -> list[ColumnElement[bool]]:
    """The conditions of a filter; raises InvalidInput for an unknown state."""
    found = [*of_columns(filter, but_for=OF_DEFINITION), *_of_keys(filter, connection)]
    if any(getattr(filter, name) is not None for name in OF_DEFINITION):
        # By the one index that has them all.
        found.append(_i.definition_key.in_(definitions(filter)))
    if filter.states:
        found.append(or_(*(of_state(state, now) for state in filter.states)))
    return found + [_any_of(connection, each) for each in elsewhere(filter, connection)]


def of_columns(filter: InstanceFilter,
               this: Callable[[ColumnElement[Any]], ColumnElement[Any]] = lambda column: column, *,
               but_for: Collection[str] = ()) -> list[ColumnElement[bool]]:
    """What is asked of columns, each of which is said as `this` says it."""
    found: list[ColumnElement[bool]] = []
    for name in EQUAL:
        if name in but_for:
            continue
        value = getattr(filter, name)
        if value is not None:
            found.append(this(_i[name]) == (within(value) if name == "version" else value))
    for column, start, end in ((_i.started_at, filter.started_from, filter.started_until),
                               (_i.ended_at, filter.ended_from, filter.ended_until)):
        if start is not None or end is not None:
            meant = this(column)
            found.append(and_(*([meant >= start] if start is not None else []),
                              *([meant < end] if end is not None else [])))
    if filter.element_id is not None and "state" not in but_for:
        found.append(conditions.ACTIVE if this(_i.state) is _i.state else this(_i.state) == conditions.WORD_ACTIVE)
    return found


def definitions(filter: InstanceFilter) -> Select[int]:
    """The keys of the definitions that a filter means."""
    found = select(_d.key)
    for name in OF_DEFINITION:
        value = getattr(filter, name)
        if value is not None:
            found = found.where(_d[name.replace("definition_", "")] == (within(value) if name == "version" else value))
    return found


def states_of(filter: InstanceFilter) -> tuple[str, ...]:
    """The states that instances may be in."""
    if filter.element_id is not None:
        return (InstanceState.ACTIVE.value,)
    meant = {word.upper() if word in conditions.ENDED else InstanceState.ACTIVE.value for word in filter.states}
    return tuple(state.value for state in InstanceState if not meant or state.value in meant)


def keys_of(filter: InstanceFilter) -> set[int] | None:
    """The keys that a filter names, if it names any."""
    named = None if filter.keys is None else set(filter.keys)
    if filter.key is None:
        return named
    return {filter.key} if named is None or filter.key in named else set()


def of_state(state: str, now: datetime) -> ColumnElement[bool]:
    """The condition of a word; raises InvalidInput for an unknown one."""
    try:
        return conditions.condition(state, now)
    except KeyError:
        words = ", ".join(conditions.STATES)
        raise InvalidInput(f"Expected a state out of {words}, but found {state!r}.") from None


def elsewhere(filter: InstanceFilter, connection: Connection) -> list[Elsewhere]:
    """The conditions on what belongs to an instance, those first that are looked up quickly."""
    found: list[Elsewhere] = []
    if filter.operation_key is not None:
        meant = [_m.operation_key == filter.operation_key]
        if filter.operation_states:
            meant.append(_m.state.in_(list(filter.operation_states)))
        # The report of an operation outlives instances.
        found.append(Elsewhere(select(_m.instance_key).join(schema.instances, _i.key == _m.instance_key).where(*meant),
                               _has(_m.instance_key == _i.key, *meant)))
    if filter.element_id is not None:
        here = (_e.element_id == filter.element_id, AT_WORK)
        found.append(Elsewhere(_at_element(filter), _has(_e.instance_key == _i.key, *here)))
    if filter.fingerprint is not None:
        found.append(Elsewhere(
            select(_n.instance_key).where(OPEN_INCIDENT, _n.fingerprint == filter.fingerprint),
            _has(_n.instance_key == _i.key, OPEN_INCIDENT, _n.fingerprint.concat("") == filter.fingerprint)))
    failed = (_j.ended_at.is_(None), _j.error_message.is_not(None))
    if filter.retries_at_most is not None:
        left = _j.retries <= within(filter.retries_at_most)
        found.append(Elsewhere(select(_j.instance_key).where(*failed, left),
                               _has(_j.instance_key == _i.key, *failed, left)))
    if filter.error:
        of_incident = (OPEN_INCIDENT, _n.message.icontains(filter.error, autoescape=True))
        of_job = (*failed, _j.error_message.icontains(filter.error, autoescape=True))
        found.append(Elsewhere(
            union_all(select(_n.instance_key).where(*of_incident), select(_j.instance_key).where(*of_job)),
            or_(_has(_n.instance_key == _i.key, *of_incident), _has(_j.instance_key == _i.key, *of_job))))
    found += (_of_variable(condition, connection) for condition in variables_of(filter))
    return sorted(found, key=lambda each: each.scans)


def variables_of(filter: InstanceFilter) -> list[VariableCondition]:
    """All conditions on variables."""
    wanted = list(filter.variables)
    if filter.variable_name is not None:
        wanted.append(VariableCondition(filter.variable_name) if filter.variable_value is ANY
                      else VariableCondition(filter.variable_name, "eq", filter.variable_value))
    return wanted


def _of_variable(condition: VariableCondition, connection: Connection) -> Elsewhere:
    each = _has(_v.instance_key == _i.key, *variables.like(condition, connection, by_index=False))
    if condition.operator != "contains":
        return Elsewhere(variables.having(condition, connection), each)
    return Elsewhere(variables.having(condition, connection), each, scans=True,
                     hasty=variables.having(condition, connection, hasty=True), long=variables.long_ones(condition))


def _of_keys(filter: InstanceFilter, connection: Connection) -> list[ColumnElement[bool]]:
    keys = keys_of(filter)
    return [] if keys is None else [one_of(_i.key, keys, connection)]


def _at_element(filter: InstanceFilter) -> Select[int]:
    definitions = select(_d.key)
    for column, value in ((_d.key, filter.definition_key), (_d.process_id, filter.process_id)):
        if value is not None:
            definitions = definitions.where(column == value)
    # With the definitions, of which there are few, the index finds the element.
    return select(_e.instance_key).where(
        _e.definition_key.in_(definitions), _e.element_id == filter.element_id, AT_WORK)


def _has(*such: ColumnElement[bool]) -> ColumnElement[bool]:
    # Not EXISTS: PostgreSQL would read all variables first, to look each instance up among them.
    return select(literal(1)).where(*such).limit(1).scalar_subquery().is_not(None)


def _any_of(connection: Connection, condition: Elsewhere) -> ColumnElement[bool]:
    """Whether an instance is among those that something belongs to.

    Few of them are looked up; where there are many, each instance is asked. The databases cannot know which is the
    case, so they are told the few by their keys.
    """
    keys = connection.scalars(condition.belonging.limit(COUNTED + 1)).all()
    return condition.each if len(keys) > COUNTED else one_of(_i.key, set(keys), connection)
