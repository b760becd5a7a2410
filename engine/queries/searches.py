"""What can be searched: the fields of each kind of thing, in the engine's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from engine import masking, schema
from engine.database import Database
from engine.errors import InvalidInput
from engine.live import has_value, lookup
from engine.queries import by_name, conditions, ordering, tasks, things, variables
from engine.queries.among import among, of_process
from engine.queries.criteria import Criterion, Searchable, condition
from engine.queries.things import ElementRow, IncidentRow, JobRow, SubscriptionRow, UserTaskRow, VariableRow
from engine.states import ElementState, InstanceState, JobState
from engine.work.effects import LOCK_EXPIRED

_i, _d, _j, _u = schema.instances.c, schema.definitions.c, schema.jobs.c, schema.user_tasks.c
_n, _s, _e, _v = schema.incidents.c, schema.subscriptions.c, schema.element_instances.c, schema.variables.c

SUSPENDED = "SUSPENDED"
RETRYING = "RETRYING"
"""Job: its last attempt failed, others are left."""
TIMED_OUT = "TIMED_OUT"
"""Job: the lock of its last worker ran out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundInstance:
    """One instance. `standing` is its state, or SUSPENDED; `has_incident` counts those of instances it called."""

    key: int
    definition_key: int
    process_id: str
    process_name: str | None
    version: int
    version_tag: str | None
    tenant_id: str
    business_id: str | None
    standing: str
    suspended_at: datetime | None
    has_incident: bool
    parent_key: int | None
    parent_element_instance_key: int | None
    root_key: int
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    tags: list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundElement(ElementRow):
    """One element instance, and where it belongs."""

    instance_key: int
    root_key: int
    definition_key: int
    process_id: str
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVariable(VariableRow):
    """One variable, and where it belongs."""

    instance_key: int
    definition_key: int
    root_key: int
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundJob(JobRow):
    """One job. `standing` is its state, RETRYING or TIMED_OUT."""

    root_key: int
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundUserTask(UserTaskRow):
    """One user task, and where it belongs."""

    root_key: int
    tags: list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIncident(IncidentRow):
    """One incident, and where it belongs."""

    root_key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSubscription(SubscriptionRow):
    """One open subscription; without `instance_key` it is a start event."""

    instance_key: int | None
    root_key: int | None
    definition_key: int
    process_id: str
    process_name: str | None
    version: int
    business_id: str | None
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDefinition:
    """One version of a process. `paused`: it takes no new starts (engine.pausing)."""

    key: int
    process_id: str
    name: str | None
    version: int
    version_tag: str | None
    resource_name: str
    deployment_key: int
    tenant_id: str
    history_days: int | None
    latest: bool
    paused: bool


def _own(table: Table) -> dict[str, ColumnElement[Any]]:
    """Every plain column of a table by its name."""
    return {column.name: column for column in table.c}


_standing_of_instance = case(
    (and_(_i.state == InstanceState.ACTIVE.value, _i.suspended_at.is_not(None)), literal(SUSPENDED)), else_=_i.state,
)
_inner = schema.instances.alias("inner_instances")
_outer = schema.instances.alias("outer_instances")
_has_incident = or_(
    _i.incident_count > 0,
    and_(_i.parent_key.is_(None), exists().where(_inner.c.root_key == _i.key, _inner.c.incident_count > 0)),
    exists().where(_inner.c.parent_key == _i.key, _inner.c.incident_count > 0),
)
_incidents_inside = or_(
    _i.incident_count > 0,
    _i.key.in_(select(_inner.c.root_key).where(_inner.c.incident_count > literal_column("0"))),
    _i.key.in_(select(_inner.c.parent_key).where(
        _inner.c.incident_count > literal_column("0"), _inner.c.parent_key.is_not(None))),
)
"""The same, to be asked of very many: by those few that have incidents, in whose index they are."""
_standing_of_job = case(
    (and_(_j.state == JobState.CREATED.value, _j.error_code == LOCK_EXPIRED), literal(TIMED_OUT)),
    (and_(_j.state == JobState.CREATED.value, _j.error_message.is_not(None), _j.attempt > 0), literal(RETRYING)),
    else_=_j.state,
)
_newer = schema.definitions.alias("newer_definitions")
_is_latest = ~exists().where(
    _newer.c.process_id == _d.process_id, _newer.c.tenant_id == _d.tenant_id, _newer.c.version > _d.version
)

