"""What belongs to an instance, as frozen data: the rows of the lists and of the instance page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine import masking, schema

_j, _u, _n = schema.jobs.c, schema.user_tasks.c, schema.incidents.c
_i, _d = schema.instances.c, schema.definitions.c
_t, _s, _a = schema.timers.c, schema.subscriptions.c, schema.audit.c
_e, _v = schema.element_instances.c, schema.variables.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementRow:
    """One element instance of the history."""

    key: int
    scope_key: int
    element_id: str
    type: str
    state: str
    flow_id: str | None
    started_at: datetime
    ended_at: datetime | None
    incident_key: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableRow:
    """One variable. `ended` tells that its scope is over, `declared` what was said of the value (engine.declared).

    Who reads under a mask sees what it lets through (`engine.masking`).
    """

    key: int
    scope_key: int
    name: str
    value: Any
    declared: str | None
    changed_at: datetime
    ended: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masking.shown(self.value, self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job."""

    key: int
    instance_key: int
    element_instance_key: int
    definition_key: int
    process_id: str
    element_id: str
    tenant_id: str
    business_id: str | None
    type: str
    kind: str
    listener_event: str | None
    state: str
    priority: int
    retries: int
    attempt: int
    headers: Mapping[str, str]
    due_at: datetime
    expected_by: datetime | None
    locked_by: str | None
    locked_until: datetime | None
    suspended: bool
    error_code: str | None
    error_message: str | None
    idempotency_key: str
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTaskRow:
    """One user task."""

    key: int
    instance_key: int
    element_instance_key: int
    definition_key: int
    process_id: str
    process_name: str | None
    version: int
    element_id: str
    tenant_id: str
    business_id: str | None
    suspended_at: datetime | None
    name: str | None
    description: str | None
    state: str
    assignee: str | None
    owner: str | None
    delegation: str | None
    candidate_users: list[str]
    candidate_groups: list[str]
    due_at: datetime | None
    follow_up_at: datetime | None
    priority: int
    form_key: str | None
    bound_form: int | None
    created_at: datetime
    changed_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """One incident."""

    key: int
    instance_key: int
    element_instance_key: int
    job_key: int | None
    definition_key: int
    process_id: str
    element_id: str
    tenant_id: str
    business_id: str | None
    type: str
    message: str
    state: str
    created_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRow:
    """One armed timer; `attached` if it only watches over something else (boundary event, event sub-process)."""

    key: int
    element_instance_key: int | None
    element_id: str
    due_at: datetime
    schedule: str | None
    repeats_left: int | None
    attached: bool
    suspended: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRow:
    """One open subscription: `kind` is MESSAGE, SIGNAL or CONDITION (then `name` is the condition)."""

    key: int
    element_instance_key: int | None
    element_id: str
    kind: str
    name: str
    correlation_key: str | None
    interrupting: bool
    attached: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One act. `before` and `after` are what it changed; `position` is its place in the chain, None until it is
    sealed (engine.chain)."""

    key: int
    at: datetime
    actor: str
    operation: str
    entity: str
    entity_key: int
    instance_key: int | None
    reason: str | None
    details: Any
    before: Any
    after: Any
    position: int | None


ELEMENTS = select(
    _e.key, _e.scope_key, _e.element_id, _e.type, _e.state, _e.flow_id, _e.started_at, _e.ended_at, _e.incident_key
)
VARIABLES = select(_v.key, _v.scope_key, _v.name, _v.value, _v.declared, _v.changed_at, _v.ended)
JOBS = select(
    _j.key, _j.instance_key, _j.element_instance_key, _j.definition_key, _j.process_id, _j.element_id, _j.tenant_id,
    _i.business_id, _j.type, _j.kind, _j.listener_event, _j.state, _j.priority, _j.retries, _j.attempt, _j.headers,
    _j.due_at, _j.expected_by, _j.locked_by, _j.locked_until, _j.suspended, _j.error_code, _j.error_message,
    _j.idempotency_key, _j.created_at, _j.changed_at, _j.ended_at,
).join(schema.instances, _i.key == _j.instance_key)
USER_TASKS = select(
    _u.key, _u.instance_key, _u.element_instance_key, _u.definition_key, _u.process_id,
    _d.name.label("process_name"), _d.version, _u.element_id, _u.tenant_id, _i.business_id, _i.suspended_at, _u.name,
    _u.description, _u.state, _u.assignee, _u.owner, _u.delegation, _u.candidate_users, _u.candidate_groups, _u.due_at,
    _u.follow_up_at, _u.priority, _u.form_key, _u.bound_form, _u.created_at, _u.changed_at, _u.ended_at,
).join(schema.instances, _i.key == _u.instance_key).join(schema.definitions, _d.key == _u.definition_key)
INCIDENTS = select(
    _n.key, _n.instance_key, _n.element_instance_key, _n.job_key, _n.definition_key, _n.process_id, _n.element_id,
    _n.tenant_id, _i.business_id, _n.type, _n.message, _n.state, _n.created_at, _n.resolved_at,
).join(schema.instances, _i.key == _n.instance_key)
TIMERS = select(
    _t.key, _t.element_instance_key, _t.element_id, _t.due_at, _t.schedule, _t.repeats_left, _t.attached,
    _t.suspended, _t.created_at,
)
SUBSCRIPTIONS = select(
    _s.key, _s.element_instance_key, _s.element_id, _s.kind, _s.name, _s.correlation_key, _s.interrupting,
    _s.attached, _s.created_at,
)
AUDIT = select(
    _a.key, _a.at, _a.actor, _a.operation, _a.entity, _a.entity_key, _a.instance_key, _a.reason, _a.details,
    _a.before, _a.after, _a.position
)
