"""The operators of FEEL on values (DMN 1.5 §10.3.2.13, tables 53 to 58). None is FEEL's null, everywhere."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal

from bpmn.feel.limits import check_size, spend
from bpmn.feel.temporal import DAY_NANOS, Date, DateTime, DaysDuration, MonthsDuration, Time, midnight
from bpmn.feel.values import CONTEXT, DURATIONS, EXACT_INTEGER, NUMBERS, TEMPORALS, Range, Value, decimal

Order = Callable[[Value, Value], bool]
ORDERS: Mapping[str, Order] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
PLAIN_ORDER = frozenset({int, str, Decimal, float})
"""Types whose order is Python's own."""
_MILLISECOND = 1_000_000


def invert(value: bool | None) -> bool | None:
    """`not` on a truth value."""
    return None if value is None else not value


def equal(left: Value, right: Value) -> bool | None:
    """`=`: null for values of different types."""
    kind, other = type(left), type(right)
    if left is None or right is None:
        return left is right
    if kind is not other:
        if kind in NUMBERS and other in NUMBERS:
            return decimal(left) == decimal(right)
        return None
    if kind is list:
        return _equal_lists(left, right)
    if kind is dict:
        return _equal_contexts(left, right)
    if kind is Range:
        return (left.start_included is right.start_included and left.end_included is right.end_included
                and left.operator == right.operator
                and equal(left.start, right.start) is True and equal(left.end, right.end) is True)
    if kind is Time or kind is DateTime:
        # The compatibility kit compares milliseconds.
        (zoned, one), (other_zoned, two) = left.order(), right.order()
        return zoned is other_zoned and one // _MILLISECOND == two // _MILLISECOND
    return bool(left == right)


def _equal_lists(left: list[Value], right: list[Value]) -> bool | None:
    if len(left) != len(right):
        return False
    spend(len(left))
    for one, two in zip(left, right, strict=True):
        result = equal(one, two)
        if result is not True:
            return result
    return True


def _equal_contexts(left: dict[str, Value], right: dict[str, Value]) -> bool:
    spend(len(left))
    return left.keys() == right.keys() and all(equal(value, right[key]) is True for key, value in left.items())


def not_equal(left: Value, right: Value) -> bool | None:
    """`!=`."""
    return invert(equal(left, right))


def compare(left: Value, right: Value, order: Order) -> bool | None:
    """One of `<`, `<=`, `>`, `>=`: null unless both are of one type that has an order."""
    kind, other = type(left), type(right)
    if kind is other and kind in PLAIN_ORDER:
        return order(left, right)
    if kind in NUMBERS and other in NUMBERS:
        return order(decimal(left), decimal(right))
    if kind is not other:
        return None
    if kind not in TEMPORALS:
        return None
    (zoned, one), (other_zoned, two) = left.order(), right.order()
    return order(one, two) if zoned is other_zoned else None


def within(value: Value, interval: Range) -> bool | None:
    """Whether a value lies in a range."""
    written = interval.operator
    if written is not None:
        bound = interval.end if written[0] == "<" else interval.start
        test = _TESTS.get(written)
        return test(value, bound) if test is not None else compare(value, bound, ORDERS[written])
    above = compare(value, interval.start, operator.ge if interval.start_included else operator.gt)
    below = compare(value, interval.end, operator.le if interval.end_included else operator.lt)
    return None if above is None or below is None else above and below


def contains(test: Value, value: Value) -> bool | None:
    """`value in test` for one evaluated test: equal, or in the range, or in the list."""
    kind = type(test)
    if kind is Range:
        return within(value, test)
    if kind is list:
        if type(value) is list and equal(value, test) is True:
            return True
        spend(len(test))
        return any(contains(item, value) is True for item in test)
    return equal(value, test)


_TESTS: Mapping[str, Callable[[Value, Value], bool | None]] = {"=": equal, "!=": not_equal}