_is_paused = exists().where(
    schema.pauses.c.process_id == _d.process_id, schema.pauses.c.tenant_id == _d.tenant_id)


def _has_variable(of: ColumnElement[Any], scope: ColumnElement[Any] | None = None) -> Any:
    """A variable by `(name, criteria on its value)`, in the whole instance or in one scope."""
    def made(database: Database, criterion: Criterion) -> ColumnElement[bool]:
        name, criteria = criterion.value
        for each in criteria:
            if each.operator != "exists":
                masking.check_search(name, each.value)
        wanted = [_v.name == name, *(_of_value(database, each) for each in criteria)]
        if scope is not None:
            wanted.append(_v.scope_key == scope)
        # By the index of instances, not by that of names, in which very many have this one.
        each = exists().where(_v.instance_key == of, _v.name.concat("") == name, *wanted[1:])
        if scope is None:
            return among(database, of, select(_v.instance_key).where(*wanted), each)
        if any(each.operator == "eq" for each in criteria):
            # An index finds who has a value; nobody is asked whether he has.
            return of.in_(select(_v.instance_key).where(*wanted))
        return each
    return made


def _of_value(database: Database, criterion: Criterion) -> ColumnElement[bool]:
    """A variable's value, compared as JSON; patterns look at the beginning of plain ones."""
    value = criterion.value
    if criterion.operator in ("eq", "neq"):
        same = _v.value == value if lookup(value) is None else has_value(value)
        return same if criterion.operator == "eq" else ~same
    if criterion.operator in ("in", "not_in"):
        any_of = or_(*(_of_value(database, Criterion(criterion.field, "eq", each)) for each in value))
        return any_of if criterion.operator == "in" else ~any_of
    if criterion.operator == "exists":
        return _v.key.is_not(None) if value else _v.key.is_(None)
    if criterion.operator == "like":
        return condition(_v.lookup, criterion)
    raise InvalidInput(f"Expected values of variables not to be ordered, but found {criterion.operator!r}.")


def _of_seen_value(database: Database, criterion: Criterion) -> ColumnElement[bool]:
    """The same of a variable whose name may be any: nobody finds those whose values are hidden."""
    found, mask = _of_value(database, criterion), masking.of_searches()
    if mask is None or criterion.operator == "exists":
        return found
    if mask.value(criterion.value) != criterion.value:
        raise InvalidInput("Expected a value with nothing in it that is hidden, but something is.")
    hidden = [name for name in variables.names(database) if mask.hides(name)]
    return and_(found, _v.name.not_in(hidden)) if hidden else found


def _in_standing(_: Database, criterion: Criterion) -> ColumnElement[bool]:
    """Is in one of some standings; said of the columns alone where possible, so that their index is used."""
    if criterion.operator not in ("eq", "in"):
        return condition(_standing_of_instance, criterion)
    wanted = [criterion.value] if criterion.operator == "eq" else criterion.value
    active = conditions.ACTIVE
    meanings = {SUSPENDED: and_(active, _i.suspended_at.is_not(None)),
                InstanceState.ACTIVE.value: and_(active, _i.suspended_at.is_(None))}
    return or_(false(), *(meanings.get(each, _i.state == each) for each in wanted))


def _has_element(database: Database, criterion: Criterion) -> ColumnElement[bool]:
    """An element instance that fits criteria of its own."""
    wanted = ELEMENTS.where(database, criterion.value)
    found = exists().where(_e.instance_key == _i.key, *wanted)
    if Criterion("state", "eq", ElementState.ACTIVE.value) not in criterion.value:
        return found
    # What is active is in an index that begins with the definition, and in active instances only.
    here = _e.definition_key.in_(select(_d.key))
    return and_(conditions.ACTIVE, among(database, _i.key, select(_e.instance_key).where(here, *wanted), found))


