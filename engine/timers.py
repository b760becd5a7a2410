"""Timers: open ones are rows with a due time; the scheduler fires them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, select, text, update

from bpmn.interpreter import journal
from engine import fairness, schedules, schema, starting
from engine import live as lives
from engine.actions import Fail, Trigger
from engine.cluster.partitions import Partitions, among
from engine.cluster.queue import Kind
from engine.errors import InvalidTimer
from engine.live import Live, joined_instance
from engine.programs import Definition, StartEvent
from engine.rows import AnyRow
from engine.schedules import Due
from engine.schema import DEFAULT_TENANT
from engine.subscriptions import ATTACHED

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

BATCH = 100
"""Timers that one transaction fires at most, so that none of them is long."""

LATER = timedelta(minutes=1)
"""When a timer is tried again whose firing failed because of a fault of ours."""

TURNS = ("timers",)
"""What the turns of tenants are called that fire timers."""

Read = Callable[[Select[Any], dict[str, Any]], Sequence[AnyRow]]

_t = schema.timers.c
_known = schema.tenants.c

ARMED = text("NOT timers.suspended")
"""Which timers may fire, in the words of the index `ix_timers_due`: SQLite takes a partial index for no others, and
would look through all timers that wait."""
CLOSE = delete(schema.timers).where(_t.element_instance_key == bindparam("b_token"))
DELETE = delete(schema.timers).where(_t.key == bindparam("b_key"))
REARM = (
    update(schema.timers).where(_t.key == bindparam("b_key"))
    .values(due_at=bindparam("b_due_at"), repeats_left=bindparam("b_repeats_left"))
)
POSTPONE = update(schema.timers).where(_t.key == bindparam("b_key")).values(due_at=bindparam("b_due_at"))
_DUE = (ARMED, _t.due_at <= bindparam("now"), _t.tenant_id == bindparam("tenant_id"))
DUE_NOW = select(_t.key, _t.instance_key).where(*_DUE).order_by(_t.due_at, _t.key).limit(bindparam("most"))
CLAIM = (
    # The instance is locked before its timer, as everywhere, but nobody waits: what another node holds is its.
    joined_instance(schema.timers).where(*_DUE).order_by(_t.due_at, _t.key).limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
CLAIM_STARTS = (
    select(schema.timers).where(*_DUE, _t.instance_key.is_(None)).order_by(_t.due_at, _t.key).limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
OF_KNOWN_TENANTS = _t.tenant_id.in_(bindparam("tenant_ids", expanding=True))
"""Every timer there is, in words for which the index by tenant is used."""
ORPHANS = delete(schema.timers).where(
    OF_KNOWN_TENANTS, _t.due_at <= bindparam("now"), _t.instance_key.is_not(None), ARMED,
    ~select(schema.instances.c.key).where(schema.instances.c.key == _t.instance_key).exists(),
)
BY_KEY = select(schema.timers).where(_t.key == bindparam("key"), ARMED).with_for_update(skip_locked=True)


def start_waiting(tx: Transaction, live: Live, entry: journal.TimerOpened) -> None:
    """Arm a timer; one that cannot be read is an incident at its element."""
    try:
        due = schedules.first(entry.kind, entry.text, tx.now, tx.engine.time_zone)
    except InvalidTimer as error:
        tx.resume(live.key, Fail(entry.key, error.incident_type, str(error), may_be_late=True))
        return
    if not entry.repeats:
        due = Due(due.at)
    tx.rows.insert(schema.timers, {
        "key": tx.key(), "instance_key": live.key, "element_instance_key": entry.key,
        "definition_key": live.definition.key, "element_id": entry.element.id,
        "partition_key": live.partition_key, "event_index": entry.index, "due_at": due.at, "schedule": due.schedule,
        "repeats_left": due.repeats_left, "tenant_id": live.tenant_id,
        "attached": entry.element.type in ATTACHED,
        "suspended": live.suspended_at is not None,
        "created_at": tx.now,
    })
    tx.plan(Kind.TIMERS, due.at, live.partition_key)


def stop_waiting(tx: Transaction, live: Live, token: int) -> None:
    """Disarm the timers of a token."""
    unwritten = tx.rows.all_unwritten(schema.timers)
    for key in [key for key, row in unwritten.items() if row["element_instance_key"] == token]:
        del unwritten[key]
    tx.rows.write(CLOSE, {"b_token": token})


def arm_start(tx: Transaction, definition: Definition, event: StartEvent) -> None:
    """Arm a timer start event of a definition; raises InvalidTimer."""
    assert event.timer_kind is not None
    due = schedules.first(event.timer_kind, event.text, tx.now, tx.engine.time_zone)
    tx.rows.insert(schema.timers, {
        "key": tx.key(), "instance_key": None, "element_instance_key": None, "definition_key": definition.key,
        "element_id": event.element.id, "partition_key": 0, "event_index": 0, "due_at": due.at,
        "schedule": due.schedule, "repeats_left": due.repeats_left, "tenant_id": definition.tenant_id,
        "attached": False, "suspended": False,
        "created_at": tx.now,
    })
    tx.plan(Kind.TIMERS, due.at, 0)


def trigger_due(tx: Transaction, partitions: Partitions | None = None) -> int:
    """Fire the timers that are due, at most about `BATCH`; returns how many.

    Every tenant that has some gets an equal share; of each the oldest come first. Those that other nodes are firing,
    and those of instances at which somebody else is at work, are passed over.
    """
    served = among(_t.partition_key, partitions)
    count = 0
    for timer in _claimed(tx, CLAIM, served):
        count += 1
        tx.instance_rows.setdefault(timer.instance_key, timer._mapping)
        if lives.restore(tx, timer.instance_key) is None:
            # Nothing leaves a timer behind, but one that is there all the same must not fall due again and again.
            tx.rows.write(DELETE, {"b_key": timer.key})
        else:
            fire(tx, timer)
    for timer in _claimed(tx, CLAIM_STARTS, served):
        count += 1
        fire(tx, timer)
    return count


def _claimed(tx: Transaction, statement: Select[Any], served: Sequence[ColumnElement[bool]]) -> Sequence[AnyRow]:
    """The timers to fire in this transaction, read before any of them is fired."""
    return _shared(tx.engine, statement.where(*served) if served else statement, tx.now, tx.select, served)


def _shared(engine: Engine, statement: Select[Any], now: datetime, read: Read,
            served: Sequence[ColumnElement[bool]]) -> Sequence[AnyRow]:
    what = {"now": now, "tenant_id": DEFAULT_TENANT, "most": BATCH}
    if not engine.tenants.several:
        return read(statement, what)
    seen: list[int] = []

    def take(tenant_id: str, count: int) -> Sequence[AnyRow]:
        mine = statement.where(_t.key.not_in(seen)) if seen else statement
        found = read(mine, what | {"tenant_id": tenant_id, "most": count})
        seen.extend(row.key for row in found)
        return found

    # One look into the index for each tenant, which EXISTS, or no order, does not make on PostgreSQL.
    first = (select(_t.key).where(ARMED, _t.due_at <= bindparam("now"), _t.tenant_id == _known.id, *served)
             .order_by(_t.due_at, _t.key).limit(1).correlate(schema.tenants).scalar_subquery())
    waiting = select(_known.id).where(first.is_not(None))
    ids = [row.id for row in read(waiting, {"now": now})]
    return fairness.served(engine.tenants.turns(TURNS), ids, BATCH, take)


def due(engine: Engine, partitions: Partitions | None = None) -> list[tuple[int, int | None]]:
    """The keys of timers that are due, each with its instance's, at most `BATCH`, in equal shares of the tenants."""
    served = among(_t.partition_key, partitions)
    with engine.read() as connection:
        rows = _shared(engine, DUE_NOW.where(*served), engine.clock(),
                       lambda statement, what: connection.execute(statement, what).all(), served)
    return [(row.key, row.instance_key) for row in rows]


