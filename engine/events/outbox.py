"""The outbox: events wait in the database, from the transaction in which something happened, until they are delivered.

Delivered at least once, those of one instance to one target in order, each with the id that it had the first time.
Source: "Transactional outbox" (microservices.io); CloudEvents 1.0.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, delete, exists, func, null, or_, select, tuple_, update

from engine import audit, guard, schema
from engine.errors import NotFound
from engine.live import POSITIONS, Live
from engine.rows import AnyRow

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

TOPIC = "events"
"""What is announced when events wait."""
LOCK = timedelta(seconds=60)
"""How long a node may take to deliver what it took, before another one may."""
ATTEMPTS = 16
"""How often an event is tried before it is dead: about five hours."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(hours=1)
BATCH = 50

_o = schema.outbox.c
_t = schema.event_targets.c
_earlier = schema.outbox.alias("earlier")
_e = _earlier.c

CLAIM = (
    select(schema.outbox, _t.name.label("target"), _t.address, _t.secret)
    .join(schema.event_targets, _t.key == _o.target_key)
    .where(
        ~_o.dead, _o.due_at <= bindparam("now"), ~_t.paused,
        or_(_o.locked_until.is_(None), _o.locked_until <= bindparam("now")),
        or_(_t.rests_until.is_(None), _t.rests_until <= bindparam("now")),
        ~exists().where(_e.target_key == _o.target_key, _e.instance_key == _o.instance_key, ~_e.dead,
                        # Of one revision are only attempts of a job and changes of a task, one after the other.
                        tuple_(_e.position, _e.created_at, _e.key) < tuple_(_o.position, _o.created_at, _o.key)),
    )
    .order_by(_o.due_at, _o.key).limit(BATCH).with_for_update(of=schema.outbox, skip_locked=True)
)
TAKE = (update(schema.outbox).where(_o.key == bindparam("b_key"))
        .values(locked_until=bindparam("b_until"), lock_token=_o.lock_token + 1))
_HELD = and_(_o.key == bindparam("b_key"), _o.lock_token == bindparam("b_lock_token"))
DONE = delete(schema.outbox).where(_HELD)
COUNT_DONE = (update(schema.event_targets).where(_t.key == bindparam("b_target"))
              .values(delivered=_t.delivered + 1, delivered_at=bindparam("b_now"), failures=0, rests_until=None))
FAILED = (update(schema.outbox).where(_HELD)
          .values(attempts=_o.attempts + 1, due_at=bindparam("b_due_at"), locked_until=None, error=bindparam("b_error"),
                  dead=case((_o.attempts + 1 >= ATTEMPTS, True), else_=bindparam("b_dead"))))
REST = (update(schema.event_targets).where(_t.key == bindparam("b_target"))
        .values(failures=_t.failures + 1, rests_until=bindparam("b_until"), last_error=bindparam("b_error")))
GIVE_BACK = update(schema.outbox).where(_HELD).values(locked_until=None)
NEXT = select(func.min(case((_o.locked_until > _o.due_at, _o.locked_until), else_=_o.due_at))).join(
    schema.event_targets, _t.key == _o.target_key).where(~_o.dead, ~_t.paused)
COUNTS = (select(_o.target_key, func.count(), func.sum(case((_o.dead, 1), else_=0)), func.min(_o.created_at))
          .group_by(_o.target_key))
NAMED = select(_t.key).where(_t.name == bindparam("name"))
DEAD = (select(schema.outbox, func.coalesce(_t.name, _o.target_name, "").label("target"))
        .join(schema.event_targets, _t.key == _o.target_key, isouter=True)
        .where(_o.dead).order_by(_o.key.desc()).limit(bindparam("limit")))
REVIVE = (update(schema.outbox).where(_o.key == bindparam("b_key"), _o.dead)
          .values(dead=False, attempts=0, due_at=bindparam("b_now"), locked_until=null(),
                  target_key=bindparam("b_target"), target_name=null()))
