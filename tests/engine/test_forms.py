"""Forms: deployed with diagrams, versioned with them, and bound as the diagram asks."""

from __future__ import annotations

import json

import pytest

from engine import definitions
from engine.errors import DeploymentRefused
from engine.queries import forms, lists
from engine.tasks import user_tasks
from tests.engine import drawing


def form(*components, id="order", name="order.form", **more):
    written = {"id": id, "schemaVersion": 16, "type": "default", "components": list(components), **more}
    return definitions.Resource(name=name, content=json.dumps(written).encode())


def field(key="name", **more):
    return {"type": "textfield", "id": f"Field_{key}", "key": key, "label": key.capitalize(), **more}


def task(**attributes):
    named = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return drawing.process("P", drawing.start(), (
        '<bpmn:userTask id="T"><bpmn:extensionElements><zeebe:userTask/>'
        f"<zeebe:formDefinition {named}/></bpmn:extensionElements></bpmn:userTask>"), drawing.end())


def task7(attributes):
    drawn = drawing.process("P", drawing.start(), f'<bpmn:userTask id="T" {attributes}/>', drawing.end())
    return drawing.file7(drawn, name="p.bpmn")


def process(**attributes):
    return drawing.file(task(**attributes), name="p.bpmn")


@pytest.fixture
def deploy(engine):
    return lambda *files: engine.execute(definitions.deploy, list(files))


def bound(engine):
    [row] = lists.user_tasks(engine).items
    found = forms.of_task(engine, row)
    return None if found.form is None else [each.path[0] for each in found.form.components]


def test_the_same_form_makes_no_new_version_and_another_one_does(deploy):
    first, again, other = deploy(form(field())), deploy(form(field())), deploy(form(field("other")))
    assert [(each.forms[0].version, each.forms[0].created) for each in (first, again, other)] == [
        (1, True), (1, False), (2, True)]
    assert again.key == first.key
    assert again.forms[0].key == first.forms[0].key


def test_files_of_one_upload_are_versioned_together(deploy):
    deploy(process(formId="order"), form(field()))

    # when only the form changes
    made = deploy(process(formId="order"), form(field("other")))

    # then the process has a new version too, and both stay when nothing changes
    assert (made.definitions[0].version, made.forms[0].version) == (2, 2)
    again = deploy(process(formId="order"), form(field("other")))
    assert not again.definitions[0].created
    assert not again.forms[0].created
    assert again.key == made.key


def test_a_changed_form_is_what_a_process_bound_to_its_deployment_shows(engine, deploy, steps, clock):
    deploy(process(formId="order", bindingType="deployment"), form(field("first")))
    clock.advance(seconds=1)
    deploy(process(formId="order", bindingType="deployment"), form(field("second")))
    steps.start("P")
    assert bound(engine) == ["second"]


@pytest.mark.parametrize("content", [
    b"", b"[]", b"{", b'{"components": []}', b'{"id": "", "components": []}', b'{"id": 7, "components": []}',
    b'{"id": "a"}', b'{"id": "a", "components": {}}', b'{"id": "a", "components": [1]}', b"\xff\xfe", b"[" * 100_000,
    b'{"id": "a", "components": [{}]}', b'{"id": "a", "components": [], "schemaVersion": "x"}', b'{"id": NaN}',
    b'{"id": "a", "components": [], "versionTag": 3}',
])
def test_what_is_no_form_refuses_everything_with_it(engine, deploy, content):
    with pytest.raises(DeploymentRefused) as refusal:
        deploy(definitions.Resource(name="bad.form", content=content), process(formId="a"), form(field()))
    assert any("Expected" in problem.message and problem.resource_name == "bad.form"
               for problem in refusal.value.problems)
    assert forms.versions(engine, "order") == ()


def test_one_form_in_two_files_is_refused(deploy):
    with pytest.raises(DeploymentRefused, match=r"once, but 'order' is in order\.form as well"):
        deploy(form(field()), form(field("other"), name="b.form"))


def test_two_forms_of_one_upload_with_one_name_of_a_value_are_no_matter(deploy):
    assert len(deploy(form(field()), form(field(), id="b", name="b.form")).forms) == 2


@pytest.mark.parametrize(("attributes", "expected"), [
    ({"formId": "order"}, "third"), ({"formId": "order", "bindingType": "latest"}, "third"),
    ({"formId": "order", "bindingType": "deployment"}, "first"),
    ({"formId": "order", "bindingType": "versionTag", "versionTag": "v2"}, "second"),
    ({"formId": "=which", "bindingType": "versionTag", "versionTag": "=tag"}, "second"),
])
def test_a_binding_says_which_version_of_a_form_is_shown(engine, deploy, steps, clock, attributes, expected):
    deploy(process(**attributes), form(field("first")))
    clock.advance(seconds=1)
    deploy(form(field("second"), versionTag="v2"))
    clock.advance(seconds=1)
    deploy(form(field("third")))
    steps.start("P", {"which": "order", "tag": "v2"})
    assert bound(engine) == [expected]


