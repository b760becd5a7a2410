"""Conditional events: looked at whenever something has moved."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from bpmn.expressions import EvaluationError
from bpmn.interpreter.task import Token
from bpmn.model import EventDefinition, EventKind

if TYPE_CHECKING:
    from bpmn.interpreter.workflow import ProcessWorkflow

_encode = msgspec.msgpack.Encoder(enc_hook=str).encode


def check_conditions(top: ProcessWorkflow) -> bool:
    """Trigger the conditional events that have become true; whether any did."""
    fired = False
    for _, token in sorted(top.conditions.items()):     # in an order that a reload does not change
        if top.conditions.get(token.id) is not token:
            continue
        index = holds(token)
        if index is not None:
            token.task_spec.trigger(token, index, None)
            fired = True
    return fired


def holds(token: Token) -> int | None:
    """The index of a conditional event of `token` that has become true since it was last looked at, or None.

    Camunda 7 manual "Conditional Events": evaluated once when the wait begins and after every change of a variable;
    a non-interrupting event fires each time the condition turns from false to true. One that names a variable
    (`camunda:variableName`) is evaluated when that changes, and fires each time it is true then.
    """
    held = token.internal_data.setdefault("held", {})
    for index, event in enumerate(token.task_spec.awaited):
        if event.kind != EventKind.CONDITIONAL:
            continue
        is_watched = event.variable_name is not None
        if is_watched and not _has_changed(token, index, event):
            continue
        value = is_true(event, token.scope)
        before = held.get(index, False)
        held[index] = value
        if value and (is_watched or not before):
            return index
    return None


def is_true(event: EventDefinition, variables: Mapping[str, Any]) -> bool:
    """Whether a condition is true; what it needs may not be there yet, then it is not."""
    assert event.condition is not None
    try:
        return event.condition.evaluate(variables) is True
    except EvaluationError:
        return False


def _has_changed(token: Token, index: int, event: EventDefinition) -> bool:
    """Whether the variable that the event names changed in a way that counts; yes when it is first looked at."""
    watched = token.internal_data.setdefault("watched", {})
    name = event.variable_name or ""
    # A number that stands for the value: the value itself would make the saved state as large as the variable.
    now = zlib.crc32(_encode(token.scope[name])) if name in token.scope else None
    if index not in watched:
        watched[index] = now
        return True
    before, watched[index] = watched[index], now
    if now == before:
        return False
    change = "create" if before is None else "delete" if now is None else "update"
    return not event.variable_events or change in event.variable_events
