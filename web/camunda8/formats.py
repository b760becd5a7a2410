"""How keys and times are written: keys as texts of digits, because JavaScript's numbers end at 2^53."""

from __future__ import annotations

from datetime import datetime
from typing import overload


@overload
def key(value: int) -> str: ...
@overload
def key(value: None) -> None: ...
def key(value: int | None) -> str | None:
    """A key as a text of digits."""
    return None if value is None else str(value)


@overload
def date(value: datetime) -> str: ...
@overload
def date(value: None) -> None: ...
def date(value: datetime | None) -> str | None:
    """A time in UTC with milliseconds."""
    return None if value is None else value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
