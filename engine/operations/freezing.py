"""Makes a plan in parts: SQLite has one writer, and a plan of 100,000 instances would keep it for seconds.

Which instances are meant is read at one moment, and put aside with the first transaction. The others write them down as
items, a part each; as long as one is missing the operation is *freezing*, and nobody judges or applies it. Any node
goes on with what is put aside, so that a plan is complete although the node died that was asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select

from engine import schema
from engine.operations import plans
from engine.operations.plans import ItemState, OperationState
from engine.queries.instances import InstanceFilter

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

PART = 2_000
"""How many items one transaction writes down."""

_p = schema.operation_parts.c
NEXT = select(schema.operation_parts).where(_p.operation_key == bindparam("key")).order_by(_p.position).limit(2)
WRITTEN = delete(schema.operation_parts).where(_p.key == bindparam("b_key"))


def plan(engine: Engine, kind: str, parameters: Mapping[str, Any], filter: InstanceFilter | None = None, *,
         query: str = "") -> int:
    """`plans.plan`, without keeping others from writing for long; the key of the operation. Raises what it raises."""
    key = engine.execute(plans.plan, kind, parameters, filter, query=query, most=PART)
    return _frozen(engine, key)


def plan_again(engine: Engine, key: int, states: Sequence[str] = (ItemState.FAILED_AGAIN, ItemState.NOT_STARTED),
               ) -> int:
    """`plans.plan_again` in the same way. Raises what it raises."""
    made = engine.execute(plans.plan_again, key, tuple(states), most=PART)
    return _frozen(engine, made)


def _frozen(engine: Engine, key: int) -> int:
    while engine.execute(go_on, key):
        pass
    return key


def go_on(tx: Transaction, key: int) -> bool:
    """Write down the next part of a plan; False if nothing was left to write down, or it was withdrawn meanwhile.

    Any number of nodes may do so at once: one waits for the other, and takes the part after it.
    """
    if plans.get(tx, key)["state"] != OperationState.FREEZING:
        return False
    parts = tx.select(NEXT, {"key": key})
    if not parts:
        # An older version kept them in the memory of the node that died.
        plans.give_up(tx, key, "The plan was never complete: who made it died meanwhile. Plan it again.")
        return False
    plans.write_items(tx, key, parts[0].position, [tuple(item) for item in parts[0].items])
    tx.connection.execute(WRITTEN, {"b_key": parts[0].key})
    if len(parts) == 1:
        plans.frozen(tx, key)
    return True
