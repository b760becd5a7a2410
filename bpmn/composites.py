"""Expressions made of others: the lists and maps of Camunda 7's input and output parameters.

Source: Camunda 7 manual, "Input/Output Variable Mapping", `camunda:list` and `camunda:map`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpmn.expressions import Expression


class ListOf(Expression):
    """A list whose entries are expressions."""

    __slots__ = ("entries",)

    def __init__(self, entries: tuple[Expression, ...]) -> None:
        functions = [entry.function for entry in entries]
        text = f"[{', '.join(entry.text for entry in entries)}]"
        names = frozenset(name for entry in entries for name in entry.names)
        super().__init__(text, lambda scope: [function(scope) for function in functions], names)
        self.entries = entries

    def evaluate(self, scope: Mapping[str, Any]) -> list[Any]:
        return [entry.evaluate(scope) for entry in self.entries]


class MapOf(Expression):
    """A map whose keys and values are expressions; keys become texts."""

    __slots__ = ("entries",)

    def __init__(self, entries: tuple[tuple[Expression, Expression], ...]) -> None:
        functions = [(key.function, value.function) for key, value in entries]
        text = f"{{{', '.join(f'{key.text}: {value.text}' for key, value in entries)}}}"
        names = frozenset(name for entry in entries for part in entry for name in part.names)
        super().__init__(text, lambda scope: {str(key(scope)): value(scope) for key, value in functions}, names)
        self.entries = entries

    def evaluate(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        return {str(key.evaluate(scope)): value.evaluate(scope) for key, value in self.entries}
