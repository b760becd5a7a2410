"""FEEL in forms: expressions behind `=`, and conditions, which form-js evaluates as unary tests without a value.

A unary test that gives a boolean says just that. Any other value is compared with the tested value, and there is
none: so null passes. A field with `hide: =amount > 100` is therefore hidden as long as `amount` is not known.
Source: form-js, `FeelExpressionLanguage`; feelin, `unaryTest`.
"""

from __future__ import annotations

import operator as operators
from collections.abc import Callable, Mapping
from typing import Any

from bpmn.feel import FeelError, FeelSyntaxError, syntax
from bpmn.feel.library import BUILTIN_NAMES
from bpmn.feel.parser import parse_tests
from bpmn.feel.program import Program, compile_feel
from bpmn.forms import javascript

Scope = Mapping[str, Any]
_OPERATORS = {"<": operators.lt, "<=": operators.le, ">": operators.gt, ">=": operators.ge}


class Expression:
    """A FEEL expression of a form. Raises `bpmn.feel.FeelSyntaxError`."""

    __slots__ = ("_program",)

    def __init__(self, text: str) -> None:
        self._program = compile_feel(text.removeprefix("="))

    def value(self, scope: Scope) -> Any:
        """Its value; null if it fails, as form-js has it."""
        return _value(self._program, scope)


class Condition:
    """A condition of a form. Raises `bpmn.feel.FeelSyntaxError`."""

    __slots__ = ("_negated", "_tests")

    def __init__(self, text: str) -> None:
        node = parse_tests(text.removeprefix("="), (), BUILTIN_NAMES)
        self._tests = [_test(text, test) for test in node.tests]
        self._negated = node.negated

    def holds(self, scope: Scope) -> bool:
        """Whether it is met."""
        if not self._tests:
            return True
        return any(test(scope) for test in self._tests) is not self._negated


def is_expression(value: Any) -> bool:
    """Whether form-js takes a property for FEEL."""
    return isinstance(value, str) and value.startswith("=")


def _test(text: str, node: syntax.Node) -> Callable[[Scope], bool]:
    if isinstance(node, syntax.Test | syntax.Interval):
        return lambda scope: False
    whole = Program(text, node)
    if not isinstance(node, syntax.Comparison) or node.operator == "=":
        return lambda scope: _passes(_value(whole, scope))
    left, right, operator = Program(text, node.left), Program(text, node.right), node.operator

    def run(scope: Scope) -> bool:
        value = _value(whole, scope)
        if value is None:
            operands = _value(left, scope), _value(right, scope)
            if None not in operands:
                return _compared(operator, *operands)
        return _passes(value)

    return run


def _compared(operator: str, left: Any, right: Any) -> bool:
    """FEEL gives null where kinds differ, feelin compares as JavaScript does: what is shown must not differ."""
    if operator == "!=":
        return True
    first, second = _number(left), _number(right)
    return first is not None and second is not None and _OPERATORS[operator](first, second)


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return int(value)
    return javascript.number(",".join(map(javascript.text, value)) if isinstance(value, list) else value)


def _passes(value: Any) -> bool:
    return value is True or value is None or (isinstance(value, list) and None in value)


def _value(program: Program, scope: Scope) -> Any:
    try:
        return program.evaluate(scope)
    except (FeelError, RecursionError):
        return None


__all__ = ["Condition", "Expression", "FeelSyntaxError", "is_expression"]
