"""Checks values that come from outside before they become variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.database import from_json, to_json
from engine.errors import InvalidInput


def checked(variables: Mapping[Any, Any] | None) -> dict[str, Any]:
    """The variables as plain JSON values, exactly as they will be read again later.

    Raises InvalidInput: a name is empty or no text, or a value cannot be stored.
    """
    if not variables:
        return {}
    for name in variables:
        if not isinstance(name, str) or not name:
            raise InvalidInput(f"Expected names of variables to be texts, but one is {name!r}.")
    try:
        content = to_json(dict(variables))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"Expected variables that can be written as JSON, but {error}.") from error
    if "\\u0000" in content:
        # PostgreSQL can store it neither in a text nor in JSONB.
        raise InvalidInput("Expected variables without the character NUL, but one contains it.")
    result: dict[str, Any] = from_json(content)
    return result
