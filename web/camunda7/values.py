"""Typed variables: `{value, type, valueInfo}`, read and written.

The engine keeps JSON values: expressions see a date as a text, and an object as what its JSON says. What a client says
of a value beyond that is kept beside it (`engine.declared`), so that it comes back as it was sent; without it the type
is derived from the value. Objects and lists travel as JSON texts, which the clients can read without knowing any class.
Source: Camunda 7 REST reference, "Variables"; Camunda 7 manual, "Process Variables", supported variable values.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from engine.columns import from_json, to_json
from engine.errors import InvalidInput
from web import scanning
from web.body import Body, shown
from web.camunda7.blueprint import declarations

LARGEST_INTEGER = 2**31
JSON_FORMAT = "application/json"
SERIALIZED = ("Json", "Object")
BINARY = ("Bytes", "File")
INFO = ("objectTypeName", "serializationDataFormat", "filename", "mimeType", "mimetype", "encoding")
"""What may be said of a value beside its type."""


def written(value: Any, declared: str | None = None) -> dict[str, Any]:
    """A value with its type: as it was declared, or derived from it. The clients read all three fields."""
    said = from_json(declared) if declared is not None else {}
    type = said.get("type") or _type_of(value)
    return {"type": type, "value": _sent(value, type), "valueInfo": said.get("info") or {}}


def _sent(value: Any, type: str) -> Any:
    if value is None or type == "File":     # files can be large: they are fetched by their own address
        return None
    if type in SERIALIZED:
        return to_json(value)
    return float(value) if type == "Double" and isinstance(value, int) else value


def all_written(variables: Mapping[str, Any], declared: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Variables by their names."""
    said = declared or {}
    return {name: written(value, said.get(name)) for name, value in variables.items()}


def content(value: Any, declared: str | None) -> tuple[bytes, str, str | None]:
    """What a value is made of: bytes, their media type, and the name of the file if it is one."""
    said = from_json(declared) if declared is not None else {}
    if said.get("type") not in BINARY or not isinstance(value, str):
        text = value if isinstance(value, str) else to_json(value)
        return text.encode(), "text/plain; charset=utf-8", None
    info = said.get("info") or {}
    type = info.get("mimetype") or info.get("mimeType") or "application/octet-stream"
    encoding = info.get("encoding")
    return base64.b64decode(value), f"{type}; charset={encoding}" if encoding else type, info.get("filename")


def _type_of(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, (dict, list)):
        return "Json"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if -LARGEST_INTEGER <= value < LARGEST_INTEGER else "Long"
    return "Double" if isinstance(value, float) else "String"


def read_all(asked: Body, name: str = "variables") -> dict[str, Any]:
    """The variables in a field of a body, by name; none if it is absent or null. Raises InvalidInput."""
    variables = asked.mapping(name)
    return {variable: _read(value, variable, f"{name}.{variable}") for variable, value in variables.items()}


def _read(typed: Any, name: str, where: str) -> Any:
    if not isinstance(typed, dict):
        raise InvalidInput(f"Expected '{where}' to be an object with a value, but found {shown(typed)}.")
    return read_one(Body(typed, where), name, where)


def read_one(typed: Body, name: str, where: str) -> Any:
    """The value of a variable of this name; what the request says of its type is kept. Raises InvalidInput."""
    value = read(typed, where)
    said = declared(typed, value)
    if said is not None:
        declarations().add(name, value, said)
    return value


def declared(typed: Body, value: Any) -> str | None:
    """What a typed variable says beyond its value, to be kept; None if nothing. Raises InvalidInput."""
    type = NAMES.get((typed.text("type") or "").lower())
    given = typed.inner("valueInfo")
    info: dict[str, Any] = {name: text for name in INFO if (text := given.text(name)) is not None}
    if given.flag("transient"):
        info["transient"] = True
    if type is None or (type == _type_of(value) and not info):
        return None
    return to_json({"type": type, **({"info": info} if info else {})})


def read(typed: Body, where: str) -> Any:
    """The value of a typed variable, whatever the case of its type; without one it is what it is.

    Raises InvalidInput.
    """
    value, type = typed.content.get("value"), typed.text("type")
    reader = READERS.get((type or "").lower())
    if type and reader is None:
        raise InvalidInput(f"Expected '{where}' to be of a type that can be kept as JSON, but found {type!r}.")
    if value is None or reader is None:
        return value
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


def _date(value: Any) -> str:
    """Kept as the text that it is."""
    datetime.fromisoformat(_text(value))
    return _text(value)


def _base64(value: Any) -> str:
    scanning.look_at("a value", base64.b64decode(_text(value), validate=True))
    return _text(value)


def _object(value: Any) -> Any:
    """Serialized values are texts; clients that send the value itself mean it."""
    return from_json(value) if isinstance(value, str) else value


def _nothing(value: Any) -> None:
    raise ValueError


READERS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": _boolean, "string": _text, "date": _date, "xml": _text, "bytes": _base64, "file": _base64,
    "integer": _integer, "short": _integer, "long": _integer, "double": _double, "float": _double,
    "number": _double, "json": _object, "object": _object, "null": _nothing,
}
NAMES: Mapping[str, str] = {
    name.lower(): name for name in ("Boolean", "String", "Date", "Xml", "Bytes", "File", "Integer", "Short", "Long",
                                    "Double", "Json", "Object", "Null")
} | {"float": "Double"}
"""The types as they are written. A Number is whatever its value is."""
