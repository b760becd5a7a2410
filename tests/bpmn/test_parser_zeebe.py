"""What the extension elements of Camunda 8 are read into."""

from __future__ import annotations

import pytest

from bpmn.expressions import Feel, Literal
from bpmn.forms.definition import FormDefinition
from bpmn.model import CalledProcess, JobDefinition, Listener, ScriptDefinition, UserTaskDefinition, VariableMapping
from tests.bpmn.diagrams import CAMUNDA_7, CAMUNDA_8, around, el, element, errors, ext, sub, task, text


def around_8(activity: str) -> bytes:
    return around(activity, platform=CAMUNDA_8)


@pytest.mark.parametrize("tag", ["serviceTask", "sendTask", "businessRuleTask", "scriptTask"])
def test_task_definition_is_a_job_with_retries_headers_and_priority(tag):
    # given
    extensions = ext(
        el("zeebe:taskDefinition", type="charge", retries="=tries"),
        el("zeebe:taskHeaders", el("zeebe:header", key="currency", value="EUR"), el("zeebe:header", key="empty")),
        el("zeebe:jobPriorityDefinition", priority="7"),
    )

    # when
    job = element(around_8(task("A", extensions, tag=tag))).job

    # then
    assert job == JobDefinition(
        type=Literal("charge"), retries=Feel("tries"), headers={"currency": "EUR", "empty": ""}, priority=Literal("7")
    )


def test_input_and_output_mappings_keep_their_order():
    # given
    mappings = el(
        "zeebe:ioMapping",
        el("zeebe:input", source="=order.id", target="orderId"),
        el("zeebe:input", source="EUR", target="currency"),
        el("zeebe:output", source="=ok", target="result.ok"),
    )

    # when
    found = element(around_8(task("A", ext(mappings), tag="userTask")))

    # then
    assert found.inputs == (
        VariableMapping(source=Feel("order.id"), target="orderId"),
        VariableMapping(source=Literal("EUR"), target="currency"),
    )
    assert found.outputs == (VariableMapping(source=Feel("ok"), target="result.ok"),)


@pytest.mark.parametrize(("attributes", "message"), [
    ({"source": "=x"}, "Expected each input mapping to have a target variable, but one has none."),
    ({"target": "x"}, "Expected the input mapping of 'x' to have a source, but it has none."),
])
def test_half_a_mapping_is_refused(attributes, message):
    content = around_8(task("A", ext(el("zeebe:ioMapping", el("zeebe:input", **attributes)))))
    assert errors(content) == {"A": message}


def test_script_is_feel_into_a_variable():
    script = ext(el("zeebe:script", expression="=a + b", resultVariable="c"))
    found = element(around_8(task("A", script, tag="scriptTask")))
    assert found.script == ScriptDefinition(expression=Feel("a + b"), result_variable="c")


def test_script_without_expression_and_variable_is_refused():
    assert errors(around_8(task("A", ext(el("zeebe:script")), tag="scriptTask"))) == {
        "A": "Expected the script to have a FEEL expression, but it has none.\n"
             "Expected the script to have a result variable, but it has none."
    }


def test_user_task_says_who_when_and_how():
    # given
    extensions = ext(
        el("zeebe:userTask"),
        el("zeebe:assignmentDefinition", assignee="=boss", candidateUsers="ann, bob", candidateGroups="=groups"),
        el("zeebe:taskSchedule", dueDate="=due", followUpDate="2030-01-01T00:00:00Z"),
        el("zeebe:priorityDefinition", priority="80"),
        el("zeebe:formDefinition", formId="approve", bindingType="versionTag", versionTag="v1"),
        el("zeebe:taskHeaders", el("zeebe:header", key="room", value="4")),
    )

    # when
    found = element(around_8(task("A", extensions, tag="userTask"))).user_task

    # then
    assert found == UserTaskDefinition(
        assignee=Feel("boss"), candidate_users=Literal("ann, bob"), candidate_groups=Feel("groups"),
        due_date=Feel("due"), follow_up_date=Literal("2030-01-01T00:00:00Z"), priority=Literal("80"),
        form=FormDefinition(id=Literal("approve"), binding="versionTag", version=Literal("v1")), headers={"room": "4"},
    )


@pytest.mark.parametrize("attribute", ["formKey", "externalReference"])
def test_form_outside_is_known_by_its_key(attribute):
    found = element(around_8(task("A", ext(el("zeebe:formDefinition", **{attribute: "forms/a"})), tag="userTask")))
    assert found.user_task is not None
    assert found.user_task.form == FormDefinition(key=Literal("forms/a"))


