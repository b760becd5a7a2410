"""How JUEL's operators see values: the coercions of the Unified Expression Language 2.2, §1.7 to §1.19.

Values are JSON-native; moments in time (`now()`, `dateTime()`) are Python `datetime`s until they leave.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

MAX_TEXT = 1_000_000
_LONG = 2**63
_ORDERED = frozenset({int, float, str})


class JuelError(Exception):
    """The evaluation failed; the message is a sentence."""


def kind(value: Any) -> str:
    """What to call a value's type in a message."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", datetime: "a moment"}
    return names.get(type(value), "an object")


def number(value: Any) -> int | float:
    """A number; null and "" are 0 (EL §1.18.3). Raises JuelError."""
    if type(value) is int or type(value) is float:
        return value
    if value is None or value == "":
        return 0
    if isinstance(value, str):
        try:
            return float(value) if any(mark in value for mark in ".eE") else int(value[:25])
        except ValueError:
            pass
    raise JuelError(f"Expected a number, but there is {kind(value)}{shown(value)}.")


def shown(value: Any) -> str:
    """The value behind its kind in a message."""
    return f' "{value[:40]}"' if isinstance(value, str) else ""


def boolean(value: Any) -> bool:
    """A truth value; null and "" are false (EL §1.18.5). Raises JuelError."""
    if value is True or value is False:
        return bool(value)
    if value is None or isinstance(value, str):
        return value is not None and value.lower() == "true"
    raise JuelError(f"Expected true or false, but there is {kind(value)}.")


def text(value: Any) -> str:
    """The text of a value; null is "" (EL §1.18.2). Objects and lists are written as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """The value as JSON stores it."""
    return text(value) if isinstance(value, datetime) else value


def equal(one: Any, two: Any) -> bool:
    """`==` (EL §1.9.2)."""
    kind_of_one = type(one)
    if kind_of_one is type(two) and kind_of_one in _ORDERED:
        return bool(one == two)
    if one is None or two is None:
        return one is two
    kinds = {type(one), type(two)}
    if kinds & {int, float}:
        return number(one) == number(two)
    if bool in kinds:
        return boolean(one) == boolean(two)
    if str in kinds:
        return text(one) == text(two)
    return bool(one == two)


def ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """`<` and its like (EL §1.9.1): with null always false."""

    def run(one: Any, two: Any) -> bool:
        kind_of_one = type(one)
        if kind_of_one is type(two) and kind_of_one in _ORDERED:
            return compare(one, two)
        if one is None or two is None:
            return False
        kinds = {type(one), type(two)}
        if kinds & {int, float}:
            return compare(number(one), number(two))
        if str in kinds:
            return compare(text(one), text(two))
        if kinds == {datetime}:
            return compare(one, two)
        raise JuelError(f"Expected numbers or texts to compare, but there are {kind(one)} and {kind(two)}.")

    return run


def _long(value: int | float) -> int | float:
    if isinstance(value, int) and not -_LONG <= value < _LONG:
        raise JuelError("Expected a whole number of 64 bits, but the result is larger.")
    if isinstance(value, float) and not math.isfinite(value):
        raise JuelError("Expected a finite number, but the result is none.")
    return value


def add(one: Any, two: Any) -> int | float:
    """`+`: numbers only (EL §1.7.1)."""
    if type(one) is int and type(two) is int:
        return _long(one + two)
    if isinstance(one, str) and isinstance(two, str) and not (_numeric(one) and _numeric(two)):
        raise JuelError("Expected numbers to add, but there are texts; to join texts, write ${one}${two}.")
    return _long(number(one) + number(two))


def _numeric(value: str) -> bool:
    try:
        number(value)
    except JuelError:
        return False
    return True


def subtract(one: Any, two: Any) -> int | float:
    """`-`."""
    return _long(number(one) - number(two))


def multiply(one: Any, two: Any) -> int | float:
    """`*`."""
    return _long(number(one) * number(two))


def divide(one: Any, two: Any) -> float:
    """`/`: always a floating-point division (EL §1.7.2)."""
    divisor = number(two)
    if not divisor:
        raise JuelError("Expected a divisor, but it is zero.")
    return float(_long(number(one) / divisor))


def remainder(one: Any, two: Any) -> int | float:
    """`%` with the sign of the dividend, as in Java (EL §1.7.3)."""
    dividend, divisor = number(one), number(two)
    if not divisor:
        raise JuelError("Expected a divisor, but it is zero.")
    if isinstance(dividend, int) and isinstance(divisor, int):
        rest = abs(dividend) % abs(divisor)
        return -rest if dividend < 0 else rest
    return math.fmod(dividend, divisor)


def is_empty(value: Any) -> bool:
    """`empty` (EL §1.11)."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def member(base: Any, key: Any) -> Any:
    """`base.key` and `base[key]` (EL §1.6): entries and elements only, never an attribute of Python."""
    if base is None or key is None:
        return None
    if isinstance(base, dict):
        return base.get(key if isinstance(key, str) else text(key))
    if isinstance(base, list):
        place = number(key)
        return base[int(place)] if 0 <= place < len(base) else None
    raise JuelError(f"Expected an object or a list to read `{text(key)[:60]}` of, but there is {kind(base)}.")


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": equal,
    "eq": equal,
    "!=": lambda one, two: not equal(one, two),
    "ne": lambda one, two: not equal(one, two),
    **{word: ordering(compare) for words, compare in (
        (("<", "lt"), operator.lt), ((">", "gt"), operator.gt),
        (("<=", "le"), operator.le), ((">=", "ge"), operator.ge)) for word in words},
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "div": divide,
    "%": remainder,
    "mod": remainder,
}