def next_due(connection: Connection, partitions: Partitions | None = None) -> datetime | None:
    """When the next timer is due; None if there is none."""
    soonest = (select(func.min(_t.due_at)).where(ARMED, _t.tenant_id == _known.id, *among(_t.partition_key, partitions))
               .correlate(schema.tenants).scalar_subquery())
    # The soonest of each tenant, which the index leads to, and of these the soonest.
    found: datetime | None = connection.scalar(
        select(func.min(select(soonest.label("at")).select_from(schema.tenants).subquery().c.at)))
    return found


def forget_orphans(tx: Transaction) -> int:
    """Delete due timers whose instance is gone; returns how many."""
    return tx.connection.execute(ORPHANS, {"now": tx.now, "tenant_ids": tx.engine.tenants.ids}).rowcount


def trigger(tx: Transaction, key: int, instance_key: int | None) -> bool:
    """Fire one timer; False if it is not due any more, or another node is firing it."""
    # The instance is locked before its timer, as everywhere.
    if instance_key is not None and lives.restore(tx, instance_key) is None:
        # Nothing leaves a timer behind, but one that is there all the same must not fall due again and again.
        tx.rows.write(DELETE, {"b_key": key})
        return False
    timer = tx.first(BY_KEY, {"key": key})
    if timer is None or timer.due_at > tx.now:
        return False
    fire(tx, timer)
    return True


def postpone(tx: Transaction, key: int) -> None:
    """Let a timer whose firing failed be tried again later."""
    tx.rows.write(POSTPONE, {"b_key": key, "b_due_at": tx.now + LATER})


def fire(tx: Transaction, timer: AnyRow) -> None:
    """Fire a timer whose row, and that of its instance, are locked; arm it again if it repeats."""
    tx.observe("timer_lateness_seconds", max(0.0, (tx.now - timer.due_at).total_seconds()))
    due = None
    if timer.schedule is not None:
        due = schedules.following(timer.schedule, timer.due_at, timer.repeats_left, tx.engine.time_zone, tx.now)
    if due is None:
        tx.rows.write(DELETE, {"b_key": timer.key})
    else:
        tx.rows.write(REARM, {"b_key": timer.key, "b_due_at": due.at, "b_repeats_left": due.repeats_left})
        tx.plan(Kind.TIMERS, due.at, timer.partition_key)
    if timer.instance_key is None:
        starting.start(tx, tx.definition(timer.definition_key), start_event=timer.element_id)
    else:
        tx.resume(timer.instance_key, Trigger(timer.element_instance_key, timer.event_index, may_be_late=True))


def due_date(text: str | None, tx: Transaction) -> datetime | None:
    """The time that an expression gave for a due or follow-up date; raises InvalidTimer."""
    return schedules.date(text, tx.engine.time_zone) if text else None
