"""An operation on one instance, or one service, for which somebody waits: planned, applied and carried out together.

It goes the way of all operations (`plans`, `carrying`), in one transaction: what is refused leaves nothing behind, and
what is done leaves its report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from engine import live as lives
from engine import schema
from engine.operations import carrying, plans
from engine.operations.plans import ItemState

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

_m = schema.operation_items.c
OUTCOME = select(_m.instance_key, _m.state, _m.sentence, _m.result).where(_m.key == bindparam("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it: `state` is one of `plans.ItemState`. `operation` has the report. `instance`: what it was
    done to, unless that was a service. `made`: the instance that goes on, where that is another one."""

    operation: int
    item: int
    state: str
    sentence: str | None
    instance: int | None = None
    made: int | None = None


def act(engine: Engine, kind: str, parameters: Mapping[str, Any], key: int, reason: str, *,
        seen: int | None = None, consent: bool = False) -> Outcome:
    """Do a deed to an instance, and look at once what comes of it.

    `seen`: its revision when somebody was told what would change; if it is another one by now, it is *skipped*.
    `consent`: whoever acts knows that a service may act twice. Raises what the deed raises, NotFound, InvalidInput (no
    reason, no consent where it is needed).
    """
    done = engine.execute(_act, kind, parameters, key, None, reason, seen, consent)
    return _verified(engine, done)


def act_on_service(engine: Engine, kind: str, service: str, reason: str) -> Outcome:
    """Do a deed to a service. Raises what the deed raises."""
    return engine.execute(_act, kind, {"service": service}, None, service, reason, None, True)


def _act(tx: Transaction, kind: str, parameters: Mapping[str, Any], key: int | None, label: str | None, reason: str,
         seen: int | None, consent: bool) -> Outcome:
    if key is not None:
        label = lives.locked(tx, key)["instance_business_id"]
    operation, item = plans.plan_one(tx, kind, parameters, (key, label), seen=seen)
    plans.apply(tx, operation, reason, consent=consent)
    carrying.perform(tx, item)
    carrying.finish(tx, operation)
    return _outcome(tx, operation, item)


def _verified(engine: Engine, done: Outcome) -> Outcome:
    if done.state != ItemState.WATCHING:
        return done
    return engine.execute(_verify, done)


def _verify(tx: Transaction, done: Outcome) -> Outcome:
    carrying.verify(tx, done.item)
    carrying.finish(tx, done.operation)
    return _outcome(tx, done.operation, done.item)


def _outcome(tx: Transaction, operation: int, item: int) -> Outcome:
    key, state, sentence, result = tx.connection.execute(OUTCOME, {"key": item}).one()
    made = result.get("made")
    return Outcome(operation=operation, item=item, state=state, sentence=sentence, instance=key,
                   made=int(made) if made else None)
