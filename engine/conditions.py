"""Conditional start events: evaluated when somebody asks, because before an instance there are no variables to watch.

Source: Camunda 7 manual, "Conditional Events", section "Conditional Start Event", and "Evaluate Start Conditions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from bpmn.interpreter.conditions import is_true
from bpmn.model import EventKind
from engine import audit, pauses, permits, schema, starting, tenants, values
from engine.errors import InvalidInput
from engine.schema import DEFAULT_TENANT
from engine.subscriptions import CONDITION

if TYPE_CHECKING:
    from engine.transaction import Transaction

_s = schema.subscriptions.c

STARTS = (
    select(schema.subscriptions)
    .where(_s.kind == CONDITION, _s.instance_key.is_(None), _s.tenant_id == bindparam("tenant_id")).order_by(_s.key)
)


def evaluate(tx: Transaction, variables: Mapping[str, Any] | None = None, *, definition_key: int | None = None,
             business_id: str | None = None, tenant_id: str = DEFAULT_TENANT) -> list[int]:
    """Start an instance, with these variables, for each conditional start event whose condition they make true.

    Looks at the newest version of every process, or at the definition `definition_key` alone. Returns the keys of the
    instances. Audited. Raises NotFound, InvalidInput (that definition has no conditional start event),
    WrongState (a condition is true, but its process is paused; then none was started).
    """
    content = values.checked(variables)
    tenants.check(tx, tenant_id)
    if definition_key is None:
        permits.check_tenant(tx, "evaluate the conditions of", tenant_id)
    else:
        permits.check_definition(tx, "start", definition_key)
    started = []
    for key, element_id in _candidates(tx, definition_key, tenant_id):
        definition = tx.definition(key)
        events = [event for event in definition.process.elements[element_id].events
                  if event.kind == EventKind.CONDITIONAL]
        if any(is_true(event, content) for event in events):
            pauses.check(tx, definition)
            live = starting.start(tx, definition, variables=content, start_event=element_id, business_id=business_id)
            started.append(live.key)
    audit.record(tx, "EVALUATE_CONDITIONS", "INSTANCE", 0, after={"instances": [str(each) for each in started]})
    return started


def _candidates(tx: Transaction, definition_key: int | None, tenant_id: str) -> list[tuple[int, str]]:
    if definition_key is None:
        return [(row.definition_key, row.element_id) for row in tx.select(STARTS, {"tenant_id": tenant_id})]
    found = [event.element.id for event in tx.definition(definition_key).start_events
             if event.kind == EventKind.CONDITIONAL]
    if not found:
        raise InvalidInput(f"Expected process definition {definition_key} to have a conditional start event, "
                           f"but it has none.")
    return [(definition_key, element_id) for element_id in found]
