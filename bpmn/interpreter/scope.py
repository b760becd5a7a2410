"""Variables, in Camunda's scopes: process, sub-process, multi-instance body and instance, activity.

Reading falls through to the enclosing scopes. Setting a variable changes it where it is, or creates it at the top
(Camunda 7 manual "Variable Scopes and Variable Visibility"; Camunda 8 docs "Variables", propagation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NOTHING_BEFORE: Any = object()
"""What a variable held that was not there."""


class Ledger(list["Scope"]):
    """The scopes of an instance that changed since the last save; `by` is the id of the element that is at work."""

    __slots__ = ("by",)

    def __init__(self) -> None:
        super().__init__()
        self.by: str | None = None


class Scope(dict[str, Any]):
    """The variables of one scope, on top of those of the enclosing one.

    `key` is the instance's key or that of the element instance that owns the scope; `ledger` collects the scopes
    that changed since the last save (shared by all scopes of an instance); `saved` says that the engine has rows of it.
    `changed` keeps what each variable held when it was last saved, `by` which element changed it last.
    """

    __slots__ = ("by", "changed", "key", "ledger", "saved", "up")

    def __init__(self, key: int, ledger: Ledger, up: Scope | None = None) -> None:
        self.key = key
        self.ledger = ledger
        self.up = up
        self.changed: dict[str, Any] = {}
        self.by: dict[str, str | None] = {}
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
        changed = self.changed
        if name not in changed:
            if not changed:
                self.ledger.append(self)
            changed[name] = dict.get(self, name, NOTHING_BEFORE)
        self[name] = value
        self.by[name] = self.ledger.by

    def assign_all(self, values: Mapping[str, Any] | None, *, local: bool = False) -> None:
        """Set several variables, each as `assign` does, or all of them here."""
        if not values:
            return
        assign = self.assign_local if local or self.up is None else self.assign
        for name, value in values.items():
            assign(name, value)

    def remove(self, name: str, *, local: bool = False) -> None:
        """Remove a variable from the nearest scope that has it, or from this one; nothing if none has it."""
        scope: Scope | None = self
        while scope is not None and not dict.__contains__(scope, name):
            scope = None if local else scope.up
        if scope is not None:
            if not scope.changed:
                scope.ledger.append(scope)
            scope.changed.setdefault(name, dict.__getitem__(scope, name))
            scope.by[name] = scope.ledger.by
            dict.__delitem__(scope, name)