def _has_open_job(database: Database, criterion: Criterion) -> ColumnElement[bool]:
    such = (_j.ended_at.is_(None), _j.error_message.is_not(None), _j.retries > 0)
    found = among(database, _i.key, select(_j.instance_key).where(*such),
                   exists().where(_j.instance_key == _i.key, *such))
    return found if criterion.value else ~found


def _has_error(database: Database, criterion: Criterion) -> ColumnElement[bool]:
    such = condition(_n.message, criterion)
    return among(database, _i.key, select(_n.instance_key).where(such),
                  exists().where(_n.instance_key == _i.key, such))


def _contains(column: ColumnElement[Any]) -> Callable[[Database, Criterion], ColumnElement[bool]]:
    """A list that has a text in it (`eq`), any of some (`in`), all of some (`all`)."""
    def made(database: Database, criterion: Criterion) -> ColumnElement[bool]:
        value = criterion.value
        if criterion.operator == "eq":
            return database.json_contains(column, value)
        if criterion.operator == "in":
            return or_(*(database.json_contains(column, each) for each in value))
        if criterion.operator == "all":
            return and_(*(database.json_contains(column, each) for each in value))
        raise InvalidInput(f"Expected eq or in for {criterion.field!r}, but found {criterion.operator!r}.")
    return made


def _about(_: Database, criterion: Criterion) -> ColumnElement[bool]:
    """By the key of the job that failed, or of the incident itself where none did."""
    return condition(func.coalesce(_n.job_key, _n.key), criterion)


def _below(table: Table) -> Callable[[Database, Criterion], ColumnElement[bool]]:
    """Belongs to an instance or to one that it called, at any depth."""
    def made(_: Database, criterion: Criterion) -> ColumnElement[bool]:
        tree = select(_outer.c.key).where(_outer.c.key == criterion.value).cte("tree", recursive=True)
        tree = tree.union_all(select(_inner.c.key).join(tree, _inner.c.parent_key == tree.c.key))
        return table.c.instance_key.in_(select(tree.c.key))
    return made


def _awaits(kind: str) -> Callable[[Database, Criterion], ColumnElement[bool]]:
    """Whether an element waits for a message or a signal of a name."""
    return lambda _, criterion: _e.key.in_(select(_s.element_instance_key).where(
        _s.kind == kind, _s.name == criterion.value, _s.instance_key.is_not(None)))


