"""The values of FEEL, and how they turn into text and JSON.

A FEEL value is a JSON-native Python value, a `Decimal`, a temporal value, a `Range` or a function. An `int` or
`float` from outside is a number as it stands (a `float` counts as the decimal that it prints as), so that nothing
needs converting before an evaluation; what a computation gives is an exact `int` or a `Decimal` of 34 digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from math import isfinite
from typing import Any

from bpmn.feel.errors import FeelError
from bpmn.feel.limits import spend
from bpmn.feel.temporal import Date, DateTime, DaysDuration, MonthsDuration, Time, format_zone

Value = Any

CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144,
                  traps=[DivisionByZero, InvalidOperation, Overflow])
"""IEEE 754 decimal128, the numbers of FEEL (DMN 1.5 §10.3.2.3.1)."""
EXACT_INTEGER = 10**34
"""Integers below it are exact in 34 digits."""
_BELOW = -EXACT_INTEGER
NUMBERS = frozenset({int, Decimal, float})
TEMPORALS = frozenset({Date, Time, DateTime, DaysDuration, MonthsDuration})
DURATIONS = frozenset({DaysDuration, MonthsDuration})
_LONGEST_INTEGER = 40
_PLAIN_KEY = re.compile(r"[\w ]+")


def decimal(value: Value) -> Decimal:
    """A number as a Decimal of at most 34 digits. Raises ArithmeticError for infinity and the like."""
    kind = type(value)
    if kind is Decimal:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return Decimal(value) if _BELOW < value < EXACT_INTEGER else _rounded(value)
    return of_float(value)


@lru_cache(maxsize=1024)
def of_float(value: float) -> Decimal:
    """The decimal that a float prints as. Raises FeelError for infinity and what is no number."""
    if not isfinite(value):
        raise FeelError(f"Expected a finite number, but there is {value}.")
    return CONTEXT.create_decimal(repr(value))


def whole(value: Value) -> int | None:
    """A number as an int if it has no fraction, else None."""
    if type(value) is int:
        return value
    number = decimal(value)
    if number.adjusted() > 6200 or number != number.to_integral_value():
        return None
    return int(number)


def _rounded(value: int) -> Decimal:
    try:
        return CONTEXT.create_decimal(value)
    except ArithmeticError as error:
        raise FeelError("Expected a number that FEEL can hold, but there is a larger one.") from error


class Range:
    """An interval. `operator` is set if it was written as a unary test, `(< 5)`: then an end that is None is open to
    infinity; elsewhere it is unknown (DMN 1.5 §10.3.2.7)."""

    __slots__ = ("end", "end_included", "operator", "start", "start_included")

    def __init__(self, start: Value, end: Value, start_included: bool, end_included: bool,
                 operator: str | None = None) -> None:
        self.start = start
        self.end = end
        self.start_included = start_included
        self.end_included = end_included
        self.operator = operator

    def __str__(self) -> str:
        opening, closing = "[" if self.start_included else "(", "]" if self.end_included else ")"
        return f"{opening}{show(self.start, True)}..{show(self.end, True)}{closing}"

    __repr__ = __str__


class Function:
    """A function written in FEEL or given by a DMN model: parameters by name and position, one body.

    `types` holds a parameter's type or None; `result` the type of what it gives. `call` takes the arguments in
    the order of the parameters, already converted to their types.
    """

    __slots__ = ("call", "name", "parameters", "result", "types")

    def __init__(self, parameters: Sequence[str], call: Callable[[list[Value]], Value], name: str = "",
                 types: Sequence[Any] | None = None, result: Any = None) -> None:
        self.parameters = tuple(parameters)
        self.call = call
        self.name = name
        self.types = tuple(types) if types is not None else (None,) * len(self.parameters)
        self.result = result

    def __str__(self) -> str:
        return f"function({', '.join(self.parameters)})"

    __repr__ = __str__


class Builtin:
    """A function of the library; `invoke` gets positional arguments, or named ones."""

    __slots__ = ("invoke", "name", "signatures")

    def __init__(self, name: str, invoke: Callable[[list[Value], dict[str, Value] | None], Value],
                 signatures: tuple[str, ...]) -> None:
        self.name = name
        self.invoke = invoke
        self.signatures = signatures

    def __str__(self) -> str:
        return f"function {self.name}"

    __repr__ = __str__


FUNCTIONS = frozenset({Function, Builtin})
_TYPE_NAMES: dict[type, str] = {
    type(None): "Null", bool: "boolean", int: "number", float: "number", Decimal: "number", str: "string",
    list: "list", dict: "context", Date: "date", Time: "time", DateTime: "date and time",
    DaysDuration: "days and time duration", MonthsDuration: "years and months duration", Range: "range",
    Function: "function", Builtin: "function",
}


def type_name(value: Value) -> str:
    """What FEEL calls the type of a value."""
    return _TYPE_NAMES.get(type(value)) or ("context" if isinstance(value, dict) else type(value).__name__)


def plain_number(value: Value) -> str:
    """A number as FEEL writes it: without exponent and needless zeros."""
    if type(value) is int and -EXACT_INTEGER < value < EXACT_INTEGER:
        return str(value)
    number = decimal(value)
    return format(number.normalize(CONTEXT), "f") if number else "0"


def quoted(text: str) -> str:
    """A string literal of FEEL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def show(value: Value, quote: bool = False) -> str:
    """The text that `string()` gives (DMN 1.5 §10.3.4.1); `quote` writes strings and temporals as literals."""
    kind = type(value)
    if kind is str:
        return quoted(value) if quote else value
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind in NUMBERS:
        return plain_number(value)
    if kind is list:
        spend(len(value))
        return "[" + ", ".join([show(item, True) for item in value]) + "]"
    if isinstance(value, dict):
        spend(len(value))
        return "{" + ", ".join([f"{_show_key(key)}: {show(item, True)}" for key, item in value.items()]) + "}"
    return f'@"{value}"' if quote and kind in TEMPORALS else str(value)


def _show_key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else quoted(key)


def to_json(value: Value) -> Any:
    """A FEEL value as JSON stores it: integral numbers as int, temporals as ISO 8601 text.

    Raises FeelError for a range or a function: Camunda 8 cannot store them either.
    """
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is int or kind is float:
        return value
    if kind is Decimal:
        if value.adjusted() < _LONGEST_INTEGER and value == value.to_integral_value():
            return value.as_integer_ratio()[0]  # half the time of int(value)
        return _finite(value)
    if kind is list:
        spend(len(value))
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        spend(len(value))
        return {key: to_json(item) for key, item in value.items()}
    if kind in TEMPORALS:
        return _stored_text(value)
    raise FeelError(f"Expected a value that can be stored, but the expression gave a {type_name(value)}.")


def _finite(value: Decimal) -> float:
    number = float(value)
    if not isfinite(number):
        raise FeelError(f"Expected a number that can be stored, but the expression gave {value:.3E}.")
    return number


def _stored_text(value: Value) -> str:
    """A temporal value as Camunda 8 stores it: a zone id stands in brackets behind the offset that it means."""
    if isinstance(value, (DateTime, Time)) and isinstance(value.zone, str):
        zoned = value.time if isinstance(value, DateTime) else value
        text = zoned.clock() + format_zone(value.offset)
        return f"{value.date}T{text}[{value.zone}]" if isinstance(value, DateTime) else text
    return str(value)
