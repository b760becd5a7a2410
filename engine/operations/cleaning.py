"""Takes reports of operations away that were kept long enough, and plans that nobody applied.

An operation goes with its items and with the request for its approval. The audit trail says for ever who planned and
applied it, and what was done to each instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BindParameter, and_, bindparam, delete, exists, select

from engine import schema
from engine.operations.plans import ItemState, OperationState

if TYPE_CHECKING:
    from engine.transaction import Transaction

LOOKED_AT = 200
"""How many operations are looked at together."""
UNAPPLIED = timedelta(days=7)
"""How long a plan stays at least that nobody applied: somebody may still think about it, however short history is."""

_o, _m = schema.operations.c, schema.operation_items.c
_KEYS: BindParameter[int] = bindparam("keys", expanding=True)

# Items of one that was stopped are watched beyond its end.
_WATCHED = exists().where(_m.operation_key == _o.key, _m.state == ItemState.WATCHING.value)
IS_OVER = and_(_o.ended_at < bindparam("before"), ~_WATCHED)
FINISHED = (
    select(_o.key).where(IS_OVER)
    .order_by(_o.ended_at).limit(LOOKED_AT).with_for_update(skip_locked=True)
)
NOT_APPLIED = (
    select(_o.key)
    .where(_o.ended_at.is_(None), _o.state == OperationState.PLANNED.value, _o.planned_at < bindparam("before"))
    .order_by(_o.key).limit(LOOKED_AT).with_for_update(skip_locked=True)
)
ITEMS = delete(schema.operation_items).where(_m.key.in_(
    select(_m.key).where(_m.operation_key.in_(_KEYS)).limit(bindparam("most"))))
REST = (
    delete(schema.operation_parts).where(schema.operation_parts.c.operation_key.in_(_KEYS)),
    delete(schema.approvals).where(schema.approvals.c.operation_key.in_(_KEYS)),
    delete(schema.operations).where(_o.key.in_(_KEYS)),
)
"""What goes once the items are gone, the operation itself last."""


def clean(tx: Transaction, kept: timedelta, most: int) -> int:
    """Delete up to `most` items of operations that ended longer ago than `kept`; how many rows that was."""
    deleted = 0
    for found, before in ((FINISHED, tx.now - kept), (NOT_APPLIED, tx.now - max(kept, UNAPPLIED))):
        while deleted < most:
            keys = tx.connection.scalars(found, {"before": before}).all()
            if not keys:
                break
            deleted += _delete(tx, keys, most - deleted)
    return deleted


def _delete(tx: Transaction, keys: Sequence[int], most: int) -> int:
    deleted = tx.connection.execute(ITEMS, {"keys": keys, "most": most}).rowcount
    if deleted < most:
        deleted += sum(tx.connection.execute(statement, {"keys": keys}).rowcount for statement in REST)
    return deleted
