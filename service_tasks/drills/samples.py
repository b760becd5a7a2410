"""Values that a JSON Schema allows: what stand-ins answer, and what a process is started with.

The example that the schema gives, else its default, else the smallest value that fits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service_tasks.jsontypes import Schema, resolved

DEEPEST = 6
"""Objects inside objects; a schema may refer to itself."""
BY_FORMAT = {
    "date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00", "duration": "PT1H",
    "uuid": "00000000-0000-4000-8000-000000000000", "email": "a@example.org", "uri": "https://example.org/",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "binary": "", "byte": "",
}
TEXTS = ("1", "x", "A-1", "a@example.org", "https://example.org/", "2026-01-01", "00000000", "AA", "DE")
"""Tried, in order, where a pattern must be met."""


def sample(description: Schema, schema: Schema, *, everything: bool = False, depth: int = 0) -> Any:
    """A value for a property of a JSON Schema; with `everything` its optional entries are filled in, too."""
    description = resolved(description, schema)
    for name in ("const", "example"):
        if name in description:
            return description[name]
    if description.get("examples"):
        return description["examples"][0]
    if description.get("default") is not None:
        return _number_of(description["default"]) if _may_be_number(description) else description["default"]
    if description.get("enum"):
        return description["enum"][0]
    for alternatives in ("anyOf", "oneOf", "allOf"):
        if description.get(alternatives):
            return _of_alternatives(description[alternatives], schema, everything, depth)
    return _of_type(description, schema, everything, depth)


def _may_be_number(description: Schema) -> bool:
    """Whether it is a decimal, whose default pydantic writes as text although it is a number to a process."""
    return any(option.get("type") == "number" for option in description.get("anyOf", ()))


def _number_of(value: Any) -> Any:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return int(number) if number.is_integer() else number


def _of_alternatives(options: list[Any], schema: Schema, everything: bool, depth: int) -> Any:
    real = [option for option in options if option.get("type") != "null"]
    return sample(real[0], schema, everything=everything, depth=depth) if real else None


def _of_type(description: Schema, schema: Schema, everything: bool, depth: int) -> Any:
    kind = description.get("type", "string")
    kind = next((each for each in kind if each != "null"), "null") if isinstance(kind, list) else kind
    if kind == "object":
        return _object(description, schema, everything, depth)
    if kind == "array":
        count = max(int(description.get("minItems", 1)), 1) if depth < DEEPEST else 0
        return [sample(description.get("items", {}), schema, everything=everything, depth=depth + 1)
                for _ in range(count)]
    if kind in ("number", "integer"):
        return _number(description)
    return {"boolean": True, "null": None}.get(kind, _text(description))


def _object(description: Schema, schema: Schema, everything: bool, depth: int) -> dict[str, Any]:
    if depth >= DEEPEST:
        return {}
    entries: Mapping[str, Any] = description.get("properties", {})
    required = description.get("required", ())
    return {name: sample(entry, schema, everything=everything, depth=depth + 1)
            for name, entry in entries.items() if everything or name in required}


def _number(description: Schema) -> int | float:
    value: int | float = 1
    if "minimum" in description:
        value = max(value, description["minimum"])
    if "exclusiveMinimum" in description:
        value = max(value, description["exclusiveMinimum"] + 1)
    if "maximum" in description:
        value = min(value, description["maximum"])
    if "exclusiveMaximum" in description and value >= description["exclusiveMaximum"]:
        value = description["exclusiveMaximum"] - 1
    step = description.get("multipleOf")
    return step if step and value % step else value


def _text(description: Schema) -> str:
    if description.get("format") in BY_FORMAT:
        return BY_FORMAT[description["format"]]
    least = int(description.get("minLength", 0))
    texts = [text * max(1, -(-least // len(text))) for text in TEXTS]
    pattern = description.get("pattern")
    most = description.get("maxLength", len(texts[1]))
    fitting = [text for text in texts if pattern is None or _matches(pattern, text)]
    return next((text for text in fitting if least <= len(text) <= most), fitting[0] if fitting else "x" * least)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
