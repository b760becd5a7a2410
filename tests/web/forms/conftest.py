"""Processes with forms, on the pages of the console."""

from __future__ import annotations

import json

import pytest

from engine import definitions
from engine.definitions import Resource
from tests.engine import drawing


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
