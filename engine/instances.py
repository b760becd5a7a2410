"""Process instances: started, suspended, resumed, cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, bindparam, case, select, update

from engine import audit, guard, lookups, pauses, permits, schema, starting, tenants, values
from engine import live as lives
from engine.actions import AnyAction, Cancel, Go
from engine.cluster.wakeup import SWEEP
from engine.errors import InvalidInput, TooMany, WrongState
from engine.schema import DEFAULT_TENANT
from engine.states import InstanceState, JobState

if TYPE_CHECKING:
    from engine.programs import Definition
    from engine.transaction import Transaction

_i = schema.instances.c
LONGEST_BUSINESS_ID = 1000

_decoder: msgspec.json.Decoder[AnyAction] = msgspec.json.Decoder(AnyAction)

OF_START_KEY = select(_i.key, _i.definition_key, _i.process_id, _i.version, _i.correlation_id, _i.tenant_id).where(
    _i.tenant_id == bindparam("tenant_id"), _i.start_process_id == bindparam("process_id"),
    _i.start_key == bindparam("start_key"),
)
TREE = (
    select(_i.key, _i.parent_key, _i.suspended_at)
    .where(_i.root_key == bindparam("root_key"), _i.state == InstanceState.ACTIVE.value)
    .order_by(_i.depth, _i.key).with_for_update()
)
SUSPEND = update(schema.instances).where(_i.key == bindparam("b_key")).values(suspended_at=bindparam("b_at"))
_j = schema.jobs.c
_NOW = bindparam("b_now", type_=_j.due_at.type)
OPEN_JOBS = update(schema.jobs).where(_j.instance_key == bindparam("b_key"), _j.ended_at.is_(None))
SUSPEND_JOBS = OPEN_JOBS.values(suspended=True)
RESTART_JOBS = OPEN_JOBS.values(
    suspended=False,
    # No worker was to take them meanwhile: the time that they may wait for one begins now.
    due_at=case((and_(_j.state == JobState.CREATED.value, _j.due_at < _NOW), _NOW), else_=_j.due_at),
)
SUSPEND_TIMERS = (
    update(schema.timers).where(schema.timers.c.instance_key == bindparam("b_key"))
    .values(suspended=bindparam("b_suspended"))
)
DEFERRED = (
    select(schema.deferred.c.action, schema.deferred.c.declared)
    .where(schema.deferred.c.instance_key == bindparam("key")).order_by(schema.deferred.c.key)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An instance that was started; `created` is False if the `start_key` had started it before."""

    key: int
    definition_key: int
    process_id: str
    version: int
    correlation_id: str
    created: bool
    tenant_id: str = DEFAULT_TENANT


def start(tx: Transaction, process_id: str | None = None, *, version: int | None = None,
          definition_key: int | None = None, variables: Mapping[str, Any] | None = None,
          elements: Sequence[str] = (), terminate_after: Sequence[str] = (), business_id: str | None = None,
          correlation_id: str | None = None, trace_parent: str | None = None, start_key: str | None = None,
          tags: Sequence[str] | None = None, tenant_id: str = DEFAULT_TENANT) -> Started:
    """Start an instance of the newest version of a process, of `version`, or of a definition by its key.

    `elements` names elements to start at instead of the none start event. When one of `terminate_after` has
    completed, the instance is terminated, so that an element can be tried out alone. `start_key` makes the start
    idempotent: the same key again gives the instance it started before. Audited. Raises NotFound, InvalidInput,
    WrongState (the process is paused), TooMany (its tenant's limit).
    """
    content = values.checked(variables)
    if definition_key is not None:
        definition = tx.definition(definition_key)
    elif process_id is not None:
        definition = lookups.latest(tx, process_id, version, tenant_id)
    else:
        raise InvalidInput("Expected a process id or the key of a definition, but neither was given.")
    permits.check(
        tx, "start", definition.process_id, definition.tenant_id,
        lookups.missing(process_id, version, tenant_id) if process_id is not None and definition_key is None
        else f"Expected to find a process definition with key {definition_key}, but there is none.")
    values.name(business_id, "a business id", longest=LONGEST_BUSINESS_ID)
    values.name(correlation_id, "a correlation id", longest=128)
    trace_parent = values.name(trace_parent, "a trace parent", longest=64)
    start_key = values.name(start_key, "a start key")
    if start_key is not None:
        before = tx.first(OF_START_KEY, {
            "tenant_id": definition.tenant_id, "process_id": definition.process_id, "start_key": start_key,
        })
        if before is not None:
            return Started(**before._mapping, created=False)
    pauses.check(tx, definition)
    if not tenants.may_start(tx, definition.tenant_id):
        # Not by the transaction, which comes to nothing.
        tx.engine.metrics.count("tenant_starts_refused", definition.tenant_id)
        raise TooMany(f"Expected fewer starts, but tenant {definition.tenant_id!r} has used up its starts of this "
                      "second; try again in a moment.")
    return _start(tx, definition, content, elements=elements, terminate_after=terminate_after,
                  business_id=business_id, correlation_id=correlation_id, trace_parent=trace_parent,
                  start_key=start_key, tags=tags)


