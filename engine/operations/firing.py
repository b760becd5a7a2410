"""Lets happen at once what an instance waits for: a timer fires before its time, an event is delivered by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bpmn.model import EventKind
from engine import audit, guard, schema, timers, values
from engine import live as lives
from engine.actions import Trigger
from engine.errors import NotFound, WrongState
from engine.live import with_instance

if TYPE_CHECKING:
    from engine.transaction import Transaction

TIMER = with_instance(schema.timers)
SUBSCRIPTION = with_instance(schema.subscriptions)


def fire(tx: Transaction, key: int, reason: str) -> None:
    """Fire a timer of an instance now. One that repeats keeps its later times.

    Audited. Raises InvalidInput (no reason), NotFound, WrongState (the instance is suspended).
    """
    why = guard.reason_given(reason, "fire a timer before its time")
    found = tx.first(TIMER, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find an open timer with key {key}, but there is none: it may have fired "
                       f"meanwhile.")
    row = found._mapping
    guard.running(row)
    tx.instance_rows.setdefault(row["instance_key"], row)
    audit.record(tx, "FIRE", "TIMER", key, instance_key=row["instance_key"], reason=why,
                 details={"element": found.element_id}, before={"due_at": found.due_at.isoformat()},
                 after={"fired_at": tx.now.isoformat()})
    timers.fire(tx, found)


def deliver(tx: Transaction, key: int, variables: Mapping[str, Any] | None, reason: str) -> None:
    """Give a message or signal to one open subscription of an instance, as if it had been sent to that one alone.

    Audited. Raises InvalidInput (no reason, variables that cannot be stored), NotFound, WrongState (the instance is
    suspended, or a condition is waited for, which only variables can make true).
    """
    why = guard.reason_given(reason, "deliver an event by hand")
    content = values.checked(variables)
    found = tx.first(SUBSCRIPTION, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find an open subscription with key {key}, but there is none: it may have got its "
                       f"event meanwhile.")
    row = found._mapping
    guard.running(row)
    if found.kind not in (EventKind.MESSAGE, EventKind.SIGNAL):
        raise WrongState("Expected a message or a signal to deliver, but a condition is waited for: set the variables "
                         "that make it true.")
    tx.instance_rows.setdefault(row["instance_key"], row)
    audit.record(tx, "DELIVER", found.kind, key, instance_key=row["instance_key"], reason=why,
                 details={"name": found.name, "correlation_key": found.correlation_key, "element": found.element_id},
                 before={"waits": True}, after={"waits": False, "variables": content})
    if lives.restore(tx, row["instance_key"]) is not None:
        tx.resume(row["instance_key"], Trigger(found.element_instance_key, found.event_index, content,
                                               may_be_late=True))
