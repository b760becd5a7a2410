"""Conditional events: looked at whenever something has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpmn.expressions import EvaluationError
from bpmn.interpreter.task import Token
from bpmn.model import EventKind

if TYPE_CHECKING:
    from bpmn.interpreter.workflow import ProcessWorkflow


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
    a non-interrupting event fires each time the condition turns from false to true.
    """
    held = token.internal_data.setdefault("held", {})
    for index, event in enumerate(token.task_spec.awaited):
        if event.kind == EventKind.CONDITIONAL:
            assert event.condition is not None
            try:
                value = event.condition.evaluate(token.scope) is True
            except EvaluationError:
                value = False       # what it needs may not be there yet
            before = held.get(index, False)
            held[index] = value
            if value and not before:
                return index
    return None
