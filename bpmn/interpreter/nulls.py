"""Says why an expression gave null: mostly a variable that is misspelt or missing.

The reason costs a second evaluation, so it is asked for once for each expression, as long as an instance is in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpmn.expressions import EvaluationError, Expression, Feel
from bpmn.interpreter import journal
from bpmn.interpreter.scope import Scope

if TYPE_CHECKING:
    from bpmn.interpreter.workflow import ProcessWorkflow
    from bpmn.model import Element

MAX_EXPLAINED = 100
"""Expressions of one instance that are explained."""


def explain(top: ProcessWorkflow, element: Element, expression: Expression, scope: Scope, purpose: str) -> None:
    """Write down why an expression gave null, if there is a reason beside that it says so."""
    asked = (element.id, expression.text)
    if not isinstance(expression, Feel) or asked in top.explained or len(top.explained) >= MAX_EXPLAINED:
        return
    top.explained.add(asked)
    try:
        value, warnings = expression.explain(scope)
    except EvaluationError:
        return
    if value is None and warnings:
        top.record(journal.NullExplained(element, purpose, expression.text, tuple(warnings), scope.visible()))


def explain_script(top: ProcessWorkflow, element: Element, scope: Scope) -> None:
    """Write down why the script of an element gave null."""
    if element.script is not None:
        explain(top, element, element.script.expression, scope, "the script")
