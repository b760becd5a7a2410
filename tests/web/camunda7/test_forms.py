"""Forms as Camunda 7's clients ask for them and submit them."""

from __future__ import annotations

import json

import pytest

from tests.web.camunda7 import drawing

FIELDS = (
    '<bpmn:extensionElements><camunda:formData businessKey="ref">'
    '<camunda:formField id="ref" type="string" label="Reference"><camunda:validation>'
    '<camunda:constraint name="required"/><camunda:constraint name="minlength" config="3"/></camunda:validation>'
    '</camunda:formField>'
    '<camunda:formField id="amount" type="long" label="&lt;b&gt;How many" defaultValue="2"><camunda:validation>'
    '<camunda:constraint name="min" config="1"/><camunda:constraint name="max" config="9"/></camunda:validation>'
    '</camunda:formField>'
    '<camunda:formField id="size" type="enum"><camunda:value id="s" name="Small"/><camunda:value id="l" name="Large"/>'
    '</camunda:formField>'
    '<camunda:formField id="fixed" type="string"><camunda:validation><camunda:constraint name="readonly"/>'
    '</camunda:validation></camunda:formField>'
    "</camunda:formData></bpmn:extensionElements>"
)
FORM = {"id": "order", "type": "default", "schemaVersion": 16, "components": [
    {"type": "textfield", "id": "f", "key": "name", "label": "Name", "validate": {"required": True}}]}


def with_form(attributes="", inner="", start=""):
    drawn = drawing.process("P", f'<bpmn:userTask id="T" {attributes}>{inner}</bpmn:userTask>')
    if start:
        drawn = drawn.replace('<bpmn:startEvent id="start"></bpmn:startEvent>',
                              f'<bpmn:startEvent id="start">{start}</bpmn:startEvent>')
        assert start in drawn
    return drawing.file(drawn)


@pytest.fixture
def task(api):
    """Deploys a task with a form and brings an instance to it; gives the task's id."""
    def make(attributes="", inner="", variables=None):
        api.upload({"p.bpmn": with_form(attributes, inner), "order.form": json.dumps(FORM).encode()})
        api.start("P", variables)
        [found] = api.get("/task")
        return found["id"]
    return make


def test_a_camunda_form_is_named_and_read(api, task):
    id = task('camunda:formRef="order" camunda:formRefBinding="latest"')
    reference = {"key": "order", "binding": "latest", "version": None}
    assert api.get(f"/task/{id}/form") == {"key": None, "camundaFormRef": reference, "contextPath": None}
    assert api.get(f"/task/{id}")["camundaFormRef"] == reference
    assert api.get(f"/task/{id}/deployed-form") == FORM


@pytest.mark.parametrize(("attributes", "status"), [
    ("", 400), ('camunda:formRef="gone" camunda:formRefBinding="latest"', 404), ('camunda:formKey="embedded:a"', 404)])
def test_a_form_that_is_not_there_is_refused(api, task, attributes, status):
    api.get(f"/task/{task(attributes)}/deployed-form", status)


def test_what_does_not_keep_the_rules_of_a_form_is_refused(api, task):
    id = task('camunda:formRef="order" camunda:formRefBinding="latest"')
    said = api.post(f"/task/{id}/submit-form", {"variables": {"name": {"value": ""}}}, 400)
    assert "Name: Field is required." in said["message"]
    api.post(f"/task/{id}/submit-form", {"variables": {"name": {"value": "Anna"}, "more": {"value": 1}}}, 204)
    assert api.get("/task") == []


def test_a_generated_form_is_rendered(api, task):
    id = task(inner=FIELDS, variables={"size": "l"})
    assert api.get(f"/task/{id}/form")["key"] == f"embedded:engine://engine/:engine/task/{id}/rendered-form"
    response = api.client.get(f"/engine-rest/task/{id}/rendered-form")
    assert response.content_type.startswith("application/xhtml+xml")
    assert "&lt;b&gt;How many" in response.text
    assert '<option value="l" selected="selected">Large</option>' in response.text
    assert 'cam-variable-name="amount" cam-variable-type="Long" type="text" value="2"' in response.text


@pytest.mark.parametrize(("given", "said"), [
    ({}, "Reference: Field is required."), ({"ref": "ab"}, "minimum length of 3"),
    ({"ref": "abc", "amount": 10}, "maximum value of 9"), ({"ref": "abc", "fixed": "x"}, "readonly"),
])
def test_what_does_not_keep_the_rules_of_a_generated_form_is_refused(api, task, given, said):
    id = task(inner=FIELDS)
    typed = {name: {"value": value} for name, value in given.items()}
    assert said in api.post(f"/task/{id}/submit-form", {"variables": typed}, 400)["message"]
    assert len(api.get("/task")) == 1


def test_a_start_asks_with_its_form(api):
    api.upload({"p.bpmn": with_form(start=FIELDS)})
    sign = api.get("/process-definition")[0]["id"]
    assert api.get("/process-definition/key/P/startForm")["key"] == \
        f"embedded:engine://engine/:engine/process-definition/{sign.rpartition(':')[2]}/rendered-form"
    found = api.get(f"/process-definition/{sign}/form-variables?variableNames=amount")
    assert found == {"amount": {"type": "Integer", "value": 2, "valueInfo": {}}}
    api.post("/process-definition/key/P/submit-form", {"variables": {"ref": {"value": "x"}}}, 400)
    made = api.post("/process-definition/key/P/submit-form", {"variables": {"ref": {"value": "R-1"}}})
    assert made["businessKey"] == "R-1"
    assert api.variables(made["id"])["amount"] == ("Integer", 2)


def test_a_start_with_a_camunda_form_gives_it(api):
    start = "<bpmn:outgoing>x</bpmn:outgoing>"
    content = with_form(start=start).replace(b'<bpmn:startEvent id="start">', (
        b'<bpmn:startEvent id="start" camunda:formRef="order" camunda:formRefBinding="deployment">')).replace(
        start.encode(), b"")
    api.upload({"p.bpmn": content, "order.form": json.dumps(FORM).encode()})
    assert api.get("/process-definition/key/P/deployed-start-form") == FORM
    api.post("/process-definition/key/P/submit-form", {"variables": {}}, 400)


def test_a_form_that_is_broken_refuses_the_upload(api):
    said = api.upload({"p.bpmn": with_form(), "order.form": b"{"}, status=400)
    assert said["details"]["order.form"]["errors"]


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("amount", "x", "a whole number"), ("amount", 1.5, "a whole number"), ("amount", True, "a whole number"),
    ("size", "m", "one of 's', 'l'"), ("size", ["s"], "one of 's', 'l'")])
def test_a_value_that_cannot_be_that_of_a_generated_field_is_refused(api, task, field, value, sentence):
    id = task(inner=FIELDS)
    given = {"ref": {"value": "abc"}, field: {"value": value}}
    answer = api.send("POST", f"/task/{id}/submit-form", {"variables": given}, 400)
    assert sentence in answer["message"]
    assert [row["id"] for row in api.get("/task")] == [id]
