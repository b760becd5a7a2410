"""Open subscriptions: what instances, and start events of the newest versions, wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete

from bpmn.interpreter import journal
from bpmn.model import ElementType, EventKind
from engine import messages, schema, values
from engine.actions import Fail
from engine.errors import InvalidInput
from engine.live import Live
from engine.programs import Definition, StartEvent

if TYPE_CHECKING:
    from engine.transaction import Transaction

_s = schema.subscriptions.c

CONDITION = "CONDITION"
"""Kind of a subscription that only shows what condition is waited for."""

CLOSE = delete(schema.subscriptions).where(_s.element_instance_key == bindparam("b_token"))
ATTACHED = frozenset({ElementType.BOUNDARY_EVENT, ElementType.START_EVENT, ElementType.EVENT_SUB_PROCESS})


def start_waiting(tx: Transaction, live: Live, entry: journal.SubscriptionOpened) -> None:
    """Open a subscription; a message that is buffered for it is correlated at once."""
    try:
        if entry.kind != CONDITION:
            values.name(entry.name, "a name")
        values.name(entry.correlation_key, "a correlation key")
    except InvalidInput as error:
        tx.resume(live.key, Fail(entry.key, "EXTRACT_VALUE_ERROR", str(error), may_be_late=True))
        return
    tx.rows.insert(schema.subscriptions, {
        "key": tx.key(), "kind": entry.kind, "name": entry.name[:values.LONGEST_NAME],
        "correlation_key": entry.correlation_key, "instance_key": live.key, "element_instance_key": entry.key,
        "definition_key": live.definition.key,
        "process_id": live.definition.process_id, "element_id": entry.element.id,
        "partition_key": live.partition_key, "tenant_id": live.tenant_id, "event_index": entry.index,
        "interrupting": entry.interrupting, "attached": entry.element.type in ATTACHED, "created_at": tx.now,
    })
    if entry.kind == EventKind.MESSAGE:
        messages.take_buffered(tx, live, entry)


def stop_waiting(tx: Transaction, live: Live, token: int) -> None:
    """Close the subscriptions of a token."""
    unwritten = tx.rows.all_unwritten(schema.subscriptions)
    for key in [key for key, row in unwritten.items() if row["element_instance_key"] == token]:
        del unwritten[key]
    tx.rows.write(CLOSE, {"b_token": token})


def open_start(tx: Transaction, definition: Definition, event: StartEvent) -> None:
    """Subscribe a message, signal or conditional start event of a definition."""
    tx.rows.insert(schema.subscriptions, {
        "key": tx.key(), "kind": CONDITION if event.kind == EventKind.CONDITIONAL else event.kind,
        "name": event.text[:values.LONGEST_NAME], "correlation_key": None, "instance_key": None,
        "element_instance_key": None, "definition_key": definition.key, "process_id": definition.process_id,
        "element_id": event.element.id, "partition_key": 0, "tenant_id": definition.tenant_id, "event_index": 0,
        "interrupting": True, "attached": False, "created_at": tx.now,
    })
