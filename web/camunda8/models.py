"""What a diagram says of an element: its name, its headers."""

from __future__ import annotations

from flask import g

from bpmn.model import Element, Process
from engine.queries import definitions
from web.camunda8.blueprint import engine


def element_of(definition_key: int, element_id: str) -> Element | None:
    """An element of a definition; None for one that is none of its own (a process). Asked once for each request."""
    known: dict[int, Process] = g.setdefault("models", {})
    if definition_key not in known:
        known[definition_key] = definitions.process(engine(), definition_key)
    return known[definition_key].elements.get(element_id)
