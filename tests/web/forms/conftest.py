"""Processes with forms, on the pages of the console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import definitions
from engine.definitions import Resource
from tests.engine import drawing

AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def start_form(engine):
    """Deploys a process whose start asks for these components; gives the address of its page."""
    def deploy(components, **more):
        form = {"id": "asked", "type": "default", "schemaVersion": 19, "components": components, **more}
        begin = ('<bpmn:startEvent id="start"><bpmn:extensionElements><zeebe:formDefinition formId="asked"/>'
                 "</bpmn:extensionElements></bpmn:startEvent>")
        drawn = drawing.file(drawing.process("P", begin, drawing.user("T"), drawing.end()), name="p.bpmn")
        engine.execute(definitions.deploy, [
            drawn, Resource(name="asked.form", content=json.dumps(form).encode())])
        return "/processes/P"
    return deploy


@pytest.fixture
def axe():
    """What axe finds wrong with a page for people who see or hear it differently."""
    def look(page):
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
        return [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found["violations"]]
    return look
