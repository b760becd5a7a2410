"""Reads what a form sends: a reason, JSON objects, typed fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flask import request

from engine.errors import InvalidInput


def reason() -> str:
    """The reason that every action asks for.

    Raises:
        InvalidInput: it is missing.
    """
    text = request.form.get("reason", "").strip()
    if not text:
        raise InvalidInput("Expected a reason, but there is none. It is kept in the audit trail.")
    return text


def json_value(text: str, what: str) -> Any:
    """Any JSON value.

    Raises:
        InvalidInput: the text is no JSON; `what` names the field in the message.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"Expected {what} as JSON, but {error}.") from None


def json_object(name: str, what: str) -> dict[str, Any]:
    """A JSON object from the form field `name`; empty text is an empty object.

    Raises:
        InvalidInput: it is no JSON object.
    """
    text = request.form.get(name, "").strip()
    value = json_value(text, what) if text else {}
    if not isinstance(value, dict):
        raise InvalidInput(f'Expected {what} as a JSON object such as {{"orderId": 4711}}, but it is something else.')
    return value


def typed_fields(before: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that a generated form changed, beside those of its JSON box.

    The form has `field-NAME` for each variable that was shown, `type-NAME` with its kind, and `seen-NAME` with the
    fingerprint of the value that was shown: what nobody touched keeps the value that it has got meanwhile.

    Raises:
        InvalidInput: a number is no number, or a JSON field no JSON.
    """
    changed: dict[str, Any] = {}
    for field in request.form:
        if not field.startswith("type-"):
            continue
        name = field.removeprefix("type-")
        value = _read(name, request.form[field], request.form.get(f"field-{name}", ""))
        seen = request.form.get(f"seen-{name}") or fingerprint(before.get(name))
        if name not in before or seen != fingerprint(value):
            changed[name] = value
    return changed


def fingerprint(value: Any) -> str:
    """A short text that two values share only if they are the same JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _read(name: str, kind: str, text: str) -> Any:
    if kind == "boolean":
        return text == "true"
    if kind == "string":
        # A browser sends line ends as CR LF, whatever they were.
        return text.replace("\r\n", "\n")
    if not text.strip():
        return None
    return json_value(text, f"the value of {name!r}")


def field_kind(value: Any) -> str:
    """The kind of field that edits a value: boolean, number, string or json."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "json"
