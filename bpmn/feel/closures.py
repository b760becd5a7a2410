"""Closures for operators: each builder gets the code of its operands and gives the code of the whole.

Written out for what occurs most (a variable against a constant); everything else goes through
`bpmn.feel.operations`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bpmn.feel import operations, properties
from bpmn.feel.limits import current_run, warn
from bpmn.feel.operations import ORDERS, PLAIN_ORDER
from bpmn.feel.scope import missing, suggestion
from bpmn.feel.values import NUMBERS, TEMPORALS, Builtin, Range, Value, show, type_name

Scope = Mapping[str, Any]
Code = Callable[[Scope], Value]
Test = Callable[[Scope, Value], bool | None]
"""The code of a unary test: what comes of it for a value."""
_ORDERED = TEMPORALS | PLAIN_ORDER


def constant(value: Value) -> Code:
    """The same value every time."""
    return lambda scope: value


def variable(name: str, builtin: Builtin | None) -> Code:
    """A variable, or the library's function of that name."""

    def load(scope: Scope) -> Value:
        try:
            return scope[name]
        except KeyError:
            return missing(name, scope) if builtin is None else builtin

    return load


def path(source: Code, name: str) -> Code:
    """`source.name`."""

    def read(scope: Scope) -> Value:
        value = source(scope)
        if type(value) is dict and name in value:
            return value[name]
        there, found = properties.read(value, name)
        if not there:
            _warn_of_property(value, name)
        return found

    return read


def _warn_of_property(value: Value, name: str) -> None:
    if current_run().warnings is None:
        return
    if value is None:
        warn(f"Expected to read `{name}` of a context, but there is null.")
        return
    hint = suggestion(name, set(value.keys())) if isinstance(value, dict) else "."
    warn(f"A {type_name(value)} has no `{name}`{hint}")


def compare(symbol: str, left: Code, right: Code) -> Code:
    """`left < right` and the other orders."""
    order = ORDERS[symbol]

    def run(scope: Scope) -> bool | None:
        one, two = left(scope), right(scope)
        kind = type(one)
        if kind is type(two) and kind in PLAIN_ORDER:
            return order(one, two)
        return _compare(symbol, one, two)

    return run


def compare_with_constant(symbol: str, left: Code, value: Value) -> Code:
    """`left < 5`."""
    order, kind = ORDERS[symbol], type(value)
    if kind not in PLAIN_ORDER:
        return compare(symbol, left, constant(value))
    near = _nearest_float(value)

    def run(scope: Scope) -> bool | None:
        one = left(scope)
        if type(one) is kind:
            return order(one, value)
        if type(one) is float and one != near and near is not None:
            return order(one, near)
        return _compare(symbol, one, value)

    return run


def compare_variable(symbol: str, name: str, value: Value) -> Code:
    """`name < 5`: the condition of most gateways and loops."""
    order, kind = ORDERS[symbol], type(value)
    near = _nearest_float(value)

    def run(scope: Scope) -> bool | None:
        try:
            one = scope[name]
        except KeyError:
            one = missing(name, scope)
        if type(one) is kind:
            return order(one, value)
        if type(one) is float and one != near and near is not None:
            return order(one, near)
        return _compare(symbol, one, value)

    return run


def _nearest_float(value: Value) -> float | None:
    """The float nearest to a number. Rounding keeps the order: a float that differs from it lies on the same side of
    the number itself, so that only equal ones need exact arithmetic."""
    return float(value) if type(value) in NUMBERS else None


def _compare(symbol: str, one: Value, two: Value) -> bool | None:
    result = operations.compare(one, two, ORDERS[symbol])
    if result is None and one is not None and two is not None:
        warn(f"Expected two values of one type to compare with `{symbol}`, "
             f"but they are a {type_name(one)} and a {type_name(two)}.")
    return result


def equality(symbol: str, left: Code, right: Code) -> Code:
    """`=` and `!=`."""
    same = symbol == "="

    def run(scope: Scope) -> bool | None:
        one, two = left(scope), right(scope)
        kind = type(one)
        if kind is type(two) and (kind is str or kind is int):
            return (one == two) is same
        result = operations.equal(one, two)
        if result is None:
            warn(f"Expected two values of one type to compare with `{symbol}`, "
                 f"but they are a {type_name(one)} and a {type_name(two)}.")
            return None
        return result is same

    return run


