"""What a component makes of a value before anything else looks at it, and what may be chosen in a selection.

Source: form-js, `sanitizeValue` of each component and `normalizeOptionsData`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from bpmn.forms import javascript
from bpmn.forms.conditions import Scope
from bpmn.forms.form import MULTIPLE, SINGLE, Component

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIME = re.compile(r"(\d{1,2})(?::(\d{1,2}))?(?::\d{1,2}(?:\.\d+)?)?(Z|[+-]\d{1,2}(?::\d{1,2})?)?\Z", re.ASCII)
_CLOCK = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?\Z", re.ASCII)
_BREAKS = re.compile(r"[\r\n\t]")
EMPTY: Mapping[str, Any] = {"textfield": "", "textarea": "", "checkbox": False}
"""The value of a component that nobody has filled in; null for those that are not named, `[]` for several."""


def empty(component: Component) -> Any:
    """The value of a component that nobody has filled in."""
    return [] if component.type in MULTIPLE else EMPTY.get(component.type)


def clean(component: Component, value: Any, data: Mapping[str, Any]) -> Any:
    """A value as the component can hold it; `data` is where `valuesKey` is looked up."""
    kind = component.type
    if kind == "checkbox":
        return value is True
    if kind in ("textfield", "textarea"):
        return _text(value, kind)
    if kind == "number":
        return _number(component, value)
    if kind == "datetime":
        return value if isinstance(value, str) and _is_date_time(component, value) else None
    if kind in SINGLE | MULTIPLE:
        return _selected(component, value, data)
    return value


def _text(value: Any, kind: str) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    if isinstance(value, str):
        return _BREAKS.sub(" ", value) if kind == "textfield" else value
    return javascript.text(value)


def _number(component: Component, value: Any) -> Any:
    if isinstance(value, bool) or value in (None, "") or (found := javascript.number(value)) is None:
        return None
    if component.settings.get("serializeToString"):
        return value if isinstance(value, str) else javascript.text(value)
    return found if abs(found) != float("inf") else None


def _is_date_time(component: Component, value: str) -> bool:
    kind = component.settings.get("subtype", "date")
    if kind == "time":
        return _is_time(value)
    if kind == "datetime":
        day, separator, clock = value.partition("T")
        return bool(separator) and _is_date(day) and _CLOCK.match(clock) is not None and _is_clock(clock)
    return _is_date(value)


def _is_date(value: str) -> bool:
    if not _DATE.match(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_clock(value: str) -> bool:
    try:
        time.fromisoformat(value)
    except ValueError:
        return value.startswith("24:00")
    return True


def _is_time(value: str) -> bool:
    match = _TIME.match(value)
    return match is not None and int(match[1]) <= 24 and int(match[2] or 0) <= 60


def _selected(component: Component, value: Any, data: Mapping[str, Any]) -> Any:
    several = component.type in MULTIPLE
    options = component.options
    if options is not None and options.expression is not None and (not several or isinstance(value, list | None)):
        return value
    if several and not isinstance(value, list):
        return []
    written = None if options is None else data.get(options.variable) if options.variable else options.values
    if not isinstance(written, list):
        return [] if several else None
    allowed = _values(written)
    if several:
        return [item for item in value if contains(allowed, item)]
    return value if contains(allowed, value) else None


def choices(component: Component, data: Mapping[str, Any], scope: Scope) -> list[Any] | None:
    """The values that may be chosen now; None if the form does not say where they come from.

    `data` is what the form was opened with, `scope` what its expressions see.
    """
    options = component.options
    if options is None:
        return None
    written: Any
    if options.variable is not None:
        written = data.get(options.variable)
    elif options.values is not None:
        written = options.values
    elif options.expression is not None:
        written = options.expression.value(scope)
    else:
        return None
    return _values(written) if isinstance(written, list) else []


def contains(allowed: list[Any], value: Any) -> bool:
    """Whether a value is one of some; true and 1 are two."""
    return any(same(value, other) for other in allowed)


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(left == right)


def _values(written: list[Any]) -> list[Any]:
    found = []
    for option in written:
        if _is_plain(option):
            found.append(option)
        elif isinstance(option, dict):
            has_label = isinstance(option.get("label"), str) and option["label"]
            value = option.get("value")
            if _is_plain(value) or (has_label and isinstance(value, dict | list) and value):
                found.append(value)
    return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != "" and value == value
