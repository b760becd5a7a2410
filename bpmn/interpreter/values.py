"""Values that an element needs of its expressions: texts, names, numbers; and where they go."""

from __future__ import annotations

from typing import Any

from bpmn.expressions import EvaluationError, Expression
from bpmn.interpreter.failures import Failure, ValueFailed
from bpmn.interpreter.scope import Scope

DEFAULT_RETRIES = 3
"""Attempts of a job whose element says nothing (Camunda 7 and 8)."""


def evaluate(expression: Expression, scope: Scope, what: str, failure: type[Failure] = ValueFailed) -> Any:
    """The value of `expression`; `what` names its purpose in the incident's message.

    Raises:
        Failure: of the given class, when it cannot be evaluated.
    """
    try:
        return expression.evaluate(scope)
    except EvaluationError as error:
        raise failure(f"Expected {what} {expression.text!r} to give a value, but {error.reason}") from error


def assign_path(scope: Scope, target: str, value: Any, *, local: bool) -> None:
    """Set `target`, which may be a path like `order.total` that builds or extends an object."""
    name, _, rest = target.partition(".")
    if rest:
        old = scope.get(name)
        value = _put(old if isinstance(old, dict) else {}, rest.split("."), value)
    if local:
        scope.assign_local(name, value)
    else:
        scope.assign(name, value)


def _put(old: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    # A new object: the old one may be shared with another scope.
    head, *rest = path
    if rest:
        inner = old.get(head)
        value = _put(inner if isinstance(inner, dict) else {}, rest, value)
    return {**old, head: value}


def text_of(expression: Expression, scope: Scope, what: str) -> str:
    """A text from an expression.

    Raises:
        ValueFailed: it gave null or nothing.
    """
    value = evaluate(expression, scope, what)
    if value is None or value == "":
        raise ValueFailed(f"Expected {what} {expression.text!r} to give a text, but it gave {value!r}.")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueFailed(f"Expected {what} {expression.text!r} to give a text, but it gave {value!r}.")
    return str(value)


def optional_text(expression: Expression | None, scope: Scope, what: str) -> str | None:
    """A text from an expression, or None where there is no expression or it gives null or nothing."""
    if expression is None:
        return None
    value = evaluate(expression, scope, what)
    return None if value is None or value == "" else str(value)


def names_of(expression: Expression | None, scope: Scope, what: str) -> tuple[str, ...]:
    """A list of names: a list value, or a text with commas."""
    if expression is None:
        return ()
    value = evaluate(expression, scope, what)
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    if isinstance(value, list):
        return tuple(str(name) for name in value)
    raise ValueFailed(f"Expected {what} {expression.text!r} to give a list of names, but it gave {value!r}.")


def number_of(expression: Expression, scope: Scope, what: str) -> int:
    """A whole number, not negative.

    Raises:
        ValueFailed: it gave something else.
    """
    value = evaluate(expression, scope, what)
    try:
        number = int(value) if not isinstance(value, bool) else -1
    except (TypeError, ValueError):
        number = -1
    if number < 0 or (isinstance(value, float) and value != number):
        raise ValueFailed(
            f"Expected {what} {expression.text!r} to give a whole number of 0 or more, but it gave {value!r}.")
    return number
