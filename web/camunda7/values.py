"""Typed variables: `{value, type, valueInfo}`, read and written.

The engine keeps JSON values. Dates stay the texts they are; objects and lists travel as JSON texts of type `Json`,
which the clients can read without knowing any class. Source: Camunda 7 REST reference, "Variables".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from engine.database import from_json, to_json
from engine.errors import InvalidInput
from web.body import Body, shown

LARGEST_INTEGER = 2**31
JSON_FORMAT = "application/json"


def written(value: Any) -> dict[str, Any]:
    """A value with its type. The clients read all three fields."""
    if isinstance(value, (dict, list)):
        return {"type": "Json", "value": to_json(value), "valueInfo": {}}
    return {"type": _type_of(value), "value": value, "valueInfo": {}}


def all_written(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables by their names."""
    return {name: written(value) for name, value in variables.items()}


def _type_of(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if -LARGEST_INTEGER <= value < LARGEST_INTEGER else "Long"
    return "Double" if isinstance(value, float) else "String"


def read_all(asked: Body, name: str = "variables") -> dict[str, Any]:
    """The variables in a field of a body, by name; none if it is absent or null. Raises InvalidInput."""
    variables = asked.mapping(name)
    return {variable: _read(value, f"{name}.{variable}") for variable, value in variables.items()}


def _read(typed: Any, where: str) -> Any:
    if not isinstance(typed, dict):
        raise InvalidInput(f"Expected '{where}' to be an object with a value, but found {shown(typed)}.")
    return read(Body(typed, where), where)


def read(typed: Body, where: str) -> Any:
    """The value of a typed variable, whatever the case of its type; without one it is what it is.

    Raises InvalidInput.
    """
    value, type = typed.content.get("value"), typed.text("type")
    if value is None or type is None:
        return value
    reader = READERS.get(type.lower())
    if reader is None:
        raise InvalidInput(f"Expected '{where}' to be of a type that can be kept as JSON, but found {type!r}.")
    if reader is _object and _format(typed) not in (None, JSON_FORMAT):
        raise InvalidInput(f"Expected '{where}' to be serialized as {JSON_FORMAT}, but it is {_format(typed)!r}.")
    try:
        return reader(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"Expected '{where}' to be of type {type}, but found {shown(value)}.") from error


def _format(typed: Body) -> str | None:
    return typed.inner("valueInfo").text("serializationDataFormat")


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError
    return number


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _object(value: Any) -> Any:
    """Serialized values are texts; clients that send the value itself mean it."""
    return from_json(value) if isinstance(value, str) else value


def _nothing(value: Any) -> None:
    raise ValueError


READERS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": _boolean, "string": _text, "date": _text, "xml": _text, "bytes": _text, "file": _text,
    "integer": _integer, "short": _integer, "long": _integer, "double": _double, "float": _double,
    "number": _double, "json": _object, "object": _object, "null": _nothing,
}
