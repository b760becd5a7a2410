"""Messages: published by name and correlation key, kept for a while if nobody waits yet.

A message reaches at most one instance of each process, and each process once (Camunda 8 docs "Messages", message
correlation). `correlate` is Camunda 7's way: exactly one receiver, found by business key, variables or instance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, delete, or_, select, update

from bpmn.interpreter import journal
from bpmn.model import EventKind
from engine import audit, pauses, permits, schedules, schema, starting, tenants, values
from engine import live as lives
from engine.actions import Trigger
from engine.errors import Conflict, InvalidInput, NotFound
from engine.live import Live
from engine.rows import AnyRow
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.transaction import Transaction

_s = schema.subscriptions.c
_m = schema.messages.c
_i = schema.instances.c
_v = schema.variables.c

WAITING = (
    select(schema.subscriptions)
    .where(_s.kind == EventKind.MESSAGE.value, _s.name == bindparam("name"), _s.tenant_id == bindparam("tenant_id"),
           or_(_s.correlation_key.is_not_distinct_from(bindparam("correlation_key")), _s.instance_key.is_(None)))
    # Who waits already comes before a new instance.
    .order_by(_s.instance_key.is_(None), _s.key)
)
STILL_OPEN = lives.with_instance(schema.subscriptions)
CLOSE = delete(schema.subscriptions).where(_s.key == bindparam("b_key"))
STARTED_BY = select(_i.key).where(
    _i.process_id == bindparam("process_id"), _i.message_key == bindparam("message_key"), _i.ended_at.is_(None),
    _i.tenant_id == bindparam("tenant_id"),
).limit(1)
STARTS = select(schema.subscriptions).where(
    _s.kind == EventKind.MESSAGE.value, _s.name == bindparam("name"), _s.tenant_id == bindparam("tenant_id"),
    _s.instance_key.is_(None),
).order_by(_s.key)
SAME = select(_m.key).where(
    _m.name == bindparam("name"), _m.message_id == bindparam("message_id"), _m.tenant_id == bindparam("tenant_id"),
    _m.correlation_key.is_not_distinct_from(bindparam("correlation_key")), _m.expires_at > bindparam("now"),
).limit(1)
BUFFERED = (
    select(schema.messages)
    .where(_m.name == bindparam("name"), _m.correlation_key.is_not_distinct_from(bindparam("correlation_key")),
           _m.tenant_id == bindparam("tenant_id"), _m.expires_at > bindparam("now"))
    .order_by(_m.published_at, _m.key).with_for_update()
)
CORRELATED = (
    update(schema.messages).where(_m.key == bindparam("b_key")).values(correlated_to=bindparam("b_correlated_to"))
)
EXPIRED = (
    select(_m.key, _m.name, _m.correlation_key, _m.message_id, _m.tenant_id, _m.variables, _m.published_at,
           _m.expires_at, _m.correlated_to)
    .where(_m.expires_at <= bindparam("now")).order_by(_m.expires_at)
    .limit(bindparam("most")).with_for_update(skip_locked=True)
)
EXPIRE = delete(schema.messages).where(_m.key == bindparam("b_key"))
SLICE = 1_000
"""How many messages are thrown away at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published message: its key, and the instances that got it or were started by it."""

    key: int
    instance_keys: tuple[int, ...]


def publish(tx: Transaction, name: str, correlation_key: str | None = None,
            variables: Mapping[str, Any] | None = None, *, time_to_live: timedelta = timedelta(),
            message_id: str | None = None, tenant_id: str = DEFAULT_TENANT) -> Published:
    """Send a message to whoever waits for it, and keep it for `time_to_live` for those who come later.

    Audited. Raises InvalidInput; NotFound (the tenant); Conflict if a message of the same `message_id`, name and
    correlation key is still kept.
    """
    if not values.name(name, "the name of a message"):
        raise InvalidInput("Expected the name of a message, but it is empty.")
    content = values.checked(variables)
    key_wanted = values.name(correlation_key, "a correlation key")
    what = {"name": name, "correlation_key": key_wanted, "tenant_id": tenant_id}
    values.name(message_id, "a message id")
    tenants.check(tx, tenant_id)
    permits.check_tenant(tx, "send a message to", tenant_id)
    _one_at_a_time(tx, name, key_wanted)
    if message_id and _is_kept(tx, what, message_id):
        raise Conflict(f"Expected a new message, but one with the id {message_id!r} was published already.")
    published = _send(tx, what, content, time_to_live, message_id)
    tx.count("messages", "correlated" if published.instance_keys else "buffered" if time_to_live else "unmatched")
    audit.record(tx, "PUBLISH", "MESSAGE", published.key, details={"name": name, "correlation_key": correlation_key},
                 after={"instances": [str(each) for each in published.instance_keys],
                        "kept_until": (tx.now + time_to_live).isoformat() if time_to_live > timedelta() else None})
    return published


def _is_kept(tx: Transaction, what: dict[str, Any], message_id: str) -> bool:
    return tx.first(SAME, what | {"message_id": message_id, "now": tx.now}) is not None


def _send(tx: Transaction, what: dict[str, Any], content: dict[str, Any], time_to_live: timedelta,
          message_id: str | None) -> Published:
    reached = _deliver(tx, what, content)
    key = tx.key()
    if time_to_live > timedelta():
        tx.rows.insert(schema.messages, {
            "key": key, **what, "message_id": message_id or None, "variables": content,
            "correlated_to": sorted(reached), "published_at": tx.now, "expires_at": tx.now + time_to_live,
        })
    elif not reached:
        _keep_stray(tx, {"key": key, **what, "message_id": message_id or None, "variables": content,
                         "published_at": tx.now, "expires_at": tx.now})
    return Published(key=key, instance_keys=tuple(each for each in reached.values() if each))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlated:
    """Where a correlated message went; `started` if it started the instance."""

    instance_key: int
    definition_key: int
    element_instance_key: int | None
    started: bool


def correlate(tx: Transaction, name: str, *, correlation_key: str | None = None, instance_key: int | None = None,
              element_instance_key: int | None = None, business_id: str | None = None,
              match: Mapping[str, Any] | None = None, by_hidden: Sequence[str] = (),
              variables: Mapping[str, Any] | None = None, all: bool = False, start: bool = True,
              tenant_id: str = DEFAULT_TENANT) -> list[Correlated]:
    """Give a message to exactly one waiting instance, or with `all` to every one.

    The instance is found by what is given: its key, the element instance that waits, its business id, variables that
    it must have (`match`), the correlation key of its subscription. If nobody waits and `start` is set, a message
    start event of that name starts an instance. Audited, with the names of variables that are hidden (`by_hidden`).
    Raises InvalidInput; NotFound if nobody waits; Conflict if several do.
    Source: Camunda 7 manual, "Correlation methods"; Camunda 8 docs, "Correlate a message".
    """
    content = values.checked(variables)
    values.name(name, "the name of a message")
    tenants.check(tx, tenant_id)
    addressed = instance_key is not None or element_instance_key is not None
    if not addressed:
        permits.check_tenant(tx, "send a message to", tenant_id)
    _one_at_a_time(tx, name, values.name(correlation_key, "a correlation key"))
    waiting = [row for row in tx.select(_candidates(name, tenant_id, correlation_key, instance_key, business_id, match,
                                                    element_instance_key))
               if permits.may(tx, row.process_id, row.tenant_id)]
    if len(waiting) > 1 and not all:
        raise Conflict(f"Expected one instance that waits for message {name!r}, but {len(waiting)} do.")
    reached = [
        Correlated(instance_key=row.instance_key, definition_key=row.definition_key,
                   element_instance_key=row.element_instance_key, started=False)
        for row in waiting if trigger(tx, row, content) is not None
    ]
    if not reached and start and not addressed and not match:
        for row in tx.select(STARTS, {"name": name, "tenant_id": tenant_id}):
            pauses.check(tx, tx.definition(row.definition_key))
            live = starting.start(tx, tx.definition(row.definition_key), variables=content, start_event=row.element_id,
                                  message_key=correlation_key, business_id=business_id)
            reached.append(Correlated(instance_key=live.key, definition_key=row.definition_key,
                                      element_instance_key=None, started=True))
    if not reached:
        raise NotFound(f"Expected an instance that waits for message {name!r} as described, but nobody does.")
    tx.count("messages", "correlated")
    audit.record(tx, "CORRELATE", "MESSAGE", 0,
                 details={"name": name, "reached": len(reached), **({"by_hidden": [*by_hidden]} if by_hidden else {})},
                 after={"instances": [str(each.instance_key) for each in reached]})
    return reached


def _candidates(name: str, tenant_id: str, correlation_key: str | None, instance_key: int | None,
                business_id: str | None, match: Mapping[str, Any] | None,
                element_instance_key: int | None) -> Select[Any]:
    found = (
        select(schema.subscriptions).join(schema.instances, _i.key == _s.instance_key)
        .where(_s.kind == EventKind.MESSAGE.value, _s.name == name, _s.tenant_id == tenant_id).order_by(_s.key)
    )
    for column, value in ((_s.correlation_key, correlation_key), (_s.instance_key, instance_key),
                          (_s.element_instance_key, element_instance_key),
                          (_i.business_id, business_id)):
        if value is not None:
            found = found.where(column == value)
    for variable, value in (match or {}).items():
        found = found.where(_i.key.in_(
            select(_v.instance_key).where(lives.has_value(value), _v.name == variable, ~_v.ended)
        ))
    return found


def deliver_thrown(tx: Transaction, live: Live, entry: journal.Thrown) -> None:
    """Deliver a message that an instance threw, and keep it as long as it says for those who come later.

    Nobody can wait for a name or key that is too long. A message whose id is kept already is not sent again.
    """
    what = {"name": entry.name, "correlation_key": entry.correlation_key or None, "tenant_id": live.tenant_id}
    time_to_live = timedelta()
    if entry.time_to_live is not None:
        time_to_live = schedules.duration(entry.time_to_live).after(tx.now) - tx.now
    try:
        for text in (entry.name, entry.correlation_key, entry.message_id):
            values.name(text, "what a message is found by")
    except InvalidInput:
        return
    if time_to_live > timedelta() or entry.message_id:
        _one_at_a_time(tx, entry.name, entry.correlation_key or None)
    if entry.message_id and _is_kept(tx, what, entry.message_id):
        return
    _send(tx, what, dict(entry.variables), time_to_live, entry.message_id)


def take_buffered(tx: Transaction, live: Live, entry: journal.SubscriptionOpened) -> None:
    """Give the oldest fitting message that is kept to a subscription that was just opened."""
    _one_at_a_time(tx, entry.name, entry.correlation_key)
    what = {"name": entry.name, "correlation_key": entry.correlation_key, "tenant_id": live.tenant_id}
    for message in tx.select(BUFFERED, what | {"now": tx.now}):
        if live.definition.process_id not in message.correlated_to:
            mark(tx, message, live.definition.process_id)
            tx.resume(live.key, Trigger(entry.key, entry.index, message.variables, may_be_late=True))
            return


def start_next(tx: Transaction, live: Live) -> None:
    """The instance that a message started has ended: the next message with the same key may start another one."""
    assert live.message_key is not None
    _one_start_at_a_time(tx, live.definition.process_id, live.message_key, live.tenant_id)
    for event in live.definition.message_starts:
        what = {"name": event.text, "correlation_key": live.message_key, "tenant_id": live.tenant_id}
        for message in tx.select(BUFFERED, what | {"now": tx.now}):
            if live.definition.process_id in message.correlated_to:
                continue
            for waiting in tx.select(WAITING, what):
                if waiting.instance_key is None and waiting.process_id == live.definition.process_id:
                    mark(tx, message, waiting.process_id)
                    if not pauses.held(tx, waiting, message.variables, message_key=live.message_key):
                        starting.start(tx, tx.definition(waiting.definition_key), variables=message.variables,
                                       start_event=waiting.element_id, message_key=live.message_key)
                    return


def expire(tx: Transaction) -> int:
    """Throw away some of the messages that were kept long enough; returns how many. Those that reached nobody become
    strays."""
    expired = tx.select(EXPIRED, {"now": tx.now, "most": SLICE})
    for row in expired:
        message = dict(row._mapping)
        if not message.pop("correlated_to"):
            _keep_stray(tx, message)
        tx.rows.write(EXPIRE, {"b_key": row.key})
    return len(expired)


def _keep_stray(tx: Transaction, row: dict[str, Any]) -> None:
    """Keep a message that reached nobody, so that people see it (engine.strays)."""
    tx.rows.insert(schema.stray_messages, {**row, "delivered_to": None, "delivered_at": None})


def mark(tx: Transaction, message: AnyRow, process_id: str) -> None:
    """A message that is kept has reached a process, which does not get it again."""
    tx.rows.write(CORRELATED, {
        "b_key": message.key, "b_correlated_to": sorted({*message.correlated_to, process_id}),
    })


def _one_at_a_time(tx: Transaction, name: str, correlation_key: str | None) -> None:
    # Else a message and the one who waits for it could pass each other, neither seeing the other's commit.
    tx.engine.database.serialize(tx.connection, f"message {name} {correlation_key}")


def _one_start_at_a_time(tx: Transaction, process_id: str, message_key: str, tenant_id: str) -> None:
    # Else two messages could each start an instance about the same, or one be kept for an instance that ends just now.
    tx.engine.database.serialize(tx.connection, f"start {tenant_id} {process_id} {message_key}")


def _deliver(tx: Transaction, what: dict[str, Any], variables: dict[str, Any]) -> dict[str, int]:
    """Deliver to one receiver per process; process id → instance key, 0 where it is held for a paused process."""
    reached: dict[str, int] = {}
    for waiting in tx.select(WAITING, what):
        if waiting.process_id in reached:
            continue
        key = trigger(tx, waiting, variables) if waiting.instance_key is not None \
            else _start(tx, waiting, what["correlation_key"], variables)
        if key is not None:
            reached[waiting.process_id] = key
    return reached


def trigger(tx: Transaction, waiting: AnyRow, variables: dict[str, Any]) -> int | None:
    """Give a message to a subscription of an instance; None if it was closed meanwhile."""
    still_open = tx.first(STILL_OPEN, {"key": waiting.key})
    if still_open is None:
        return None
    tx.instance_rows.setdefault(waiting.instance_key, still_open._mapping)
    live = lives.restore(tx, waiting.instance_key)
    if live is None:
        return None
    if waiting.interrupting and live.suspended_at is not None:
        # It reacts when it is resumed; until then it must not take a second one.
        tx.rows.write(CLOSE, {"b_key": waiting.key})
    tx.resume(live.key, Trigger(waiting.element_instance_key, waiting.event_index, variables, may_be_late=True))
    return live.key


def _start(tx: Transaction, waiting: AnyRow, correlation_key: str | None, variables: dict[str, Any]) -> int | None:
    if correlation_key is not None:
        _one_start_at_a_time(tx, waiting.process_id, correlation_key, waiting.tenant_id)
        same = {"process_id": waiting.process_id, "message_key": correlation_key, "tenant_id": waiting.tenant_id}
        if tx.first(STARTED_BY, same) is not None or pauses.is_held(tx, waiting, correlation_key):
            return None
    if pauses.held(tx, waiting, variables, message_key=correlation_key):
        return 0
    live = starting.start(tx, tx.definition(waiting.definition_key), variables=variables,
                          start_event=waiting.element_id, message_key=correlation_key)
    return live.key