def _visible(_: Database, criterion: Criterion) -> ColumnElement[bool]:
    """Seen through a chain of scopes, innermost first: an inner variable hides the outer ones of its name."""
    def place(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return case({key: index for index, key in enumerate(criterion.value)}, value=column)
    hiding = schema.variables.alias("hiding_variables")
    return and_(_v.scope_key.in_(criterion.value), ~exists().where(
        hiding.c.instance_key == _v.instance_key, hiding.c.name == _v.name,
        hiding.c.scope_key.in_(criterion.value), place(hiding.c.scope_key) < place(_v.scope_key),
    ))


INSTANCES = Searchable(
    statement=select(
        _i.key, _i.definition_key, _i.process_id, _d.name.label("process_name"), _i.version, _d.version_tag,
        _i.tenant_id, _i.business_id, _standing_of_instance.label("standing"), _i.suspended_at,
        _has_incident.label("has_incident"), _i.parent_key, _i.parent_element_instance_key, _i.root_key,
        _i.started_at, _i.ended_at, _i.end_reason, _i.tags,
    ).join(schema.definitions, _d.key == _i.definition_key),
    make=FoundInstance, key=_i.key,
    fields=_own(schema.instances) | {
        "process_name": _d.name, "version_tag": _d.version_tag, "standing": _standing_of_instance,
        "has_incident": _incidents_inside,
    },
    special={
        "tags": _contains(_i.tags), "variable": _has_variable(_i.key), "element": _has_element, "error": _has_error,
        "standing": _in_standing, "retrying": _has_open_job,
        **dict.fromkeys(ordering.OF_DEFINITION, ordering.of_definition),
    },
    keys=ordering.keys,
)
ELEMENTS = Searchable(
    statement=things.ELEMENTS.add_columns(
        _e.instance_key, _i.root_key, _e.definition_key, _i.process_id, _i.tenant_id,
    ).join(schema.instances, _i.key == _e.instance_key),
    make=FoundElement, key=_e.key,
    fields=_own(schema.element_instances) | {
        "process_id": _i.process_id, "tenant_id": _i.tenant_id, "has_incident": _e.incident_key.is_not(None),
    },
    special={
        "process_id": of_process(_e.instance_key, _d.process_id, _i.process_id),
        "tenant_id": of_process(_e.instance_key, _d.tenant_id, _i.tenant_id),
        "awaits_message": _awaits("MESSAGE"), "awaits_signal": _awaits("SIGNAL"),
    },
    order=(("instance_key", False), ("position", False)),
)
VARIABLES = Searchable(
    statement=things.VARIABLES.add_columns(_v.instance_key, _i.definition_key, _i.root_key, _i.tenant_id)
    .join(schema.instances, _i.key == _v.instance_key),
    make=FoundVariable, key=_v.key,
    fields={"key": _v.key, "name": _v.name, "scope_key": _v.scope_key, "instance_key": _v.instance_key,
            "definition_key": _i.definition_key, "process_id": _i.process_id, "tenant_id": _i.tenant_id,
            "lookup": _v.lookup, "changed_at": _v.changed_at, "ended": _v.ended, "instance_state": _i.state},
    special={
        "value": _of_seen_value, "visible_through": _visible,
        "process_id": of_process(_v.instance_key, _d.process_id, _i.process_id),
        "tenant_id": of_process(_v.instance_key, _d.tenant_id, _i.tenant_id),
    },
    frequent={"name": _v.name.concat("")}, keys=by_name.keys,
)
JOBS = Searchable(
    statement=things.JOBS.add_columns(_i.root_key, _standing_of_job.label("standing")),
    make=FoundJob, key=_j.key,
    fields=_own(schema.jobs) | {
        "standing": _standing_of_job, "retrying": _standing_of_job == RETRYING,
    },
    special={"free_at": lambda _, criterion: or_(_j.locked_until.is_(None), _j.locked_until <= criterion.value)},
)
USER_TASKS = Searchable(
    statement=things.USER_TASKS.add_columns(_i.root_key, _i.tags),
    make=FoundUserTask, key=_u.key,
    fields=_own(schema.user_tasks) | {"business_id": _i.business_id, "suspended_at": _i.suspended_at},
    special={
        "candidate_user": _contains(_u.candidate_users), "candidate_group": _contains(_u.candidate_groups),
        "tags": _contains(_i.tags), "variable": _has_variable(_u.instance_key, _u.instance_key),
        "local_variable": _has_variable(_u.instance_key, _u.element_instance_key),
        **tasks.SPECIAL,
    },
)
INCIDENTS = Searchable(
    statement=things.INCIDENTS.add_columns(_i.root_key),
    make=FoundIncident, key=_n.key, fields=_own(schema.incidents),
    special={"tree": _below(schema.incidents), "about": _about},
)
SUBSCRIPTIONS = Searchable(
    statement=things.SUBSCRIPTIONS.add_columns(
        _s.instance_key, _i.root_key, _s.definition_key, _s.process_id, _d.name.label("process_name"), _d.version,
        _i.business_id, _s.tenant_id,
    ).join(schema.definitions, _d.key == _s.definition_key).outerjoin(schema.instances, _i.key == _s.instance_key),
    make=FoundSubscription, key=_s.key,
    fields=_own(schema.subscriptions) | {
        "process_name": _d.name, "version": _d.version, "business_id": _i.business_id,
        "is_start": _s.instance_key.is_(None),
    },
)
DEFINITIONS = Searchable(
    statement=select(
        _d.key, _d.process_id, _d.name, _d.version, _d.version_tag, _d.resource_name, _d.deployment_key, _d.tenant_id,
        _d.history_days, _is_latest.label("latest"), _is_paused.label("paused"),
    ),
    make=FoundDefinition, key=_d.key,
    fields=_own(schema.definitions) | {"latest": _is_latest, "paused": _is_paused},
)