def conjunction(operands: Sequence[Code]) -> Code:
    """`and`: false wins over null, null over true (DMN 1.5 §10.3.2.10)."""
    if len(operands) == 2:
        first, second = operands

        def both(scope: Scope) -> bool | None:
            one = first(scope)
            if one is False:
                return False
            two = second(scope)
            if two is False:
                return False
            return True if one is True and two is True else None

        return both

    def run(scope: Scope) -> bool | None:
        result: bool | None = True
        for operand in operands:
            value = operand(scope)
            if value is False:
                return False
            if value is not True:
                result = None
        return result

    return run


def disjunction(operands: Sequence[Code]) -> Code:
    """`or`: true wins over null, null over false."""

    def run(scope: Scope) -> bool | None:
        result: bool | None = False
        for operand in operands:
            value = operand(scope)
            if value is True:
                return True
            if value is not False:
                result = None
        return result

    return run


def choice(condition: Code, then: Code, otherwise: Code) -> Code:
    """`if`: whatever is not true is false (DMN 1.5 table 54)."""
    return lambda scope: then(scope) if condition(scope) is True else otherwise(scope)


def between(value: Code, low: Code, high: Code) -> Code:
    """`value between low and high`."""

    def run(scope: Scope) -> bool | None:
        middle = value(scope)
        above, below = _compare(">=", middle, low(scope)), _compare("<=", middle, high(scope))
        return None if above is None or below is None else above and below

    return run


def interval(start: Code, end: Code, start_included: bool, end_included: bool, may_descend: bool) -> Code:
    """A range literal; null unless both ends are of one type that has an order, and in it."""

    def run(scope: Scope) -> Range | None:
        low, high = start(scope), end(scope)
        known = [value for value in (low, high) if value is not None]
        ordered = all(type(value) in _ORDERED for value in known)
        if not known or not ordered or len({type_name(value) for value in known}) > 1:
            warn("Expected a range between two values of one ordered type, "
                 f"but they are a {type_name(low)} and a {type_name(high)}.")
            return None
        if len(known) == 2 and not may_descend and operations.compare(low, high, ORDERS["<="]) is False:
            warn(f"Expected a range from the smaller to the greater value, but it is from {show(low)} to {show(high)}.")
            return None
        return Range(low, high, start_included and low is not None, end_included and high is not None)

    return run


def open_interval(symbol: str, operand: Code) -> Code:
    """A unary test as a value: `< 5` is everything below 5."""

    def run(scope: Scope) -> Range:
        value = operand(scope)
        if symbol in ("=", "!="):
            return Range(value, value, True, True, symbol)
        if symbol[0] == "<":
            return Range(None, value, False, symbol == "<=", symbol)
        return Range(value, None, symbol == ">=", False, symbol)

    return run


def operator_test(symbol: str, operand: Code) -> Test:
    """The unary test `< 5`."""
    if symbol == "=":
        return lambda scope, value: operations.equal(value, operand(scope))
    if symbol == "!=":
        return lambda scope, value: operations.not_equal(value, operand(scope))
    order = ORDERS[symbol]
    return lambda scope, value: operations.compare(value, operand(scope), order)


def constant_test(expected: Value) -> Test:
    """The unary test that is a literal: most cells of most decision tables."""
    kind = type(expected)

    def run(scope: Scope, value: Value) -> bool | None:
        return value == expected if type(value) is kind else operations.equal(value, expected)

    return run


def value_test(operand: Code) -> Test:
    """The unary test that is a value, range or list."""
    return lambda scope, value: operations.contains(operand(scope), value)


def membership(value: Code, tests: Sequence[Test]) -> Code:
    """`value in (test, …)`."""

    def run(scope: Scope) -> bool | None:
        found = value(scope)
        result: bool | None = False
        for test in tests:
            passed = test(scope, found)
            if passed is True:
                return True
            if passed is None:
                result = None
        return result

    return run