DISCARD = delete(schema.outbox).where(_o.key == bindparam("b_key"), _o.dead)
BY_KEY = select(_o.key, _o.instance_key, _o.type, _o.target_key, _o.target_name).where(
    _o.key == bindparam("key"), _o.dead).with_for_update()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What an event says of its instance."""

    key: int
    process_id: str
    root_key: int
    business_id: str | None
    correlation_id: str
    trace_parent: str | None
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An event that a node took to deliver it. `body` is the CloudEvent."""

    key: int
    target_key: int
    target: str
    address: str
    secret: str | None
    event_id: str
    type: str
    instance_key: int
    body: dict[str, Any]
    attempts: int
    lock_token: int


def put(tx: Transaction, type: str, data: dict[str, Any], *, live: Live | None = None,
        instance: Instance | None = None, to: str | None = None) -> None:
    """Let whoever wants an event of this type have one, once this is committed; and the target named `to` in any case.

    If there is none of that name, the event is a dead letter: somebody adds the target and sends it.
    """
    about = instance or (None if live is None else Instance(
        key=live.key, process_id=live.definition.process_id, root_key=live.root_key, business_id=live.business_id,
        correlation_id=live.correlation_id, trace_parent=live.trace_parent, revision=live.revision,
    ))
    process_id = about.process_id if about else None
    wanting = [target.key for target in tx.engine.targets.now
               if target.name == to or target.wants(type, process_id, tx.now)]
    missing = False
    if to is not None and all(target.name != to for target in tx.engine.targets.now):
        # A new one of which this process has not heard yet?
        found = tx.first(NAMED, {"name": to})
        missing = found is None
        wanting.append(0 if found is None else found.key)
    if not wanting:
        return
    key = tx.key()
    tx.event_count += 1
    if "variables" in data and to is None:
        # Whom the diagram names is meant to have them; whoever else listens is not.
        data = {**data, "variables": tx.engine.masking.value(data["variables"])}
    body = _cloud_event(tx, key, type, data, about)
    for target in wanting:
        lost = missing and target == 0
        tx.rows.insert(schema.outbox, {
            "key": key if len(wanting) == 1 else tx.key(), "target_key": target, "event_id": str(key),
            "target_name": to[:255] if to and lost else None, "type": type, "instance_key": about.key if about else key,
            "position": ((about.revision + 1) << POSITIONS) + tx.event_count if about else 0, "body": body,
            "created_at": tx.now, "due_at": tx.now, "locked_until": None, "lock_token": 0, "attempts": 0,
            "error": f"Expected a target of events named {to!r}, but there is none." if lost else None, "dead": lost,
        })
    tx.announce(TOPIC)


def _cloud_event(tx: Transaction, key: int, type: str, data: dict[str, Any], about: Instance | None) -> dict[str, Any]:
    """A CloudEvent in the JSON format, with the extensions *partitioning* and *distributed tracing*."""
    event: dict[str, Any] = {
        "specversion": "1.0", "id": str(key), "source": "/partitur", "type": type, "time": tx.now.isoformat(),
        "datacontenttype": "application/json",
    }
    if about is None:
        return {**event, "data": data}
    event |= {"subject": str(about.key), "partitionkey": str(about.root_key), "correlationid": about.correlation_id}
    if about.trace_parent:
        event["traceparent"] = about.trace_parent
    facts = {"processInstanceKey": str(about.key), "rootInstanceKey": str(about.root_key),
             "processId": about.process_id, "businessId": about.business_id}
    return {**event, "data": {**facts, **data}}


def claim(tx: Transaction) -> list[Waiting]:
    """Take events that are due, for `LOCK`; of one instance and target the first only."""
    found = tx.select(CLAIM, {"now": tx.now})
    for row in found:
        tx.rows.write(TAKE, {"b_key": row.key, "b_until": tx.now + LOCK})
    return [
        Waiting(key=row.key, target_key=row.target_key, target=row.target, address=row.address, secret=row.secret,
                event_id=row.event_id, type=row.type, instance_key=row.instance_key, body=row.body,
                attempts=row.attempts, lock_token=row.lock_token + 1)
        for row in found
    ]


