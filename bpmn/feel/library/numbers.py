"""Number functions (DMN 1.5 §10.3.4.5) and Camunda 8's `random number`."""

from __future__ import annotations

import random
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)

from bpmn.feel.library.registry import Unfit, builtin
from bpmn.feel.temporal import DaysDuration, MonthsDuration
from bpmn.feel.values import CONTEXT, Value

_MIN_SCALE, _MAX_SCALE = -6111, 6176
_WIDE = Context(prec=13_000, Emin=-999_999, Emax=999_999)


def _round(number: Decimal, scale: int, mode: str) -> Decimal:
    if not _MIN_SCALE <= scale <= _MAX_SCALE:
        raise Unfit(f"Expected a scale from {_MIN_SCALE} to {_MAX_SCALE}, but it is {scale}.")
    return CONTEXT.plus(number.quantize(Decimal(1).scaleb(-scale, _WIDE), rounding=mode, context=_WIDE))


@builtin("decimal", "n: number, scale: integer")
def decimal(number: Decimal, scale: int) -> Decimal:
    """Rounded to a scale, half to even."""
    return _round(number, scale, ROUND_HALF_EVEN)


@builtin("floor", "n: number, scale: integer", "n: number")
def floor(number: Decimal, scale: int = 0) -> Decimal:
    """Rounded down."""
    return _round(number, scale, ROUND_FLOOR)


@builtin("ceiling", "n: number, scale: integer", "n: number")
def ceiling(number: Decimal, scale: int = 0) -> Decimal:
    """Rounded up."""
    return _round(number, scale, ROUND_CEILING)


@builtin("round up", "n: number, scale: integer")
def round_up(number: Decimal, scale: int) -> Decimal:
    """Rounded away from zero."""
    return _round(number, scale, ROUND_UP)


@builtin("round down", "n: number, scale: integer")
def round_down(number: Decimal, scale: int) -> Decimal:
    """Rounded towards zero."""
    return _round(number, scale, ROUND_DOWN)


@builtin("round half up", "n: number, scale: integer")
def round_half_up(number: Decimal, scale: int) -> Decimal:
    """Rounded, half away from zero."""
    return _round(number, scale, ROUND_HALF_UP)


@builtin("round half down", "n: number, scale: integer")
def round_half_down(number: Decimal, scale: int) -> Decimal:
    """Rounded, half towards zero."""
    return _round(number, scale, ROUND_HALF_DOWN)


@builtin("abs", "n: number", "n: duration")
def absolute(value: Value) -> Value:
    """Without sign; of a duration too."""
    if isinstance(value, (DaysDuration, MonthsDuration)):
        return type(value)(abs(value.count))
    return CONTEXT.abs(value)


@builtin("modulo", "dividend: number, divisor: number")
def modulo(dividend: Decimal, divisor: Decimal) -> Decimal:
    """The remainder, with the sign of the divisor."""
    if not divisor:
        raise Unfit("Expected a divisor, but it is zero.")
    quotient = CONTEXT.divide(dividend, divisor).to_integral_value(ROUND_FLOOR)
    return CONTEXT.subtract(dividend, CONTEXT.multiply(divisor, quotient))


@builtin("sqrt", "number: number")
def square_root(number: Decimal) -> Decimal:
    """The square root."""
    if number < 0:
        raise Unfit(f"Expected a number that is not negative, but it is {number}.")
    return CONTEXT.sqrt(number)


@builtin("log", "number: number")
def logarithm(number: Decimal) -> Decimal:
    """The natural logarithm."""
    if number <= 0:
        raise Unfit(f"Expected a number above zero, but it is {number}.")
    return CONTEXT.ln(number)


@builtin("exp", "number: number")
def exponential(number: Decimal) -> Decimal:
    """Euler's number to that power."""
    return CONTEXT.exp(number)


@builtin("odd", "number: number")
def odd(number: Decimal) -> bool:
    """Whether it is an odd integer."""
    return abs(_WIDE.remainder(number, Decimal(2))) == 1


@builtin("even", "number: number")
def even(number: Decimal) -> bool:
    """Whether it is an even integer."""
    return _WIDE.remainder(number, Decimal(2)) == 0


@builtin("random number", "")
def random_number() -> Decimal:
    """Camunda 8: a number from 0 to below 1."""
    return CONTEXT.create_decimal(repr(random.random()))