def _start(tx: Transaction, definition: Definition, variables: Mapping[str, Any], **more: Any) -> Started:
    live = starting.start(tx, definition, variables=variables, **more)
    audit.record(tx, "START", "INSTANCE", live.key, instance_key=live.key, after={
        "process": definition.process_id, "version": definition.version, "business_id": more["business_id"]})
    return Started(key=live.key, definition_key=definition.key, process_id=definition.process_id,
                   version=definition.version, correlation_id=live.correlation_id, created=True,
                   tenant_id=definition.tenant_id)


def cancel(tx: Transaction, key: int, reason: str) -> None:
    """End an instance and all that it called. The reason becomes its end reason; audited.

    Raises NotFound, InvalidInput (no reason), WrongState (ended already, or called by another instance: then that
    one is to be cancelled).
    """
    why = guard.reason_given(reason, "cancel an instance")
    row = lives.active(tx, key)
    if row["instance_parent_key"] is not None:
        raise WrongState(
            f"Expected an instance that nobody called, but process instance {key} was called by "
            f"{row['instance_parent_key']}; cancel {row['instance_root_key']} instead."
        )
    audit.record(tx, "CANCEL", "INSTANCE", key, instance_key=key, reason=why, before={"state": InstanceState.ACTIVE},
                 after={"state": InstanceState.TERMINATED})
    live = lives.restore(tx, key)
    assert live is not None
    live.end_reason = why
    tx.resume(key, Cancel())


def suspend(tx: Transaction, key: int, reason: str) -> None:
    """Let an instance and all that it called rest: no job is handed out, no timer fires, no token moves.

    What reaches it meanwhile from outside its control is kept and applied on resume: answers of workers that hold
    a job, messages, signals, the end of a called instance. Commands of people (completing a user task, resolving an
    incident) are rejected. Audited. Raises NotFound, InvalidInput (no reason), WrongState.
    """
    why = guard.reason_given(reason, "suspend an instance")
    row = lives.active(tx, key)
    if row["instance_suspended_at"] is not None:
        raise WrongState(f"Expected process instance {key} to be running, but it is suspended already.")
    for member, suspended_at in _tree(tx, key, row["instance_root_key"]):
        if suspended_at is None:
            _set_suspended(tx, member, suspended=True)
    audit.record(tx, "SUSPEND", "INSTANCE", key, instance_key=key, reason=why, before={"suspended": False},
                 after={"suspended": True})


def resume(tx: Transaction, key: int, reason: str) -> None:
    """Let a suspended instance and all that it called go on; timers that fell due meanwhile fire now.

    Audited. Raises NotFound, InvalidInput (no reason), WrongState (not suspended, or its caller is).
    """
    why = guard.reason_given(reason, "resume an instance")
    row = lives.active(tx, key)
    if row["instance_suspended_at"] is None:
        raise WrongState(f"Expected process instance {key} to be suspended, but it is running.")
    tree = _tree(tx, key, row["instance_root_key"])
    parent_key = row["instance_parent_key"]
    if parent_key is not None:
        parent = tx.first(lives.BY_KEY, {"key": parent_key})
        if parent is not None and parent._mapping["instance_suspended_at"] is not None:
            raise WrongState(
                f"Expected the caller of process instance {key} to be running, but {parent_key} is suspended; "
                f"resume {parent_key} instead."
            )
    for member, suspended_at in tree:
        if suspended_at is not None:
            _set_suspended(tx, member, suspended=False)
            deferred = tx.select(DEFERRED, {"key": member})
            for action, declared in deferred:
                tx.declarations = tx.declarations.with_more(declared)
                tx.resume(member, _decoder.decode(action))
            # A condition may have become true meanwhile.
            tx.resume(member, Go())
            if deferred:
                tx.rows.write(lives.DROP_DEFERRED, {"b_key": member})
    tx.instance_rows.clear()
    tx.announce(SWEEP)
    audit.record(tx, "RESUME", "INSTANCE", key, instance_key=key, reason=why, before={"suspended": True},
                 after={"suspended": False})


def _tree(tx: Transaction, key: int, root_key: int) -> list[tuple[int, Any]]:
    """The active instances below `key`, and `key` itself, with the time of their suspension."""
    known: set[int] = set()
    while True:
        rows = tx.select(TREE, {"root_key": root_key})
        inside = {key}
        grown = True
        while grown:
            more = {row.key for row in rows if row.parent_key in inside} - inside
            inside |= more
            grown = bool(more)
        # One that had to be waited for may have called another one meanwhile, which this statement did not see.
        if inside - {key} <= known:
            return [(row.key, row.suspended_at) for row in rows if row.key in inside]
        known = inside


def _set_suspended(tx: Transaction, key: int, *, suspended: bool) -> None:
    tx.rows.write(SUSPEND, {"b_key": key, "b_at": tx.now if suspended else None})
    if suspended:
        tx.rows.write(SUSPEND_JOBS, {"b_key": key})
    else:
        tx.rows.write(RESTART_JOBS, {"b_key": key, "b_now": tx.now})
    tx.rows.write(SUSPEND_TIMERS, {"b_key": key, "b_suspended": suspended})
