"""What a diagram says about forms, in both dialects."""

from __future__ import annotations

from bpmn.expressions import Feel, Juel, Literal
from bpmn.forms.definition import FormDefinition, GeneratedField
from tests.bpmn.diagrams import (
    CAMUNDA_7,
    CAMUNDA_8,
    around,
    diagram,
    el,
    element,
    end,
    errors,
    ext,
    flows,
    model_of,
    start,
    task,
    text,
    warnings,
)


def form_data(*fields: str, **attributes: str) -> str:
    return ext(el("camunda:formData", *fields, **attributes))


def test_start_event_of_camunda_8_names_its_form():
    named = start("Start", ext(el("zeebe:formDefinition", formId="=which", bindingType="deployment")))
    found = element(diagram(named, end(), flows("Start > End"), platform=CAMUNDA_8), "Start")
    assert found.start_form == FormDefinition(id=Feel("which"), binding="deployment")


def test_start_event_of_camunda_7_names_its_form():
    named = start("Start", camunda__formRef="order", camunda__formRefBinding="version", camunda__formRefVersion="3")
    found = element(diagram(named, end(), flows("Start > End"), platform=CAMUNDA_7), "Start")
    assert found.start_form == FormDefinition(id=Literal("order"), binding="version", version=Literal("3"))


def test_start_event_without_a_form_has_none():
    assert element(diagram(start(), end(), flows("Start > End")), "Start").start_form is None


def test_form_in_the_diagram_is_kept():
    holder = ext(text("zeebe:userTaskForm", '{"components": []}', id="userTaskForm_1"))
    process = model_of(diagram(holder, start(), end(), flows("Start > End"), platform=CAMUNDA_8)).processes[0]
    assert process.forms == {"userTaskForm_1": '{"components": []}'}


def test_generated_fields_are_read_with_their_rules():
    fields = form_data(
        el("camunda:formField",
           el("camunda:validation", el("camunda:constraint", name="min", config="1"),
              el("camunda:constraint", name="required"), el("camunda:constraint", name="readonly", config="false")),
           el("camunda:properties", el("camunda:property", id="help", value="as many as fit")),
           id="amount", type="long", label="How many?", defaultValue="${count}"),
        el("camunda:formField", el("camunda:value", id="s", name="Small"), el("camunda:value", id="l"), id="size",
           type="enum", datePattern="yyyy"),
        businessKey="amount")
    found = element(around(task("A", fields, tag="userTask"), platform=CAMUNDA_7)).user_task
    assert found is not None
    assert found.form == FormDefinition(business_id_field="amount", fields=(
        GeneratedField(id="amount", type="long", label=Literal("How many?"), default=Juel("${count}"),
                       constraints={"min": "1", "required": ""}, properties={"help": "as many as fit"}),
        GeneratedField(id="size", type="enum", values={"s": "Small", "l": "l"}, date_pattern="yyyy"),
    ))


def test_generated_field_without_id_or_with_one_twice_is_refused():
    fields = form_data(el("camunda:formField"), el("camunda:formField", id="a"), el("camunda:formField", id="a"))
    found = errors(around(task("A", fields, tag="userTask"), platform=CAMUNDA_7))["A"]
    assert "an id, but one has none" in found
    assert "once, but there are two with the id 'a'" in found


def test_constraint_that_is_no_number_is_refused():
    for config in ("many", "", "NaN", "inf"):
        fields = form_data(el("camunda:formField", el("camunda:validation", el(
            "camunda:constraint", name="max", config=config)), id="a"))
        found = errors(around(task("A", fields, tag="userTask"), platform=CAMUNDA_7))["A"]
        assert "'max' of form field 'a' to be a number" in found


def test_constraint_of_a_java_class_is_doubted():
    fields = form_data(el("camunda:formField", el("camunda:validation", el(
        "camunda:constraint", name="validator", config="com.example.Check")), id="a"))
    found = warnings(around(task("A", fields, tag="userTask"), platform=CAMUNDA_7))["A"]
    assert "'validator' does. It is not checked." in found
