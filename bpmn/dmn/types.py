"""Item definitions: the types that a DMN model defines (DMN 1.5 §7.3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bpmn.dmn.xml import child, children, name_of, text_of
from bpmn.feel.errors import FeelSyntaxError
from bpmn.feel.limits import spend
from bpmn.feel.program import Tests, compile_tests
from bpmn.feel.types import ANY, SIMPLE, FunctionType, Type
from bpmn.feel.values import Value
from bpmn.reading.nodes import Node

_NUMBERS = ("integer", "long", "double", "short", "float", "decimal", "int")
"""Types of Camunda 7; they say nothing that FEEL's number does not."""
_NO_NAMES: Mapping[str, Value] = {}


class ItemType(Type):
    """An item definition; it may refer to itself, so it is filled in after it is made."""

    __slots__ = ("allowed", "base", "entries", "is_list", "name", "whole")

    def __init__(self, name: str) -> None:
        self.name = name
        self.base: Type | None = None
        self.entries: dict[str, Type | None] | None = None
        self.is_list = False
        self.allowed: Tests | None = None
        """What each element (or the value, if it is no list) must pass."""
        self.whole: Tests | None = None
        """What the value as a whole must pass (`typeConstraint`)."""

    @property
    def takes_lists(self) -> bool:
        return self.is_list or (self.entries is None and self.base is not None and self.base.takes_lists)

    def accepts(self, value: Value) -> bool:
        return self._is(value, constrained=True) and (self.whole is None or self.whole.passes(_NO_NAMES, value))

    def includes(self, value: Value) -> bool:
        return self._is(value, constrained=False)

    def _is(self, value: Value, constrained: bool) -> bool:
        if not self.is_list:
            return self._item_is(value, constrained)
        if type(value) is not list:
            return False
        spend(len(value))
        return all(item is None or self._item_is(item, constrained) for item in value)

    def _item_is(self, value: Value, constrained: bool) -> bool:
        if self.entries is not None and not self._has_entries(value, constrained):
            return False
        if self.base is not None and not (self.base.accepts(value) if constrained else self.base.includes(value)):
            return False
        return not constrained or self.allowed is None or self.allowed.passes(_NO_NAMES, value)

    def _has_entries(self, value: Value, constrained: bool) -> bool:
        entries = self.entries or {}
        if not isinstance(value, dict):
            return False
        spend(len(entries))
        for name, kind in entries.items():
            if name not in value:
                return False
            item = value[name]
            if kind is not None and item is not None and not (
                    kind.accepts(item) if constrained else kind.includes(item)):
                return False
        return True

    def fits(self, other: Type) -> bool:
        if other is self or other == ANY:
            return True
        return self.base is not None and not self.is_list and self.base.fits(other)

    def __repr__(self) -> str:
        return f"ItemType({self.name!r})"


class Types:
    """The types of one model, and those of the models it imports (`alias.name`)."""

    def __init__(self, definitions: Mapping[str, Node], members: set[str],
                 refuse: Callable[[Node, FeelSyntaxError], None]) -> None:
        self._definitions = definitions
        self._members = members
        self._refuse = refuse
        self._known: dict[str, ItemType] = {}
        self.imported: dict[str, Types] = {}

    def find(self, reference: str | None) -> Type | None:
        """The type of a `typeRef`; None if it says nothing (absent, Any, or a name that nobody defines)."""
        name = (reference or "").strip().rpartition("}")[2]
        name = name.removeprefix("feel:")
        if name in self._definitions:
            return self._define(name)
        alias, _, rest = name.partition(".")
        if rest and alias in self.imported:
            return self.imported[alias].find(rest)
        local = name.rpartition(":")[2]
        if local != name and local in self._definitions:
            return self._define(local)
        found = SIMPLE.get(name) or (SIMPLE["number"] if name in _NUMBERS else None)
        return None if found is None or found == ANY else found

    def named(self) -> dict[str, Type]:
        """All types by the names that expressions use."""
        found: dict[str, Type] = {name: self._define(name) for name in self._definitions}
        for alias, types in self.imported.items():
            found |= {f"{alias}.{name}": kind for name, kind in types.named().items()}
        return found

    def _define(self, name: str) -> ItemType:
        if name not in self._known:
            self._known[name] = kind = ItemType(name)
            self._fill(kind, self._definitions[name])
        return self._known[name]

    def _fill(self, kind: ItemType, node: Node) -> None:
        kind.is_list = node.get("isCollection") == "true"
        components = children(node, "itemComponent")
        function = child(node, "functionItem")
        reference = child(node, "typeRef")
        if components:
            kind.entries = {}
            for component in components:
                inner = ItemType(name_of(component))
                kind.entries[inner.name] = inner
                self._fill(inner, component)
        elif function is not None:
            kind.base = self._function(function)
        elif reference is not None:
            kind.base = self.find(reference.text)
        kind.allowed = self._tests(child(node, "allowedValues"))
        kind.whole = self._tests(child(node, "typeConstraint"))

    def _function(self, node: Node) -> Type:
        parameters = [self.find(parameter.get("typeRef")) or ANY for parameter in children(node, "parameters")]
        return FunctionType(tuple(parameters), self.find(node.get("outputTypeRef")) or ANY)

    def _tests(self, node: Node | None) -> Tests | None:
        text = text_of(node)
        if node is None or not text:
            return None
        try:
            return compile_tests(text, (), self._members)
        except FeelSyntaxError as error:
            self._refuse(node, error)
            return None
