"""Who did what, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import schema

if TYPE_CHECKING:
    from engine.transaction import Transaction


def record(tx: Transaction, operation: str, entity: str, entity_key: int, *, instance_key: int | None = None,
           reason: str | None = None, details: Any = None, before: Any = None, after: Any = None) -> None:
    """Append to the audit trail, in the transaction of the act itself.

    `before` and `after`: what the act changed, as mappings with the same names, where that has a value.
    What is done by an operation names it: `details` has its key. Values that are hidden stay so for ever.
    """
    hide = tx.engine.masking.value
    if tx.operation_key is not None:
        details = {**(details or {}), "operation": str(tx.operation_key)}
    tx.rows.insert(schema.audit, {
        "key": tx.key(), "at": tx.now, "actor": tx.actor, "operation": operation, "entity": entity,
        "entity_key": entity_key, "instance_key": instance_key, "reason": reason, "details": hide(details),
        "before": hide(before), "after": hide(after), "position": None, "hash": None,
    })