@pytest.mark.parametrize(("version", "expected"), [("2", ["second"]), ("${wanted}", ["first"]), ("9", None)])
def test_camunda_7_binds_a_form_by_its_number(engine, deploy, steps, version, expected):
    deploy(form(field("first")))
    deploy(form(field("second")))
    deploy(task7(f'camunda:formRef="order" camunda:formRefBinding="version" camunda:formRefVersion="{version}"'))
    steps.start("P", {"wanted": 1})
    assert bound(engine) == expected


def test_a_task_stays_with_the_form_it_was_created_with(engine, deploy, steps):
    deploy(process(formId="order"), form(field("first")))
    steps.start("P")
    deploy(form(field("second")))
    assert bound(engine) == ["first"]


def test_a_form_that_came_after_its_task_is_shown_too(engine, deploy, steps):
    made = deploy(process(formId="order"))
    [problem] = [problem for problem in made.problems if problem.element_id == "T"]
    assert problem.severity == "warning"
    assert "'order' to be deployed, but it is not" in problem.message
    steps.start("P")
    [row] = lists.user_tasks(engine).items
    assert "Expected the form 'order' to be deployed, but it is not." in forms.of_task(engine, row).missing
    deploy(form(field("late")))
    assert bound(engine) == ["late"]


def test_a_form_bound_to_its_deployment_has_to_be_in_it(deploy):
    deploy(form(field()))
    with pytest.raises(DeploymentRefused, match="to be deployed with the diagram"):
        deploy(process(formId="order", bindingType="deployment"))


def embedded(content):
    holder = f'<bpmn:extensionElements><zeebe:userTaskForm id="userTaskForm_1">{content}</zeebe:userTaskForm>' \
             "</bpmn:extensionElements>"
    drawn = task(formKey="camunda-forms:bpmn:userTaskForm_1").replace(
        '<bpmn:startEvent', holder + "<bpmn:startEvent", 1)
    return drawing.file(drawn, name="p.bpmn")


def test_a_form_in_the_diagram_is_shown(engine, deploy, steps):
    deploy(embedded(json.dumps({"components": [field("inside")]})))
    steps.start("P")
    assert bound(engine) == ["inside"]


def test_a_form_in_the_diagram_that_cannot_be_read_is_refused(deploy):
    with pytest.raises(DeploymentRefused, match="form as JSON"):
        deploy(embedded("{"))


def test_a_form_by_its_file_is_that_of_the_deployment(engine, deploy, steps, clock):
    deploy(task7('camunda:formKey="camunda-forms:deployment:order.form"'), form(field("first")))
    clock.advance(seconds=1)
    deploy(form(field("second")))
    steps.start("P")
    assert bound(engine) == ["first"]


@pytest.mark.parametrize(("key", "sentence"), [
    ("embedded:deployment:form.html", "HTML"), ("camunda-forms:app:order.form", "application"),
    ("camunda-forms:bpmn:gone", "in the diagram"), ("camunda-forms:deployment:gone.form", "gone.form"),
    ("javascript:alert(1)", "address"),
])
def test_a_form_that_cannot_be_shown_is_told_in_a_sentence(engine, deploy, steps, key, sentence):
    deploy(process(formKey=key))
    steps.start("P")
    [row] = lists.user_tasks(engine).items
    found = forms.of_task(engine, row)
    assert found.form is None
    assert found.missing.startswith("Expected")
    assert sentence in found.missing


def test_a_form_elsewhere_is_linked(engine, deploy, steps):
    deploy(process(externalReference="https://forms.example.com/7"))
    steps.start("P")
    [row] = lists.user_tasks(engine).items
    assert forms.of_task(engine, row).address == "https://forms.example.com/7"


def test_starts_have_forms_too(engine, deploy):
    drawn = task(formId="order").replace(
        drawing.start(), '<bpmn:startEvent id="start"><bpmn:extensionElements><zeebe:formDefinition formId="order"/>'
                         "</bpmn:extensionElements></bpmn:startEvent>")
    made = deploy(drawing.file(drawn, name="p.bpmn"), form(field("asked")))
    found = forms.of_start(engine, made.definitions[0].key)
    assert [each.path for each in found.form.components] == [("asked",)]


def test_deploying_forms_is_one_line_of_the_audit_trail(engine, deploy):
    deploy(form(field()))
    assert [(row.operation, row.details) for row in lists.audit(engine).items] == [
        ("DEPLOY", {"resources": ["order.form"]})]


def test_a_task_without_a_form_costs_no_question(engine, deploy, steps):
    deploy(drawing.file(drawing.process("P", drawing.start(), drawing.user("T"), drawing.end())))
    steps.start("P")
    [row] = lists.user_tasks(engine).items
    assert row.bound_form is None
    assert forms.of_task(engine, row) == forms.FormOf()
    engine.execute(user_tasks.complete, row.key)
