"""What answers say of definitions beside the thing itself; each is looked up once per request."""

from __future__ import annotations

from flask import g

from bpmn.model import Element
from engine.programs import Definition
from engine.queries import definitions
from web.camunda7 import formats
from web.camunda7.blueprint import engine


def definition(key: int) -> Definition:
    """A process definition as the engine runs it. Raises NotFound."""
    seen: dict[int, Definition] = g.setdefault("definitions_seen", {})
    if key not in seen:
        seen[key] = definitions.prepared(engine(), key)
    return seen[key]


def definition_id(key: int) -> str:
    """The id of a process definition. Raises NotFound."""
    found = definition(key)
    return formats.definition_id(found.process_id, found.version, key)


def element(definition_key: int, element_id: str) -> Element | None:
    """An element of a process; None if it has none with this id. Raises NotFound."""
    return definition(definition_key).process.elements.get(element_id)
