"""Element templates for the Camunda Modeler, made from contracts: services appear in the palette with named fields.

Sources: Camunda 8 docs, "Modeler → Element templates → Defining templates", and the same chapter for Camunda 7; the
two dialects differ in their bindings only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bpmn.model import Dialect
from service_tasks.contract import ContractError, ServiceContract
from service_tasks.jsontypes import json_types
from service_tasks.words import title

SCHEMAS = {
    Dialect.CAMUNDA_8: "https://unpkg.com/@camunda/zeebe-element-templates-json-schema/resources/schema.json",
    Dialect.CAMUNDA_7: "https://unpkg.com/@camunda/element-templates-json-schema/resources/schema.json",
}
"""The names of the two formats. Nothing is fetched: the Modeler tells the dialects apart by this text."""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="18" height="18" viewBox="0 0 18 18" fill="none" stroke="#222">'
    '<path d="M2 5h14M2 9h14M2 13h14"/><circle cx="6" cy="11" r="2" fill="#222"/>'
    '<circle cx="12" cy="7" r="2" fill="#222"/></svg>'
)

DIALECTS = (Dialect.CAMUNDA_8, Dialect.CAMUNDA_7)
FIELD_TYPES = {frozenset({"integer"}): "Number", frozenset({"number"}): "Number", frozenset({"boolean"}): "Boolean"}
"""How the Camunda 8 tab shows inputs of one simple type; everything else is a text or an expression."""

Template = dict[str, Any]
Property = dict[str, Any]


def template(contract: ServiceContract, dialect: Dialect) -> Template:
    """The element template of one service in one dialect."""
    return {
        "$schema": SCHEMAS[dialect],
        "name": title(contract.name),
        "id": f"partitur.{contract.name}" + ("" if dialect is Dialect.CAMUNDA_8 else ".camunda7"),
        "version": _version(contract.policy.version),
        "description": _description(contract),
        "category": {"id": "partitur", "name": "Services"},
        "appliesTo": ["bpmn:Task", "bpmn:ServiceTask"],
        "elementType": {"value": "bpmn:ServiceTask"},
        "icon": {"contents": "data:image/svg+xml;utf8," + quote(ICON)},
        "groups": [{"id": "inputs", "label": "Inputs"}],
        "properties": [*_binding(contract, dialect), *_inputs(contract, dialect)],
    }


def sync(contracts: Iterable[ServiceContract], folder: Path) -> list[Path]:
    """Write the templates of both dialects to `folder` (`.camunda/element-templates` beside the diagrams, or the
    Modeler's own `resources/element-templates`); returns the files.

    A template that changed although its contract has the same version gets a higher one, so that the Modeler offers
    the update to tasks that use it. Templates that this function wrote earlier for services that are gone are removed;
    files of others stay. Raises ContractError if a file of somebody else has a name that is needed, or two services
    need the same one; then nothing is written.
    """
    planned: dict[Path, list[Template]] = {}
    for contract in contracts:
        path = folder / f"partitur-{_file_name(contract.name)}.json"
        before = _written_before(path)
        if before is None or path in planned:
            what = "somebody else's" if before is None else "that of another service"
            raise ContractError(
                f"Expected to write the template of service {contract.name!r} to {path.name}, but that file is {what}."
            )
        planned[path] = [_renewed(template(contract, dialect), before) for dialect in DIALECTS]
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in planned.items():
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in folder.glob("partitur-*.json"):
        if path not in planned and _written_before(path) is not None:
            path.unlink()
    return list(planned)


def _written_before(path: Path) -> dict[str, Template] | None:
    """The templates in a file of ours, by id; empty if there is no file, None if it is somebody else's."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(found, list) and all(
        isinstance(each, dict) and str(each.get("id", "")).startswith("partitur.") for each in found
    )
    return {each["id"]: each for each in found} if ours else None


def _renewed(made: Template, before: Mapping[str, Template]) -> Template:
    """The template with the version that it needs beside the one that was written before."""
    old = before.get(made["id"])
    if old is None or not isinstance(old.get("version"), int):
        return made
    changed = {**old, "version": 0} != {**made, "version": 0}
    return {**made, "version": max(made["version"], old["version"] + 1 if changed else old["version"])}


def _binding(contract: ServiceContract, dialect: Dialect) -> list[Property]:
    if dialect is Dialect.CAMUNDA_8:
        target = {"type": "zeebe:taskDefinition", "property": "type"}
        return [{"type": "Hidden", "value": contract.name, "binding": target}]
    return [
        {"type": "Hidden", "value": "external", "binding": {"type": "property", "name": "camunda:type"}},
        {"type": "Hidden", "value": contract.name, "binding": {"type": "property", "name": "camunda:topic"}},
    ]


def _inputs(contract: ServiceContract, dialect: Dialect) -> list[Property]:
    schema = contract.input_schema()
    required = schema.get("required", ())
    return [
        _input(name, description, schema, name in required, dialect)
        for name, description in schema["properties"].items()
    ]


def _input(
    name: str, description: Mapping[str, Any], schema: Mapping[str, Any], required: bool, dialect: Dialect
) -> Property:
    structured = json_types(description, schema) & {"object", "array"}
    kind = "zeebe:input" if dialect is Dialect.CAMUNDA_8 else "camunda:inputParameter"
    field: Property = {
        "id": name, "label": title(name), "group": "inputs", "type": "Text" if structured else "String",
        "description": _help(description, required), "binding": {"type": kind, "name": name},
    }
    choices = _choices(description, schema)
    if choices:
        field["type"] = "Dropdown"
        field["choices"] = [{"name": title(str(choice)), "value": str(choice)} for choice in choices]
        field["value"] = str(description.get("default", choices[0]))
    elif dialect is Dialect.CAMUNDA_8:
        field["feel"] = "required" if structured else "optional"
        field["type"] = FIELD_TYPES.get(json_types(description, schema), field["type"])
        if required or field["type"] in ("Text", "String"):
            field["value"] = f"={name}" if required else ""
    else:
        field["value"] = f"${{{name}}}" if required else ""
    if required:
        field["constraints"] = {"notEmpty": True}
    elif dialect is Dialect.CAMUNDA_8 and not choices:
        field["optional"] = True
    return field


def _choices(description: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Any]:
    if "$ref" in description:
        return _choices(schema.get("$defs", {}).get(description["$ref"].rsplit("/", 1)[-1], {}), schema)
    choices = description.get("enum", [])
    return list(choices) if all(isinstance(choice, str) for choice in choices) else []


def _help(description: Mapping[str, Any], required: bool) -> str:
    words = str(description.get("description", "")).strip()
    default = description.get("default")
    if not required:
        hint = "Optional." if default is None else f"Optional; {json.dumps(default, ensure_ascii=False)} if left empty."
        words = f"{words} {hint}".strip()
    return words


def _description(contract: ServiceContract) -> str:
    parts = [contract.description.split("\n\n", 1)[0].strip()]
    outputs = contract.output_schema().get("properties", {})
    if outputs:
        parts.append(f"Gives {', '.join(outputs)}.")
    if contract.policy.errors:
        parts.append("Errors: " + "; ".join(f"{code} ({text})" for code, text in contract.policy.errors.items()))
    if contract.policy.compensated_by:
        parts.append(f"Undone by {contract.policy.compensated_by}.")
    return " ".join(part for part in parts if part)


def _version(version: str) -> int:
    # The Modeler wants whole numbers that grow.
    numbers = [int(part) for part in re.findall(r"\d+", version)][:3]
    return sum(number * 1000 ** place for place, number in enumerate(reversed(numbers))) if numbers else 1


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)
