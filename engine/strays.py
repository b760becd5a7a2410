"""Messages that reached nobody, kept for a while so that people see them and can give them to whom they were meant for.

A message is a stray when nobody waited for it and it was not to be kept, or when it was kept and expired without having
reached anybody (engine.messages writes them).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, or_, select, update

from engine import audit, guard, messages, permits, schema
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import firing

if TYPE_CHECKING:
    from engine.transaction import Transaction

KEPT = timedelta(days=30)
"""How long strays are kept at most."""
MOST = 10_000
"""How many are kept at most: the newest."""
SLICE = 2_000

_m, _g, _s = schema.messages.c, schema.stray_messages.c, schema.subscriptions.c

STRAY = select(schema.stray_messages).where(_g.key == bindparam("key")).with_for_update()
BUFFERED = select(schema.messages).where(_m.key == bindparam("key")).with_for_update()
SUBSCRIPTION = select(_s.instance_key, _s.process_id, _s.tenant_id).where(_s.key == bindparam("key"))
DELIVERED = update(schema.stray_messages).where(_g.key == bindparam("b_key")).values(
    delivered_to=bindparam("b_instance"), delivered_at=bindparam("b_now"))
OLDEST_KEPT = select(_g.published_at).order_by(_g.published_at.desc()).offset(MOST - 1).limit(1)


def deliver(tx: Transaction, key: int, subscription_key: int, reason: str) -> int:
    """Give a message that reached nobody, or that is still kept, to one waiting instance, whatever keys say.

    A message that is kept does not reach that process again. Returns the key of the instance. Audited. Raises
    InvalidInput (no reason), NotFound, WrongState (it was delivered by hand before, the instance is suspended).
    """
    why = guard.reason_given(reason, "deliver a message by hand")
    stray, kept = tx.first(STRAY, {"key": key}), tx.first(BUFFERED, {"key": key})
    message = stray if stray is not None else kept
    if message is None:
        raise NotFound(f"Expected to find a message with key {key}, but there is none: it may have reached somebody "
                       f"meanwhile, or it was kept long enough.")
    if stray is not None and stray.delivered_to is not None:
        raise WrongState(f"Expected message {key} to have reached nobody, but somebody delivered it to instance "
                         f"{stray.delivered_to} by hand.")
    waiting = tx.first(SUBSCRIPTION, {"key": subscription_key})
    if waiting is None or waiting.instance_key is None:
        raise NotFound(f"Expected an instance that waits with subscription {subscription_key}, but there is none: it "
                       f"may have got its message meanwhile.")
    permits.check_instance(tx, "deliver messages to", waiting.instance_key)
    if waiting.tenant_id != message.tenant_id:
        raise InvalidInput(f"Expected an instance of tenant {message.tenant_id!r}, to which the message was sent, but "
                           f"{waiting.instance_key} is of {waiting.tenant_id!r}.")
    firing.deliver(tx, subscription_key, message.variables, why)
    if stray is not None:
        tx.rows.write(DELIVERED, {"b_key": key, "b_instance": waiting.instance_key, "b_now": tx.now})
    else:
        messages.mark(tx, message, waiting.process_id)
    audit.record(tx, "DELIVER", "MESSAGE", key, instance_key=waiting.instance_key, reason=why, details={
        "name": message.name, "correlation_key": message.correlation_key, "subscription": str(subscription_key),
    }, before={"delivered_to": None}, after={"delivered_to": str(waiting.instance_key)})
    return int(waiting.instance_key)


def forget(tx: Transaction) -> int:
    """Delete a slice of the strays that were kept long enough, or that are more than are kept; returns how many."""
    limit: Any = tx.connection.scalar(OLDEST_KEPT)
    over = [_g.published_at < tx.now - KEPT]
    if limit is not None:
        over.append(_g.published_at < limit)
    old = select(_g.key).where(or_(*over)).limit(SLICE)
    return tx.connection.execute(delete(schema.stray_messages).where(_g.key.in_(old))).rowcount