def add(left: Value, right: Value) -> Value:
    """`+` on numbers, strings and temporals. Raises ArithmeticError or ValueError where the result has no place."""
    kind, other = type(left), type(right)
    if kind is int and other is int:
        return _integer(left + right)
    if kind in NUMBERS and other in NUMBERS:
        return CONTEXT.add(decimal(left), decimal(right))
    if kind is str and other is str:
        check_size(len(left) + len(right))
        return left + right
    if other in DURATIONS:
        return _plus_duration(left, right)
    if kind in DURATIONS:
        return _plus_duration(right, left)
    return None


def subtract(left: Value, right: Value) -> Value:
    """`-` on numbers and temporals."""
    kind, other = type(left), type(right)
    if kind is int and other is int:
        return _integer(left - right)
    if kind in NUMBERS and other in NUMBERS:
        return CONTEXT.subtract(decimal(left), decimal(right))
    if other in DURATIONS:
        return _plus_duration(left, other(-right.count))
    if kind is Date and other is Date:
        return DaysDuration((left.epoch_day - right.epoch_day) * DAY_NANOS)
    one, two = _instant(left), _instant(right)
    if one is None or two is None or type(one) is not type(two):
        return None
    (zoned, start), (other_zoned, end) = one.order(), two.order()
    return DaysDuration(start - end) if zoned is other_zoned else None


def _instant(value: Value) -> DateTime | Time | None:
    if type(value) is Date:
        return midnight(value)
    return value if type(value) is DateTime or type(value) is Time else None


def _plus_duration(value: Value, duration: Value) -> Value:
    kind, count = type(value), duration.count
    if kind is type(duration):
        return kind(value.count + count)
    if type(duration) is MonthsDuration:
        if kind is Date:
            return value.plus_months(count)
        return DateTime(value.date.plus_months(count), value.time) if kind is DateTime else None
    if kind is Date:
        return value.plus_days(count // DAY_NANOS)
    if kind is DateTime:
        return DateTime.of_local(value.local + count, value.zone)
    return Time.of_nanos(value.nanos + count, value.zone) if kind is Time else None


def multiply(left: Value, right: Value) -> Value:
    """`*` on numbers, and a duration by a number."""
    kind, other = type(left), type(right)
    if kind is int and other is int:
        return _integer(left * right)
    if kind in NUMBERS:
        if other in NUMBERS:
            return CONTEXT.multiply(decimal(left), decimal(right))
        left, right, kind, other = right, left, other, kind
    if kind in DURATIONS and other in NUMBERS:
        return kind(int(CONTEXT.multiply(Decimal(left.count), decimal(right))))
    return None


def divide(left: Value, right: Value) -> Value:
    """`/` on numbers and durations; null where the divisor is zero."""
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        divisor = decimal(right)
        return CONTEXT.divide(decimal(left), divisor) if divisor else None
    if kind in DURATIONS:
        if other in NUMBERS:
            divisor = decimal(right)
            return kind(int(CONTEXT.divide(Decimal(left.count), divisor))) if divisor else None
        if other is kind:
            return CONTEXT.divide(Decimal(left.count), Decimal(right.count)) if right.count else None
    return None


def power(left: Value, right: Value) -> Value:
    """`**` on numbers."""
    if type(left) in NUMBERS and type(right) in NUMBERS:
        result = CONTEXT.power(decimal(left), decimal(right))
        return result if result.is_finite() else None  # 0 ** -1 is infinity without being trapped
    return None


def negate(value: Value) -> Value:
    """Unary `-` on numbers and durations."""
    kind = type(value)
    if kind is int:
        return -value
    if kind in NUMBERS:
        return CONTEXT.minus(decimal(value))
    return kind(-value.count) if kind in DURATIONS else None


def _integer(value: int) -> int | Decimal:
    return value if -EXACT_INTEGER < value < EXACT_INTEGER else decimal(value)
