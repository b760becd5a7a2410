"""Signals: heard by everyone who listens at that moment (BPMN 2.0 §10.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from bpmn.model import EventKind
from engine import audit, pauses, permits, schema, starting, tenants, values
from engine import live as lives
from engine.actions import Trigger
from engine.errors import InvalidInput
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.transaction import Transaction

_s = schema.subscriptions.c

LISTENING = (
    select(schema.subscriptions)
    .where(_s.kind == EventKind.SIGNAL.value, _s.name == bindparam("name"), _s.tenant_id == bindparam("tenant_id"))
    .order_by(_s.key)
)


def broadcast(tx: Transaction, name: str, variables: Mapping[str, Any] | None = None, *,
              tenant_id: str = DEFAULT_TENANT) -> int:
    """Tell everyone who waits for a signal, and start what starts with it; returns how many heard it.

    A suspended instance hears it too, and reacts when it is resumed; so does a paused process. Audited.
    Raises InvalidInput, NotFound (the tenant).
    """
    if not values.name(name, "the name of a signal"):
        raise InvalidInput("Expected the name of a signal, but it is empty.")
    tenants.check(tx, tenant_id)
    permits.check_tenant(tx, "send a signal to", tenant_id)
    heard = deliver(tx, name, values.checked(variables), tenant_id=tenant_id)
    audit.record(tx, "BROADCAST", "SIGNAL", 0, details={"name": name}, after={"heard": heard})
    return heard


def deliver(tx: Transaction, name: str, variables: Mapping[str, Any], *, tenant_id: str,
            thrower: int | None = None, business_id: str | None = None) -> int:
    """Deliver a signal to all but the instance that threw it, which has heard it inside already.

    `business_id` is that of the instances that it starts.
    """
    heard = 0
    for listener in tx.select(LISTENING, {"name": name, "tenant_id": tenant_id}):
        if listener.instance_key is None:
            if not pauses.held(tx, listener, variables, business_id=business_id):
                starting.start(tx, tx.definition(listener.definition_key), variables=variables,
                               start_event=listener.element_id, business_id=business_id)
        elif listener.instance_key == thrower or lives.restore(tx, listener.instance_key) is None:
            continue
        else:
            tx.resume(listener.instance_key, Trigger(
                listener.element_instance_key, listener.event_index, dict(variables), may_be_late=True,
            ))
        heard += 1
    return heard
