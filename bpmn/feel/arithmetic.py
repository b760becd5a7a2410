"""Closures for `+`, `-`, `*`, `/` and `**` (DMN 1.5 §10.3.2.13): bound when the expression is compiled.

Written out for what occurs most, numbers; dates, durations and texts go through `bpmn.feel.operations`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bpmn.feel import operations
from bpmn.feel.limits import warn
from bpmn.feel.scope import missing
from bpmn.feel.values import CONTEXT, EXACT_INTEGER, NUMBERS, Value, decimal, of_float, show, type_name

Scope = Mapping[str, Any]
Code = Callable[[Scope], Value]
Operation = Callable[[Value, Value], Value]

_OPERATIONS: Mapping[str, Operation] = {
    "+": operations.add,
    "-": operations.subtract,
    "*": operations.multiply,
    "/": operations.divide,
    "**": operations.power,
}
_INTEGER: Mapping[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_EXACT: Mapping[str, Callable[[Value, Value], Decimal]] = {
    "+": CONTEXT.add, "-": CONTEXT.subtract, "*": CONTEXT.multiply,
}
_ABOVE, _BELOW = EXACT_INTEGER, -EXACT_INTEGER
_NESTED = 8
"""Longer chains are not nested: a sum of 20,000 terms is no monster."""


def binary(symbol: str) -> Operation:
    """An operator on two values; null with a warning where it has no meaning."""
    general = _OPERATIONS[symbol]
    exact = _EXACT.get(symbol)

    def run(one: Value, two: Value) -> Value:
        kind, other = type(one), type(two)
        try:
            if exact is not None and kind in NUMBERS and other in NUMBERS and (kind is not int or other is not int):
                if kind is float:
                    one = of_float(one)
                elif kind is int and not _BELOW < one < _ABOVE:
                    one = decimal(one)
                if other is float:
                    two = of_float(two)
                elif other is int and not _BELOW < two < _ABOVE:
                    two = decimal(two)
                return exact(one, two)  # which takes an int as it is
            result = general(one, two)
        except (ArithmeticError, ValueError):
            warn(f"The result of `{show(one)[:40]} {symbol} {show(two)[:40]}` is no FEEL value.")
            return None
        if result is None:
            _warn(symbol, one, two)
        return result

    return run


def _warn(symbol: str, one: Value, two: Value) -> None:
    if symbol == "/" and type_name(one) == type_name(two):
        warn("Expected a divisor, but it is zero.")
    else:
        warn(f"Expected values that `{symbol}` works on, but they are a {type_name(one)} and a {type_name(two)}.")


def arithmetic(symbol: str, left: Code, right: Code) -> Code:
    """One operator between two values."""
    plain, other = _INTEGER.get(symbol), binary(symbol)
    if plain is None:
        return lambda scope: other(left(scope), right(scope))

    def run(scope: Scope) -> Value:
        one, two = left(scope), right(scope)
        if type(one) is int and type(two) is int:
            result = plain(one, two)
            if _BELOW < result < _ABOVE:
                return result
        return other(one, two)

    return run


def of_variables(symbol: str, left: str, right: str) -> Code:
    """`price * quantity`, by far the most of what scripts and mappings compute. The names are no functions'."""
    plain, other = _INTEGER.get(symbol), binary(symbol)

    def run(scope: Scope) -> Value:
        try:
            one, two = scope[left], scope[right]
        except KeyError:
            one, two = find(left, scope), find(right, scope)
        if type(one) is int and type(two) is int and plain is not None:
            result = plain(one, two)
            if _BELOW < result < _ABOVE:
                return result
        return other(one, two)

    return run


def find(name: str, scope: Scope) -> Value:
    """A variable; null with a warning where it is not there."""
    try:
        return scope[name]
    except KeyError:
        return missing(name, scope)


def with_constant(symbol: str, left: Code, constant: Value) -> Code:
    """`left + 1`, `left * 0.19`: the counters of loops, rates and percentages."""
    plain, other = _INTEGER.get(symbol), binary(symbol)
    if plain is None or type(constant) is not int:
        return lambda scope: other(left(scope), constant)

    def run(scope: Scope) -> Value:
        one = left(scope)
        if type(one) is int:
            result = plain(one, constant)
            if _BELOW < result < _ABOVE:
                return result
        return other(one, constant)

    return run


def chain(first: Code, rest: Sequence[tuple[str, Code]]) -> Code:
    """Several operators of one precedence, left to right."""
    if len(rest) <= _NESTED:
        code = first
        for symbol, operand in rest:
            code = arithmetic(symbol, code, operand)
        return code
    bound = {symbol: binary(symbol) for symbol, _ in rest}
    steps = [(bound[symbol], operand) for symbol, operand in rest]

    def run(scope: Scope) -> Value:
        value = first(scope)
        for operation, operand in steps:
            value = operation(value, operand(scope))
        return value

    return run


def negation(operand: Code) -> Code:
    """Unary minus."""
    return lambda scope: operations.negate(operand(scope))
