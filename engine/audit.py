"""Who did what, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import schema

if TYPE_CHECKING:
    from engine.transaction import Transaction


def record(tx: Transaction, operation: str, entity: str, entity_key: int, *, instance_key: int | None = None,
           reason: str | None = None, details: Any = None) -> None:
    """Append to the audit trail, in the transaction of the act itself."""
    tx.rows.insert(schema.audit, {
        "key": tx.key(), "at": tx.now, "actor": tx.actor, "operation": operation, "entity": entity,
        "entity_key": entity_key, "instance_key": instance_key, "reason": reason, "details": details,
    })
