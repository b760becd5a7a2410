"""Checks values that come from outside before they become variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import masking
from engine.columns import exact_json, from_json, storable_text
from engine.errors import InvalidInput

LONGEST_NAME = 255
"""Characters that the columns for names and keys hold."""


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
        content = exact_json(dict(variables))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"Expected variables that can be written as JSON, but {error}.") from error
    if masking.HIDDEN in content and masking.holds_mask(variables):
        raise InvalidInput("Expected values, but one of them is only what is shown for a hidden one: leave it out to "
                           "keep what there is.")
    if "\\u0000" in content:
        # PostgreSQL can store it neither in a text nor in JSONB.
        raise InvalidInput("Expected variables without the character NUL, but one contains it.")
    result: dict[str, Any] = from_json(content)
    return result


def text(value: str | None) -> str | None:
    """A text of somebody else that is only shown (an error message), without what cannot be stored."""
    return None if value is None else storable_text(value)


def name(value: str | None, what: str, *, longest: int = LONGEST_NAME) -> str | None:
    """A text by which something is found again; empty is None.

    Raises InvalidInput if it is too long or has characters that cannot be stored.
    """
    if not value:
        return None
    if len(value) > longest:
        raise InvalidInput(f"Expected {what} of at most {longest} characters, but it has {len(value)}.")
    if storable_text(value) != value:
        raise InvalidInput(f"Expected {what} of plain characters, but {value!r} has others.")
    return value
