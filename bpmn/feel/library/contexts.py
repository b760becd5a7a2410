"""Context functions (DMN 1.5 §10.3.4.13), and Camunda 8's functions on any value."""

from __future__ import annotations

import uuid

from bpmn.feel.errors import FeelError
from bpmn.feel.library.registry import Unfit, builtin
from bpmn.feel.operations import equal
from bpmn.feel.temporal import DateTime, Time
from bpmn.feel.values import NUMBERS, Value


@builtin("get value", "m: context, key: text", "context: context, key: text", "context: context, keys: list")
def get_value(context: dict[str, Value], key: Value) -> Value:
    """The entry of a key, or (Camunda 8) of a path of keys."""
    value: Value = context
    for step in key if type(key) is list else [key]:
        value = value.get(step) if isinstance(value, dict) and type(step) is str else None
    return value


@builtin("get entries", "m: context", "context: context")
def get_entries(context: dict[str, Value]) -> list[Value]:
    """Its entries as contexts of `key` and `value`."""
    return [{"key": key, "value": value} for key, value in context.items()]


@builtin("context", "entries: list")
def context(entries: list[Value]) -> dict[str, Value]:
    """A context from such entries."""
    result: dict[str, Value] = {}
    for entry in entries:
        if not isinstance(entry, dict) or "value" not in entry or type(entry.get("key")) is not str:
            raise Unfit("Expected contexts of `key` and `value`, but there is something else in the list.")
        if entry["key"] in result:
            raise Unfit(f"Expected each key once, but `{entry['key']}` is there twice.")
        result[entry["key"]] = entry["value"]
    return result


@builtin("context put", "context: context, key: text, value: any", "context: context, keys: list, value: any")
def context_put(target: dict[str, Value], key: Value, value: Value) -> dict[str, Value]:
    """With an entry, or an entry deeper inside, put in or replaced."""
    keys = key if type(key) is list else [key]
    if not keys or any(type(step) is not str for step in keys):
        raise Unfit("Expected keys that are strings, but there is something else.")
    if len(keys) > 1:
        inner = target.get(keys[0], {})
        if not isinstance(inner, dict):
            raise Unfit(f"Expected a context at `{keys[0]}`, but there is something else.")
        value = context_put(inner, keys[1:], value)
    return {**target, keys[0]: value}


@builtin("context merge", "contexts: list")
def context_merge(contexts: list[Value]) -> dict[str, Value]:
    """All contexts in one; later ones win."""
    result: dict[str, Value] = {}
    for item in contexts:
        if not isinstance(item, dict):
            raise Unfit("Expected contexts, but there is something else in the list.")
        result.update(item)
    return result


@builtin("not", "negand: any")
def negation(value: Value) -> bool | None:
    """Logical negation; null for anything but true and false."""
    return not value if type(value) is bool else None


@builtin("is", "value1?: any, value2?: any")
def same(one: Value, two: Value) -> bool:
    """Whether both are the same value of the same kind, their zones too."""
    if type(one) is not type(two) and not (type(one) in NUMBERS and type(two) in NUMBERS):
        return False
    if isinstance(one, (Time, DateTime)):
        return one.zone == two.zone and equal(one, two) is True
    return equal(one, two) is True


@builtin("is defined", "value: any")
def is_defined(value: Value) -> bool:
    """Camunda 8: whether it is not null."""
    return value is not None


@builtin("get or else", "value: any, default: any")
def get_or_else(value: Value, default: Value) -> Value:
    """Camunda 8: the value, or the default if it is null."""
    return default if value is None else value


@builtin("assert", "value: any, condition: any", "value: any, condition: any, cause: text")
def assertion(value: Value, condition: Value, cause: str = "") -> Value:
    """Camunda 8: the value if the condition is true; else the evaluation fails with the cause."""
    if condition is not True:
        raise FeelError(cause or "Expected the condition of `assert` to be true, but it is not.")
    return value


@builtin("uuid", "")
def unique_id() -> str:
    """Camunda 8: a random UUID."""
    return str(uuid.uuid4())


@builtin("fromAi", "value: any", "value: any, description?: text",
         "value: any, description?: text, type?: text, schema?: context, options?: context")
def from_ai(value: Value, *_: Value) -> Value:
    """Camunda 8: the value; the rest describes it to an AI agent."""
    return value
