"""What a target says that does not take an event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """The event was not taken. `for_good`: nor will it ever be; `is_down`: nothing else would be, now."""

    sentence: str
    for_good: bool = False
    is_down: bool = False
