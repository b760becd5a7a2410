"""Forms as Camunda 8's clients deploy and read them."""

from __future__ import annotations

import json

import pytest

from tests.engine import drawing

FORM = {"id": "order", "type": "default", "schemaVersion": 16, "components": []}
NAMED = ('<bpmn:extensionElements><zeebe:userTask/><zeebe:formDefinition {}/></bpmn:extensionElements>')


def process(attributes):
    user = f'<bpmn:userTask id="T">{NAMED.format(attributes)}</bpmn:userTask>'
    begin = f'<bpmn:startEvent id="start">{NAMED.format(attributes)}</bpmn:startEvent>'
    return drawing.file(drawing.process("P", begin, user, drawing.end())).content


@pytest.fixture
def deployed(api):
    return api.upload(("p.bpmn", process('formId="order"')), ("order.form", json.dumps(FORM).encode()))


def test_a_form_is_listed_with_its_deployment(deployed):
    [form] = [each["form"] for each in deployed["deployments"] if each["form"]]
    assert form == {"formId": "order", "version": 1, "resourceName": "order.form", "tenantId": "<default>",
                    "formKey": form["formKey"]}
    assert form["formKey"].isdigit()


def test_the_form_of_a_task_and_of_a_start_is_read(api, deployed):
    [form] = [each["form"] for each in deployed["deployments"] if each["form"]]
    [made] = [each["processDefinition"] for each in deployed["deployments"] if each["processDefinition"]]
    api.post("/process-instances", {"processDefinitionId": "P"})
    [task] = api.post("/user-tasks/search", {})["items"]
    assert task["formKey"] == form["formKey"]
    assert task["externalFormReference"] is None
    expected = {"tenantId": "<default>", "formId": "order", "version": 1, "formKey": form["formKey"]}
    for path in (f"/user-tasks/{task['userTaskKey']}/form",
                 f"/process-definitions/{made['processDefinitionKey']}/form"):
        found = api.get(path)
        assert json.loads(found.pop("schema")) == FORM
        assert found == expected
    assert api.get(f"/process-definitions/{made['processDefinitionKey']}")["hasStartForm"] is True


def test_a_form_elsewhere_is_a_reference(api):
    api.upload(("p.bpmn", process('externalReference="https://forms.example.com/1"')))
    api.post("/process-instances", {"processDefinitionId": "P"})
    [task] = api.post("/user-tasks/search", {})["items"]
    assert (task["formKey"], task["externalFormReference"]) == (None, "https://forms.example.com/1")
    api.get(f"/user-tasks/{task['userTaskKey']}/form", 204)


def test_a_broken_form_refuses_the_upload(api):
    said = api.upload(("p.bpmn", process('formId="order"')), ("order.form", b"{"), status=400)
    assert "order.form" in said["detail"]
