"""What a client says of a variable beyond its JSON value: that 5 is a Short, or that a text is a date.

The engine does not understand it. It keeps it with the row, for the door through which it came, until the variable is
set anew by anybody who says nothing of the kind.
"""

from __future__ import annotations

from typing import Any

from engine.columns import from_json, to_json


class Declarations:
    """What was said of values in one request or transaction. It holds for a variable of that name and value."""

    def __init__(self, said: dict[str, dict[str, str]] | None = None) -> None:
        self._said = {} if said is None else said

    def add(self, name: str, value: Any, declared: str) -> None:
        """Keep what is said of a value, an opaque text."""
        self._said.setdefault(name, {})[to_json(value)] = declared

    def of(self, name: str, value: Any) -> str | None:
        """What was said of a variable; None if nothing was, or if its value is another one by now."""
        said = self._said.get(name)
        return said.get(to_json(value)) if said else None

    def dump(self) -> str | None:
        """As a text, to be kept; None if nothing was said."""
        return to_json(self._said) if self._said else None

    def with_more(self, dumped: str | None) -> Declarations:
        """These, and what was kept before."""
        if dumped is None:
            return self
        said: dict[str, dict[str, str]] = from_json(dumped)
        for name, values in self._said.items():
            said[name] = {**said.get(name, {}), **values}
        return Declarations(said)
