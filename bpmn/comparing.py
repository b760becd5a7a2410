"""Compares two versions of a process: what was added, taken away and changed, and which elements correspond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from bpmn.model import Element, Flow, Process

NOT_COMPARED = frozenset({"id", "incoming", "outgoing"})
"""Of an element: its flows are compared for themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two versions, by the ids of elements and sequence flows.

    `changed` names the fields of the model that differ, for each element or flow that is in both.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]

    @property
    def is_empty(self) -> bool:
        """Nothing that is executed differs."""
        return not (self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The element that an element of the other version probably became; `sure` if it kept its id."""

    id: str
    sure: bool


def compare(old: Process, new: Process) -> Comparison:
    """What differs between two versions of a process, in the order of the diagrams."""
    before: dict[str, Element | Flow] = {**old.elements, **old.flows}
    after: dict[str, Element | Flow] = {**new.elements, **new.flows}
    changed = {}
    for id, item in before.items():
        other = after.get(id)
        if other is not None:
            names = _differing(item, other)
            if names:
                changed[id] = names
    return Comparison(
        added=tuple(id for id in after if id not in before),
        removed=tuple(id for id in before if id not in after),
        changed=changed,
    )


def counterparts(old: Process, new: Process) -> dict[str, Counterpart]:
    """For each element of the old version the one in the new version that it became; those without are left out.

    The same id and type is sure. An element whose id is gone may have become one whose id is new, of the same type,
    with the same name or between the same neighbours: that is a guess for somebody to confirm.
    """
    found = {id: Counterpart(id, True) for id, element in old.elements.items()
             if id in new.elements and new.elements[id].type == element.type}
    fresh = [element for id, element in new.elements.items() if id not in old.elements]
    for id, element in old.elements.items():
        if id in found:
            continue
        alike = [other for other in fresh if other.type == element.type and _alike(element, other, old, new)]
        if len(alike) == 1:
            found[id] = Counterpart(alike[0].id, False)
    return found


def _alike(element: Element, other: Element, old: Process, new: Process) -> bool:
    if element.name and element.name == other.name:
        return True
    around = _neighbours(element, old)
    return bool(around[0] or around[1]) and around == _neighbours(other, new)


def _neighbours(element: Element, process: Process) -> tuple[set[str], set[str]]:
    return ({process.flows[flow].source for flow in element.incoming},
            {process.flows[flow].target for flow in element.outgoing})


def _differing(item: Element | Flow, other: Element | Flow) -> tuple[str, ...]:
    if type(item) is not type(other):
        return ("type",)
    return tuple(field.name for field in fields(item) if field.name not in NOT_COMPARED
                 and _plain(getattr(item, field.name)) != _plain(getattr(other, field.name)))


def _plain(value: Any) -> Any:
    """A value that can be compared: an expression is what is written."""
    if hasattr(value, "evaluate"):
        return (type(value).__name__, getattr(value, "text", None), getattr(value, "value", None))
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