def delivered(tx: Transaction, done: list[Waiting]) -> None:
    """Targets have taken events."""
    for event in done:
        tx.rows.write(DONE, {"b_key": event.key, "b_lock_token": event.lock_token})
        tx.rows.write(COUNT_DONE, {"b_target": event.target_key, "b_now": tx.now})


def failed(tx: Transaction, event: Waiting, error: str, *, for_good: bool = False,
           target_is_down: bool = False) -> None:
    """A target has not taken an event: it is tried again later, or is dead if that is no use (`for_good`).

    `target_is_down`: the target rests for a while, so that not every event waits for it in vain.
    """
    wait = pause(event.attempts)
    tx.rows.write(FAILED, {
        "b_key": event.key, "b_lock_token": event.lock_token, "b_due_at": tx.now + wait, "b_error": error[:2_000],
        "b_dead": for_good,
    })
    tx.rows.write(REST, {"b_target": event.target_key, "b_error": error[:2_000],
                         "b_until": tx.now + wait if target_is_down else None})


def give_back(tx: Transaction, events: list[Waiting]) -> None:
    """Let others have what was taken and not tried."""
    for event in events:
        tx.rows.write(GIVE_BACK, {"b_key": event.key, "b_lock_token": event.lock_token})


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: twice as long each time."""
    return min(FIRST_PAUSE * (1 << min(attempts, 20)), LONGEST_PAUSE)


def next_due(engine: Engine) -> datetime | None:
    """When the next event may be delivered; None if none waits."""
    with engine.read() as connection:
        found: datetime | None = connection.scalar(NEXT)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What waits for a target: `waiting` in all, `dead` of them are not tried any more; the oldest is of `since`."""

    waiting: int = 0
    dead: int = 0
    since: datetime | None = None


def counts(engine: Engine) -> dict[int, Count]:
    """What waits, by the key of its target."""
    with engine.read() as connection:
        return {row[0]: Count(waiting=row[1] - row[2], dead=row[2], since=row[3])
                for row in connection.execute(COUNTS)}


def dead_letters(engine: Engine, limit: int = 100) -> list[AnyRow]:
    """Events that are not tried any more, the newest first."""
    with engine.read() as connection:
        return list(connection.execute(DEAD, {"limit": limit}))


def revive(tx: Transaction, key: int, reason: str) -> None:
    """Try a dead event again; audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "send an event again")
    found = _dead(tx, key)
    target = found.target_key
    if found.target_name is not None:
        named = tx.first(NAMED, {"name": found.target_name})
        if named is None:
            raise NotFound(f"Expected a target of events named {found.target_name!r}, but there is none.")
        target = named.key
    tx.rows.write(REVIVE, {"b_key": key, "b_now": tx.now, "b_target": target})
    audit.record(tx, "RETRY", "EVENT", key, reason=why, details={"type": found.type}, before={"dead": True},
                 after={"dead": False})
    tx.announce(TOPIC)


def revive_all(tx: Transaction, target: str, reason: str) -> int:
    """Try all dead events of a target again, those of each instance in their order; audited. Returns how many they
    are. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "send events again")
    named = tx.first(NAMED, {"name": target})
    if named is None:
        raise NotFound(f"Expected a target of events named {target!r}, but there is none.")
    # Those of a diagram that named it before it was there are among them.
    found = tx.connection.execute(
        update(schema.outbox).where(_o.dead, or_(_o.target_key == named.key, _o.target_name == target))
        .values(dead=False, attempts=0, due_at=tx.now, locked_until=None, target_key=named.key, target_name=None))
    audit.record(tx, "RETRY", "EVENT_TARGET", named.key, reason=why, details={"name": target},
                 before={"dead": found.rowcount}, after={"dead": 0})
    tx.announce(TOPIC)
    return found.rowcount


def discard(tx: Transaction, key: int, reason: str) -> None:
    """Give a dead event up; audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "discard an event")
    found = _dead(tx, key)
    tx.rows.write(DISCARD, {"b_key": key})
    audit.record(tx, "DISCARD", "EVENT", key, reason=why, before={"dead": True, "type": found.type})


def _dead(tx: Transaction, key: int) -> AnyRow:
    found = tx.first(BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected a dead event with key {key}, but there is none.")
    return found
