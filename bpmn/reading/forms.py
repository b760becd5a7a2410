"""Reads what a user task or a start event says about its form, in both dialects.

Sources: Camunda 8 docs "User task forms"; Camunda 7 manual "User Task Forms", "Generated Task Forms".
"""

from __future__ import annotations

from types import MappingProxyType

from bpmn.forms.definition import FormDefinition, GeneratedField
from bpmn.reading.nodes import BPMN, CAMUNDA, ZEEBE, Node, attribute, child, extension, text
from bpmn.reading.source import Source

BUILT_IN = frozenset({"required", "readonly", "min", "max", "minlength", "maxlength"})
"""The constraints of a generated form that need no class (Camunda 7 manual, "Built-in Validators")."""


def read_zeebe(node: Node, source: Source) -> FormDefinition | None:
    """The form that `zeebe:formDefinition` names."""
    form = extension(node, ZEEBE + "formDefinition")
    if form is None:
        return None
    key = attribute(form, "formKey") or attribute(form, "externalReference")
    return FormDefinition(
        key=source.optional(form, key, "the form key"),
        id=source.optional(form, attribute(form, "formId"), "the form id"),
        binding=attribute(form, "bindingType") or "latest",
        version=source.optional(form, attribute(form, "versionTag"), "the version tag"),
    )


def read_camunda(node: Node, source: Source) -> FormDefinition | None:
    """The form that `camunda:formKey`, `camunda:formRef` or `camunda:formData` gives."""
    key, id = attribute(node, CAMUNDA + "formKey"), attribute(node, CAMUNDA + "formRef")
    data = extension(node, CAMUNDA + "formData")
    if key is None and id is None and data is None:
        return None
    return FormDefinition(
        key=source.optional(node, key, "the form key"),
        id=source.optional(node, id, "the form id"),
        binding=attribute(node, CAMUNDA + "formRefBinding") or "latest",
        version=source.optional(node, attribute(node, CAMUNDA + "formRefVersion"), "the version"),
        fields=() if data is None else _fields(data, source),
        business_id_field=attribute(data, "businessKey"),
    )


def read_embedded(process: Node) -> MappingProxyType[str, str]:
    """The JSON of the forms that stand in a process (`zeebe:userTaskForm`), by their ids."""
    holder = child(process, BPMN + "extensionElements")
    found = [] if holder is None else holder.findall(ZEEBE + "userTaskForm")
    return MappingProxyType({id: text(form) or "" for form in found if (id := attribute(form, "id"))})


def _fields(data: Node, source: Source) -> tuple[GeneratedField, ...]:
    fields: dict[str, GeneratedField] = {}
    for node in data.findall(CAMUNDA + "formField"):
        id = attribute(node, "id")
        if id is None:
            source.error(node, "Expected each form field to have an id, but one has none.")
        elif id in fields:
            source.error(node, f"Expected each form field once, but there are two with the id {id!r}.")
        else:
            fields[id] = _field(node, id, source)
    return tuple(fields.values())


def _field(node: Node, id: str, source: Source) -> GeneratedField:
    properties = child(node, CAMUNDA + "properties")
    return GeneratedField(
        id=id,
        type=attribute(node, "type") or "string",
        label=source.optional(node, attribute(node, "label"), "the label of a form field"),
        default=source.optional(node, attribute(node, "defaultValue"), "the default of a form field"),
        date_pattern=attribute(node, "datePattern"),
        values=MappingProxyType({
            value: attribute(each, "name") or value
            for each in node.findall(CAMUNDA + "value") if (value := attribute(each, "id"))
        }),
        constraints=MappingProxyType(_constraints(node, id, source)),
        properties=MappingProxyType({
            name: each.get("value") or ""
            for each in ([] if properties is None else properties.findall(CAMUNDA + "property"))
            if (name := attribute(each, "id") or attribute(each, "name"))
        }),
    )


def _constraints(node: Node, id: str, source: Source) -> dict[str, str]:
    holder = child(node, CAMUNDA + "validation")
    found: dict[str, str] = {}
    for constraint in [] if holder is None else holder.findall(CAMUNDA + "constraint"):
        name, config = attribute(constraint, "name") or "", attribute(constraint, "config") or ""
        if name not in BUILT_IN:
            source.warn(constraint, f"Expected a constraint of form field {id!r} that needs no Java class, "
                                    f"but {name!r} does. It is not checked.")
        elif name not in ("required", "readonly") and not config.isdecimal() and not _is_number(config):
            source.error(constraint, f"Expected the constraint {name!r} of form field {id!r} to be a number, "
                                     f"but it is {config!r}.")
        elif name not in ("required", "readonly") or config != "false":
            found[name] = config
    return found


def _is_number(written: str) -> bool:
    try:
        number = float(written)
    except ValueError:
        return False
    return number == number and abs(number) != float("inf")
