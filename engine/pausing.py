"""Pauses and resumes the new starts of a process, all versions together. Instances under way are not concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from engine import audit, guard, lookups, pauses, permits, schema, starting
from engine.cluster.wakeup import SWEEP
from engine.errors import InvalidInput, WrongState
from engine.rows import AnyRow
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.programs import Definition
    from engine.transaction import Transaction

SLICE = 100
"""How many held events start their instances in one transaction."""

_p, _h, _t, _d, _s = (table.c for table in (
    schema.pauses, schema.held_starts, schema.timers, schema.definitions, schema.subscriptions))
_VERSIONS = select(_d.key).where(_d.process_id == bindparam("b_process_id"), _d.tenant_id == bindparam("b_tenant_id"))
TIMERS = update(schema.timers).where(_t.instance_key.is_(None), _t.definition_key.in_(_VERSIONS)).values(
    suspended=bindparam("b_suspended"))
HELD = (
    select(schema.held_starts)
    .where(_h.process_id == bindparam("process_id"), _h.tenant_id == bindparam("tenant_id"))
    .order_by(_h.key).limit(SLICE).with_for_update()
)
START = (
    select(_s.definition_key, _s.element_id)
    .where(_s.kind == bindparam("kind"), _s.name == bindparam("name"), _s.instance_key.is_(None),
           _s.process_id == bindparam("process_id"), _s.tenant_id == bindparam("tenant_id"))
    .order_by(_s.key).limit(1)
)
FORGET = delete(schema.held_starts).where(_h.key == bindparam("b_key"))
END = delete(schema.pauses).where(_p.process_id == bindparam("b_process_id"), _p.tenant_id == bindparam("b_tenant_id"))


def pause(tx: Transaction, process_id: str, reason: str, *, tenant_id: str = DEFAULT_TENANT) -> None:
    """Take no new starts of a process: who starts is refused; messages, signals and timers are held.

    Audited. Raises NotFound; InvalidInput (no reason); WrongState if it is paused already.
    """
    why = guard.reason_given(reason, "pause the starts of a process")
    definition = _latest(tx, "pause", process_id, tenant_id)
    pauses.serialize(tx, process_id)
    if pauses.of(tx, process_id, tenant_id) is not None:
        raise WrongState(f"Expected process {process_id!r} to take new starts, but it is paused already.")
    tx.connection.execute(insert(schema.pauses).values(
        process_id=process_id, tenant_id=tenant_id, paused_at=tx.now, paused_by=tx.actor, reason=why))
    tx.unpaused.discard((process_id, tenant_id))
    _set_timers(tx, process_id, tenant_id, suspended=True)
    audit.record(tx, "PAUSE", "DEFINITION", definition.key, reason=why, details={"process": process_id},
                 before={"paused": False}, after={"paused": True})


def resume(engine: Engine, process_id: str, reason: str, *, tenant_id: str = DEFAULT_TENANT) -> int:
    """Take new starts of a process again; what was held starts first, the oldest before the others. How many started.

    Many transactions, for there may be many: who dies in between leaves it paused, and it can be resumed again. A timer
    that fell due more than once fires once. Audited. Raises NotFound; InvalidInput; WrongState if it is not paused.
    """
    if not reason.strip():
        raise InvalidInput("Expected a reason to resume the starts of a process, but none was given.")
    started = 0
    while True:
        count, ended = engine.execute(_resume, process_id, reason, tenant_id)
        started += count
        if ended:
            return started


def _resume(tx: Transaction, process_id: str, reason: str, tenant_id: str) -> tuple[int, bool]:
    """Start some of what is held, and end the pause if that was all."""
    definition = _latest(tx, "resume", process_id, tenant_id)
    pauses.serialize(tx, process_id)
    if pauses.of(tx, process_id, tenant_id) is None:
        raise WrongState(f"Expected process {process_id!r} to be paused, but it takes new starts.")
    rows = tx.select(HELD, {"process_id": process_id, "tenant_id": tenant_id})
    started = sum(_start(tx, row) for row in rows)
    if len(rows) == SLICE:
        return started, False
    tx.connection.execute(END, {"b_process_id": process_id, "b_tenant_id": tenant_id})
    _set_timers(tx, process_id, tenant_id, suspended=False)
    tx.announce(SWEEP)
    audit.record(tx, "RESUME", "DEFINITION", definition.key, reason=guard.reason_given(reason, "resume"),
                 details={"process": process_id}, before={"paused": True}, after={"paused": False})
    return started, True


def _latest(tx: Transaction, verb: str, process_id: str, tenant_id: str) -> Definition:
    found = lookups.latest(tx, process_id, None, tenant_id)
    permits.check(tx, verb, process_id, tenant_id, lookups.missing(process_id, None, tenant_id))
    return found


def _start(tx: Transaction, row: AnyRow) -> bool:
    """Start what a held event starts in the newest version; False if that waits for it no more."""
    tx.rows.write(FORGET, {"b_key": row.key})
    waiting = tx.first(START, {"kind": row.kind, "name": row.name, "process_id": row.process_id,
                               "tenant_id": row.tenant_id})
    if waiting is None:
        return False
    starting.start(tx, tx.definition(waiting.definition_key), variables=row.variables,
                   start_event=waiting.element_id, message_key=row.message_key, business_id=row.business_id)
    return True


def carry_over(tx: Transaction, process_id: str, tenant_id: str) -> None:
    """A version that is deployed while its process is paused is paused, too: its timers do not fire."""
    if pauses.of(tx, process_id, tenant_id) is not None:
        tx.rows.flush()
        _set_timers(tx, process_id, tenant_id, suspended=True)


def _set_timers(tx: Transaction, process_id: str, tenant_id: str, *, suspended: bool) -> None:
    tx.connection.execute(TIMERS, {
        "b_process_id": process_id, "b_tenant_id": tenant_id, "b_suspended": suspended})
