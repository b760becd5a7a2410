"""Makes a plan in parts: SQLite has one writer, and a plan of 100,000 instances would keep it for seconds.

Which instances are meant is read at one moment, with the first transaction. The others write them down, a part each; as
long as one is missing the operation is *freezing*, and nobody judges or applies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.operations import plans
from engine.operations.plans import Item, ItemState, OperationState
from engine.queries.instances import InstanceFilter

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

PART = 2_000
"""How many items one transaction writes down."""
LONGEST = timedelta(minutes=10)
"""After that a plan that is still not frozen belongs to somebody who died."""


def plan(engine: Engine, kind: str, parameters: Mapping[str, Any], filter: InstanceFilter | None = None, *,
         query: str = "") -> int:
    """`plans.plan`, without keeping others from writing for long; the key of the operation. Raises what it raises."""
    rest: list[Item] = []
    key = engine.execute(_begin, kind, parameters, filter, query, rest)
    return _frozen(engine, key, rest)


def plan_again(engine: Engine, key: int, states: Sequence[str] = (ItemState.FAILED_AGAIN, ItemState.NOT_STARTED),
               ) -> int:
    """`plans.plan_again` in the same way. Raises what it raises."""
    rest: list[Item] = []
    made = engine.execute(_begin_again, key, tuple(states), rest)
    return _frozen(engine, made, rest)


def _begin(tx: Transaction, kind: str, parameters: Mapping[str, Any], filter: InstanceFilter | None, query: str,
           rest: list[Item]) -> int:
    return plans.plan(tx, kind, parameters, filter, query=query, rest=rest, most=PART)


def _begin_again(tx: Transaction, key: int, states: Sequence[str], rest: list[Item]) -> int:
    return plans.plan_again(tx, key, states, rest=rest, most=PART)


def _frozen(engine: Engine, key: int, rest: Sequence[Item]) -> int:
    for begin in range(0, len(rest), PART):
        part = rest[begin:begin + PART]
        if not engine.execute(_add, key, begin, part, begin + len(part) == len(rest)):
            break
    return key


def _add(tx: Transaction, key: int, position: int, part: Sequence[Item], last: bool) -> bool:
    """Write down a part; False if the plan was withdrawn meanwhile."""
    if plans.get(tx, key)["state"] != OperationState.FREEZING:
        return False
    plans.write_items(tx, key, position, part)
    if last:
        plans.frozen(tx, key)
    return True


def abandon(tx: Transaction, key: int) -> bool:
    """Withdraw a plan that nobody goes on to freeze."""
    row = plans.get(tx, key)
    if row["state"] != OperationState.FREEZING or row["planned_at"] > tx.now - LONGEST:
        return False
    plans.give_up(tx, key, "The plan was never complete: who made it died meanwhile. Plan it again.")
    return True
