"""Camunda 7's generated forms: their fields as a Camunda Form, and what its engine says of values.

Source: Camunda 7 manual, "Generated Task Forms".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bpmn.expressions import EvaluationError, Expression
from bpmn.forms import javascript, reading
from bpmn.forms.definition import GeneratedField
from bpmn.forms.form import Form

TYPES = {"string": "textfield", "long": "number", "boolean": "checkbox", "date": "datetime", "enum": "select"}
LIMITS = {"min": "min", "max": "max", "minlength": "minLength", "maxlength": "maxLength"}


def as_form(fields: Iterable[GeneratedField], variables: Mapping[str, Any]) -> Form | None:
    """The fields as a form that a browser can show and `submission` can check.

    Labels and defaults are those that they have with these variables.
    """
    written = {"id": "generated", "components": [_component(field, variables) for field in fields]}
    return reading.read_object(written)


def _component(field: GeneratedField, variables: Mapping[str, Any]) -> dict[str, Any]:
    kind = TYPES.get(field.type, "textfield")
    label = _text(field.label, variables) or field.id
    component: dict[str, Any] = {
        "type": kind, "id": field.id, "key": field.id, "label": label, "readonly": "readonly" in field.constraints,
        "validate": _rules(field, kind),
    }
    if kind == "number":
        component["decimalDigits"] = 0
    elif kind == "datetime":
        component |= {"subtype": "date", "dateLabel": label}
    elif kind == "select":
        component["values"] = [{"value": value, "label": name} for value, name in field.values.items()]
    default = default_of(field, variables)
    if default is not None:
        component["defaultValue"] = default
    return component


def _rules(field: GeneratedField, kind: str) -> dict[str, Any]:
    rules: dict[str, Any] = {"required": "required" in field.constraints and kind != "checkbox"}
    for theirs, ours in LIMITS.items():
        is_length = theirs.endswith("length")
        if theirs in field.constraints and is_length == (kind == "textfield"):
            rules[ours] = javascript.number(field.constraints[theirs])
    return rules


def default_of(field: GeneratedField, variables: Mapping[str, Any]) -> Any:
    """The default of a field as its type has it; null if it has none or it cannot be had."""
    value = _value(field.default, variables)
    if value is None or value == "":
        return None
    if field.type == "long":
        return javascript.number(value)
    if field.type == "boolean":
        return value is True or str(value).lower() == "true"
    return value if isinstance(value, str) else javascript.text(value)


def _text(expression: Expression | None, variables: Mapping[str, Any]) -> str:
    value = _value(expression, variables)
    return "" if value is None else javascript.text(value)


def label_of(field: GeneratedField, variables: Mapping[str, Any]) -> str:
    """The label of a field; empty if it has none."""
    return _text(field.label, variables)


def _value(expression: Expression | None, variables: Mapping[str, Any]) -> Any:
    if expression is None:
        return None
    try:
        return expression.evaluate(variables)
    except EvaluationError:
        return None


def misfit(field: GeneratedField, value: Any) -> str | None:
    """Why a value cannot be that of a field; None if it can.

    A date is a text of ISO 8601, with a time or without.
    """
    if value is None or value == "":
        return None
    if field.type == "long" and not _is_whole(value):
        return f"Expected a whole number for form field {field.id!r}, but found {value!r}."
    if field.type == "boolean" and not (isinstance(value, bool) or str(value).lower() in {"true", "false"}):
        return f"Expected true or false for form field {field.id!r}, but found {value!r}."
    if field.type == "date" and not _is_date(value):
        return f"Expected a date such as 2026-11-30 for form field {field.id!r}, but found {value!r}."
    if field.type == "enum" and field.values and not (isinstance(value, str) and value in field.values):
        offered = ", ".join(map(repr, field.values))
        return f"Expected one of {offered} for form field {field.id!r}, but found {value!r}."
    return None


def _is_whole(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and value.strip().removeprefix("-").isdecimal())


def _is_date(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True
