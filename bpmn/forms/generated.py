"""Camunda 7's generated forms: their fields as a Camunda Form, and what its engine says of values.

Source: Camunda 7 manual, "Generated Task Forms".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
