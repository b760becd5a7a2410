"""A Camunda Form as frozen data: what `bpmn.forms.reading` makes of form-js JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bpmn.forms.conditions import Condition, Expression

Number = Expression | float | int | str
"""A limit as the form has it: a number, its text, or an expression."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """The empty mapping, shared."""
    return NOTHING


KEYED = frozenset({"textfield", "textarea", "number", "datetime", "expression", "checkbox", "checklist", "radio",
                   "select", "taglist"})
"""Components that hold a value."""
GROUPS = frozenset({"group", "dynamiclist"})
SILENT = frozenset({"text", "image", "table", "html", "spacer", "separator", "button"})
"""Components that only show something."""
NOT_HERE = MappingProxyType({
    "filepicker": "Files cannot be uploaded with this form.",
    "documentPreview": "Documents are not shown here.",
    "iframe": "A page of another site belongs here. It is not loaded.",
})
"""Components of form-js that are left out, and what is shown instead."""
MULTIPLE = frozenset({"checklist", "taglist"})
SINGLE = frozenset({"radio", "select"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the value of a component must be like (form-js: `validate`)."""

    required: bool = False
    pattern: str | None = None
    pattern_message: str | None = None
    limits: Mapping[str, Number] = field(default_factory=nothing)
    """min, max, minLength, maxLength: those that are given."""
    kind: str | None = None
    """`email` or `phone`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the values of a selection come from; what form-js has of these is looked at in this order."""

    variable: str | None = None
    values: Any = None
    expression: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component of a form. `path` is where its value stands below that of its parent."""

    type: str
    id: str
    label: str = ""
    path: tuple[str, ...] = ()
    hide: Condition | None = None
    disabled: bool = False
    readonly: bool | Condition = False
    rules: Rules | None = None
    options: Options | None = None
    expression: Expression | None = None
    default: Any = None
    has_default: bool = False
    settings: Mapping[str, Any] = field(default_factory=nothing)
    """What is particular to its type, as the form has it."""
    components: tuple[Component, ...] = ()

    @property
    def is_keyed(self) -> bool:
        """Whether it holds a value."""
        return self.type in KEYED

    @property
    def repeats(self) -> bool:
        """Whether what is inside it is there once for each element of a list."""
        return self.type == "dynamiclist" and bool(self.settings.get("isRepeating", True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form. `schema` is the JSON that a browser is given: every component has an id, those unknown are replaced."""

    id: str
    version_tag: str | None = None
    components: tuple[Component, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=nothing, repr=False)

    def all(self) -> Iterator[Component]:
        """Every component at every depth."""
        waiting = list(reversed(self.components))
        while waiting:
            component = waiting.pop()
            yield component
            waiting += reversed(component.components)
