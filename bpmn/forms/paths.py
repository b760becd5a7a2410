"""Values in nested data, found and changed by a path of names and places in lists, as form-js does (min-dash)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Path = Sequence[str | int]


class Missing:
    """What stands where there is nothing: JavaScript's undefined."""


MISSING = Missing()


def get(data: Any, path: Path) -> Any:
    """The value at a path, or MISSING."""
    for part in path:
        is_there = part in data if isinstance(data, dict) else (
            isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data))
        if not is_there:
            return MISSING
        data = data[part]
    return data


def put(data: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at a path; what is missing on the way is made, what is no object there is replaced."""
    place: Any = data
    for part, following in zip(path, [*path[1:], None], strict=True):
        if isinstance(place, list) and isinstance(part, int):
            place += [None] * (part + 1 - len(place))
        if following is None:
            place[part] = value
            return
        inner = place.get(part) if isinstance(place, dict) else place[part]
        if not isinstance(inner, list if isinstance(following, int) else dict):
            inner = place[part] = [] if isinstance(following, int) else {}
        place = inner


def clear(data: dict[str, Any], path: Path) -> None:
    """Take the value at a path away, and what is empty around it then."""
    parts = list(path)
    while parts:
        holder, last = get(data, parts[:-1]), parts.pop()
        if isinstance(holder, dict) and isinstance(last, str):
            holder.pop(last, None)
        elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
            holder[last] = None
        if not parts or (isinstance(holder, list) and any(item is not None for item in holder)):
            return
        if not isinstance(holder, dict | list) or (isinstance(holder, dict) and holder):
            return