def test_called_process_hands_over_every_variable_unless_told_otherwise():
    called = ext(el("zeebe:calledElement", processId="=next"))
    assert element(around_8(task("A", called, tag="callActivity"))).called_process == CalledProcess(
        process_id=Feel("next")
    )


def test_called_process_with_binding_and_restricted_variables():
    # given
    called = el(
        "zeebe:calledElement", processId="Ship", bindingType="versionTag", versionTag="v2",
        propagateAllParentVariables="false", propagateAllChildVariables="false",
    )

    # then
    assert element(around_8(task("A", ext(called), tag="callActivity"))).called_process == CalledProcess(
        process_id=Literal("Ship"), binding="versionTag", version=Literal("v2"), all_in=False, all_out=False
    )


def test_called_decision_has_a_result_variable():
    called = ext(el("zeebe:calledDecision", decisionId="risk", resultVariable="level", bindingType="deployment"))
    decision = element(around_8(task("A", called, tag="businessRuleTask"))).called_decision
    assert decision is not None
    assert (decision.decision_id, decision.result_variable) == (Literal("risk"), "level")
    assert decision.binding == "deployment"


def test_called_decision_without_id_and_result_variable_is_refused():
    assert errors(around_8(task("A", ext(el("zeebe:calledDecision")), tag="businessRuleTask"))) == {
        "A": "Expected the id of a decision (decisionId), but there is none.\n"
             "Expected the decision to have a result variable (resultVariable), but it has none."
    }


def test_multi_instance_reads_collection_and_results():
    # given
    loop = el(
        "multiInstanceLoopCharacteristics",
        ext(el("zeebe:loopCharacteristics", inputCollection="=items", inputElement="item", outputCollection="sums",
               outputElement="=sum")),
        text("completionCondition", "=enough"),
        isSequential="true",
    )

    # when
    found = element(around_8(task("A", loop))).loop

    # then
    assert found is not None
    assert (found.multi_instance, found.sequential) == (True, True)
    assert (found.collection, found.element_variable) == (Feel("items"), "item")
    assert (found.output_collection, found.output_element) == ("sums", Feel("sum"))
    assert found.completion_condition == Feel("enough")


def test_listeners_of_execution_and_task_are_jobs():
    # given
    extensions = ext(
        el("zeebe:executionListeners", el("zeebe:executionListener", eventType="start", type="log", retries="5")),
        el("zeebe:taskListeners", el("zeebe:taskListener", eventType="completing", type="check")),
    )

    # then
    assert element(around_8(task("A", extensions, tag="userTask"))).listeners == (
        Listener(event="start", job=JobDefinition(type=Literal("log"), retries=Literal("5"))),
        Listener(event="completing", job=JobDefinition(type=Literal("check"))),
    )


def test_listener_without_type_is_refused():
    content = around_8(task("A", ext(el("zeebe:executionListeners", el("zeebe:executionListener", eventType="end")))))
    assert errors(content) == {"A": "Expected each listener to have an event and a job type, but one lacks them."}


def test_properties_and_template_are_kept():
    # given
    properties = ext(el("zeebe:properties", el("zeebe:property", name="team", value="pay")))

    # when
    found = element(around_8(task("A", properties, zeebe__modelerTemplate="shop.Charge")))

    # then
    assert found.properties == {"team": "pay", "modelerTemplate": "shop.Charge"}


def test_ad_hoc_sub_process_names_its_active_elements():
    # given
    content = around_8(sub(
        "A", ext(el("zeebe:adHoc", activeElementsCollection='=["T"]')), task("T"), text("completionCondition", "=done"),
        tag="adHocSubProcess", cancelRemainingInstances="false",
    ))

    # when
    found = element(content)

    # then
    assert found.active_elements == Feel('["T"]')
    assert found.completion_condition == Feel("done")
    assert not found.cancel_remaining


def test_camunda_7_extensions_mean_nothing_in_a_camunda_8_file():
    found = element(around_8(task("A", tag="userTask", camunda__assignee="kermit")))
    assert found.user_task == UserTaskDefinition(job_based=True)


def test_camunda_8_extensions_mean_nothing_in_a_camunda_7_file():
    content = around(task("A", ext(el("zeebe:taskDefinition", type="x")), tag="serviceTask"), platform=CAMUNDA_7)
    assert list(errors(content)) == ["A"]


def test_broken_expression_is_said_on_its_element():
    content = around_8(task("A", ext(el("zeebe:taskDefinition", type="=1 +")), tag="serviceTask"))
    assert errors(content)["A"].startswith("Expected the job type to be a valid expression, but '=1 +' is not: ")
