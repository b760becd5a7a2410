"""Variables, in Camunda's scopes: process, sub-process, multi-instance body and instance, activity.

Reading falls through to the enclosing scopes. Setting a variable changes it where it is, or creates it at the top
(Camunda 7 manual "Variable Scopes and Variable Visibility"; Camunda 8 docs "Variables", propagation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Scope(dict[str, Any]):
    """The variables of one scope, on top of those of the enclosing one.

    `key` is the instance's key or that of the element instance that owns the scope; `ledger` collects the scopes
    that changed since the last save (shared by all scopes of an instance); `saved` says that the engine has rows of it.
    """

    __slots__ = ("changed", "key", "ledger", "saved", "up")

    def __init__(self, key: int, ledger: list[Scope], up: Scope | None = None) -> None:
        self.key = key
        self.ledger = ledger
        self.up = up
        self.changed: set[str] = set()
        self.saved = False

    def __missing__(self, name: str) -> Any:
        scope = self.up
        while scope is not None:
            if dict.__contains__(scope, name):
                return dict.__getitem__(scope, name)
            scope = scope.up
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        scope: Scope | None = self
        while scope is not None:
            if dict.__contains__(scope, name):
                return True
            scope = scope.up
        return False

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> Any:
        """The names that can be read here."""
        return self.visible().keys() if self.up is not None else dict.keys(self)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def visible(self) -> dict[str, Any]:
        """Everything that can be read here, inner names hiding outer ones."""
        chain: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            chain.append(scope)
            scope = scope.up
        seen: dict[str, Any] = {}
        for scope in reversed(chain):
            dict.update(seen, dict.items(scope))
        return seen

    def local(self) -> dict[str, Any]:
        """The variables of this scope alone."""
        return dict(dict.items(self))

    def assign(self, name: str, value: Any) -> None:
        """Set a variable in the nearest scope that has it, else at the top."""
        scope = self
        while scope.up is not None and not dict.__contains__(scope, name):
            scope = scope.up
        scope.assign_local(name, value)

    def assign_local(self, name: str, value: Any) -> None:
        """Set a variable in this very scope."""
        self[name] = value
        changed = self.changed
        if not changed:
            self.ledger.append(self)
        changed.add(name)

    def assign_all(self, values: Mapping[str, Any] | None, *, local: bool = False) -> None:
        """Set several variables, each as `assign` does, or all of them here."""
        if not values:
            return
        if local or self.up is None:
            self.update(values)
            if not self.changed:
                self.ledger.append(self)
            self.changed.update(values)
            return
        for name, value in values.items():
            self.assign(name, value)

    def remove(self, name: str, *, local: bool = False) -> None:
        """Remove a variable from the nearest scope that has it, or from this one; nothing if none has it."""
        scope: Scope | None = self
        while scope is not None and not dict.__contains__(scope, name):
            scope = None if local else scope.up
        if scope is not None:
            dict.__delitem__(scope, name)
            if not scope.changed:
                scope.ledger.append(scope)
            scope.changed.add(name)
