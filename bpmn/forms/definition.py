"""What a diagram says about the form of a user task or of a start event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bpmn.expressions import Expression

EMBEDDED = "camunda-forms:bpmn:"
"""Begins the key of a Camunda Form whose JSON stands in the diagram (`zeebe:userTaskForm`)."""
OF_DEPLOYMENT = "camunda-forms:deployment:"
"""Begins the key of a Camunda Form that was deployed with the diagram, by the name of its file (Camunda 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedField:
    """One `camunda:formField`: a field of a form that is made from the diagram (Camunda 7 manual, "Generated Task
    Forms"). `type` is string, long, boolean, date, enum or a type of somebody's own, which is treated as a string."""

    id: str
    type: str = "string"
    label: Expression | None = None
    default: Expression | None = None
    date_pattern: str | None = None
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Enum: the id of each value and its name, in order."""
    constraints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name and configuration: required, readonly, min, max, minlength, maxlength."""
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDefinition:
    """The form that an element names: a deployed one (`id`), one by its key, or fields in the diagram itself."""

    key: Expression | None = None
    id: Expression | None = None
    binding: str = "latest"
    """Which version of the form `id`: as for a called process, with `version` as its argument."""
    version: Expression | None = None
    fields: tuple[GeneratedField, ...] = ()
    business_id_field: str | None = None
    """Start event of Camunda 7: the field whose value becomes the business id (`camunda:formData businessKey`)."""
