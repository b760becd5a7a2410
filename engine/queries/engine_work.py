"""What the engine itself has still to do: timers that run down, and steps that failed until somebody mends them.

Camunda 7 calls both jobs; what workers do is in `engine.queries.searches.JOBS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, String, case, literal, null, select, type_coerce, union_all

from engine import schema
from engine.queries.criteria import Searchable
from engine.states import IncidentState

_t, _n, _d, _i = schema.timers.c, schema.incidents.c, schema.definitions.c, schema.instances.c

TIMER, FAILED = "TIMER", "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWork:
    """A timer or a failed step. `key` is the timer's or the incident's; `message` says why it failed."""

    key: int
    kind: str
    instance_key: int | None
    element_instance_key: int | None
    definition_key: int
    process_id: str
    version: int
    element_id: str
    tenant_id: str
    due_at: datetime | None
    suspended: bool
    message: str | None
    attempts_left: int
    created_at: datetime


_SOME_ATTEMPTS = 3
"""Timers are fired until it works; clients expect a number."""

_timers = select(
    _t.key, literal(TIMER, String).label("kind"), _t.instance_key, _t.element_instance_key, _t.definition_key,
    _d.process_id, _d.version, _t.element_id, _d.tenant_id, _t.due_at, _t.suspended,
    type_coerce(null(), _n.message.type).label("message"),
    literal(_SOME_ATTEMPTS, Integer).label("attempts_left"), _t.created_at,
).join(schema.definitions, _d.key == _t.definition_key)
_failed = select(
    _n.key, literal(FAILED, String).label("kind"), _n.instance_key, _n.element_instance_key, _n.definition_key,
    _n.process_id, _i.version, _n.element_id, _n.tenant_id,
    type_coerce(null(), _t.due_at.type).label("due_at"),
    case((_i.suspended_at.is_not(None), True), else_=False).label("suspended"), _n.message,
    literal(0, Integer).label("attempts_left"), _n.created_at,
).join(schema.instances, _i.key == _n.instance_key).where(
    _n.job_key.is_(None), _n.state == IncidentState.ACTIVE.value
)
_all = union_all(_timers, _failed).subquery("engine_work")

ENGINE_WORK = Searchable(
    statement=select(_all), make=FoundWork, key=_all.c.key, fields={column.name: column for column in _all.c},
)
