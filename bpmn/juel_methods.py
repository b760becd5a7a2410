"""The calls that a JUEL expression may make. There are no others: nothing here reaches a Python attribute."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bpmn import surroundings
from bpmn.juel_values import MAX_TEXT, JuelError, equal, kind, member, number, text


@dataclass(frozen=True, slots=True)
class Method:
    """What a method does on one type of value, and how many arguments it takes."""

    call: Callable[..., Any]
    least: int = 0
    most: int = 0


def _place(value: Any) -> int:
    place = number(value)
    if place < 0:
        raise JuelError(f"Expected a position from 0 on, but it is {place}.")
    return int(place)


def _substring(value: str, begin: Any, end: Any = None) -> str:
    first = _place(begin)
    last = len(value) if end is None else _place(end)
    if not first <= last <= len(value):
        raise JuelError(f"Expected positions within the text of {len(value)} characters, but they are {first}, {last}.")
    return value[first:last]


def _character(value: str, place: Any) -> str:
    return _substring(value, place, _place(place) + 1)


def _replace(value: str, old: Any, new: Any) -> str:
    if len(value) * (len(text(new)) + 1) > MAX_TEXT:
        raise JuelError("Expected a text of reasonable length, but the replacement makes it too long.")
    return value.replace(text(old), text(new))


def _element(value: list[Any], place: Any) -> Any:
    index = _place(place)
    if index >= len(value):
        raise JuelError(f"Expected an index below {len(value)}, but it is {index}.")
    return value[index]


def _index(value: list[Any], item: Any) -> int:
    return next((place for place, other in enumerate(value) if equal(other, item)), -1)


def _property(value: dict[str, Any], name: Any) -> Any:
    key = text(name)
    if key not in value:
        raise JuelError(f"Expected the property `{key}`, but the object has none of that name.")
    return value[key]


TEXT_METHODS: Mapping[str, Method] = {
    "charAt": Method(_character, 1, 1),
    "compareTo": Method(lambda value, other: (value > text(other)) - (value < text(other)), 1, 1),
    "concat": Method(lambda value, other: value + text(other), 1, 1),
    "contains": Method(lambda value, part: text(part) in value, 1, 1),
    "endsWith": Method(lambda value, part: value.endswith(text(part)), 1, 1),
    "equals": Method(lambda value, other: value == other, 1, 1),
    "equalsIgnoreCase": Method(lambda value, other: isinstance(other, str) and value.lower() == other.lower(), 1, 1),
    "indexOf": Method(lambda value, part: value.find(text(part)), 1, 1),
    "isBlank": Method(lambda value: not value.strip()),
    "isEmpty": Method(lambda value: not value),
    "lastIndexOf": Method(lambda value, part: value.rfind(text(part)), 1, 1),
    "length": Method(len),
    "replace": Method(_replace, 2, 2),
    "startsWith": Method(lambda value, part: value.startswith(text(part)), 1, 1),
    "substring": Method(_substring, 1, 2),
    "toLowerCase": Method(lambda value: value.lower()),
    "toUpperCase": Method(lambda value: value.upper()),
    "trim": Method(lambda value: value.strip()),
}
LIST_METHODS: Mapping[str, Method] = {
    "contains": Method(lambda value, item: _index(value, item) >= 0, 1, 1),
    "containsAll": Method(lambda value, items: all(_index(value, item) >= 0 for item in items or ()), 1, 1),
    "elements": Method(lambda value: value),
    "get": Method(_element, 1, 1),
    "indexOf": Method(_index, 1, 1),
    "isEmpty": Method(lambda value: not value),
    "size": Method(len),
}
OBJECT_METHODS: Mapping[str, Method] = {
    "containsKey": Method(lambda value, key: text(key) in value, 1, 1),
    "containsValue": Method(lambda value, item: _index(list(value.values()), item) >= 0, 1, 1),
    "get": Method(member, 1, 1),
    "getOrDefault": Method(lambda value, key, default: value.get(text(key), default), 2, 2),
    "hasProp": Method(lambda value, key: text(key) in value, 1, 1),
    "isEmpty": Method(lambda value: not value),
    "keySet": Method(lambda value: list(value)),
    "prop": Method(_property, 1, 1),
    "size": Method(len),
    "values": Method(lambda value: list(value.values())),
}
_NUMBER: Mapping[str, Method] = {
    "compareTo": Method(lambda value, other: (value > number(other)) - (value < number(other)), 1, 1),
    "doubleValue": Method(float),
    "equals": Method(lambda value, other: type(value) is type(other) and value == other, 1, 1),
    "intValue": Method(int),
    "longValue": Method(int),
}
_BOOLEAN: Mapping[str, Method] = {
    "booleanValue": Method(lambda value: value),
    "equals": Method(lambda value, other: value is other, 1, 1),
}


def _shift(**unit: int) -> Method:
    (name, sign), = unit.items()

    def call(value: datetime, amount: Any) -> datetime:
        try:
            return value + timedelta(**{name: sign * int(number(amount))})
        except OverflowError as error:
            raise JuelError("Expected a date within the years 1 to 9999, but it is beyond.") from error

    return Method(call, 1, 1)


def _shift_months(factor: int) -> Method:
    def call(value: datetime, amount: Any) -> datetime:
        year, month = divmod(value.year * 12 + value.month - 1 + factor * int(number(amount)), 12)
        if not 1 <= year <= 9999:
            raise JuelError("Expected a date within the years 1 to 9999, but it is beyond.")
        for day in range(value.day, value.day - 4, -1):
            try:
                return value.replace(year=year, month=month + 1, day=day)
            except ValueError:
                continue
        return value

    return Method(call, 1, 1)


_UNITS = ("Weeks", "Days", "Hours", "Minutes", "Seconds")
_MOMENT: Mapping[str, Method] = {
    **{f"plus{unit}": _shift(**{unit.lower(): 1}) for unit in _UNITS},
    **{f"minus{unit}": _shift(**{unit.lower(): -1}) for unit in _UNITS},
    "plusMonths": _shift_months(1),
    "plusYears": _shift_months(12),
    "minusMonths": _shift_months(-1),
    "minusYears": _shift_months(-12),
    "getTime": Method(lambda value: int(value.timestamp() * 1000)),
    "toDate": Method(lambda value: value),
    "withTimeAtStartOfDay": Method(lambda value: value.replace(hour=0, minute=0, second=0, microsecond=0)),
}
_ANY: Mapping[str, Method] = {
    "boolValue": Method(lambda value: value),
    "isArray": Method(lambda value: isinstance(value, list)),
    "isBoolean": Method(lambda value: isinstance(value, bool)),
    "isNull": Method(lambda value: value is None),
    "isNumber": Method(lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)),
    "isObject": Method(lambda value: isinstance(value, dict)),
    "isString": Method(lambda value: isinstance(value, str)),
    "numberValue": Method(number),
    "stringValue": Method(text),
    "toString": Method(text),
    "value": Method(lambda value: value),
}
_BY_TYPE: Mapping[type, Mapping[str, Method]] = {
    str: TEXT_METHODS,
    list: LIST_METHODS,
    dict: OBJECT_METHODS,
    int: _NUMBER,
    float: _NUMBER,
    bool: _BOOLEAN,
    datetime: _MOMENT,
}
METHOD_NAMES = frozenset(_ANY) | frozenset(name for methods in _BY_TYPE.values() for name in methods)
"""Every method that there is for some type; any other is refused when the expression is compiled."""


def call_method(base: Any, name: str, arguments: list[Any]) -> Any:
    """Call a method on a value. Raises JuelError if values of its type have none of that name."""
    for kind_of_value, methods in _BY_TYPE.items():
        if type(base) is kind_of_value or (kind_of_value is dict and isinstance(base, dict)):
            method = methods.get(name) or _ANY.get(name)
            break
    else:
        method = _ANY.get(name) if name == "isNull" else None
    if method is None:
        raise JuelError(f"Expected to call `{name}()`, but {kind(base)} has no such method.")
    if not method.least <= len(arguments) <= method.most:
        raise JuelError(f"Expected `{name}()` with {_count(method)}, but there are {len(arguments)}.")
    return method.call(base, *arguments)


def _count(method: Method) -> str:
    amount = str(method.least) if method.least == method.most else f"{method.least} to {method.most}"
    return f"{amount} argument{'' if amount == '1' else 's'}"


def spin(value: Any) -> Any:
    """Camunda 7's `S(…)` and `JSON(…)`: a JSON text as a value; anything else stays. Raises JuelError."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise JuelError(f"Expected a text in JSON, but it is none: {error}.") from error


def now() -> datetime:
    """This moment."""
    return surroundings.now()


FUNCTIONS: Mapping[str, Method] = {
    "now": Method(now),
    "dateTime": Method(now),
    "S": Method(spin, 1, 1),
    "JSON": Method(spin, 1, 1),
}
"""The functions: Camunda 7's internal ones that need no identity, and Spin's."""
