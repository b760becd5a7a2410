"""What the attributes and extension elements of Camunda 7 are read into."""

from __future__ import annotations

import pytest

from bpmn.expressions import Juel, Literal
from bpmn.forms.definition import FormDefinition
from bpmn.model import JobDefinition, Listener, ScriptDefinition, UserTaskDefinition, VariableMapping
from tests.bpmn.diagrams import (
    CAMUNDA_7,
    around,
    definition,
    el,
    element,
    errors,
    ext,
    message,
    task,
    text,
    throw,
    warnings,
)


def around_7(activity: str, **more: str) -> bytes:
    return around(activity, platform=CAMUNDA_7, **more)


def job_of(activity: str) -> JobDefinition:
    job = element(around_7(activity)).job
    assert job is not None
    return job


def value_of(content: str, scope: dict[str, object]) -> object:
    """The value of an input parameter with this content."""
    parameter = el("camunda:inputOutput", el("camunda:inputParameter", content, name="x"))
    (mapping,) = element(around_7(task("A", ext(parameter), tag="userTask"))).inputs
    assert mapping.target == "x"
    assert mapping.source.function(scope) == mapping.source.evaluate(scope)
    return mapping.source.evaluate(scope)


@pytest.mark.parametrize("tag", ["serviceTask", "sendTask", "businessRuleTask"])
def test_external_task_is_a_job_of_its_topic(tag):
    job = job_of(task("A", tag=tag, camunda__type="external", camunda__topic="${t}", camunda__taskPriority="9"))
    assert (job.type, job.priority) == (Juel("${t}"), Literal("9"))


@pytest.mark.parametrize(("attribute", "written", "name"), [
    ("class", "com.example.Charge", "com.example.Charge"),
    ("delegateExpression", "${billing}", "billing"),
    ("delegateExpression", "#{ billing }", "billing"),
    ("expression", "${billing.charge(execution, 'x')}", "billing.charge"),
    ("expression", "${billing}", "billing"),
])
def test_code_becomes_the_name_of_a_job(attribute, written, name):
    assert job_of(task("A", tag="serviceTask", **{f"camunda__{attribute}": written})).type == Literal(name)


def test_expression_that_computes_is_a_script():
    found = element(around_7(task("A", tag="serviceTask", camunda__expression="${a + 1}", camunda__resultVariable="b")))
    assert found.job is None
    assert found.script == ScriptDefinition(expression=Juel("${a + 1}"), result_variable="b")


def test_external_task_without_topic_is_refused():
    assert errors(around_7(task("A", tag="serviceTask", camunda__type="external"))) == {
        "A": "Expected the external task to have a topic (camunda:topic), but it has none."
    }


def test_connector_is_a_job_with_its_own_parameters():
    # given
    connector = el(
        "camunda:connector",
        el("camunda:inputOutput", text("camunda:inputParameter", "GET", name="method")),
        text("camunda:connectorId", "http-connector"),
    )

    # when
    found = element(around_7(task("A", ext(connector), tag="serviceTask")))

    # then
    assert found.job == JobDefinition(type=Literal("http-connector"))
    assert found.inputs == (VariableMapping(source=Literal("GET"), target="method"),)


def test_injected_fields_are_headers_or_inputs():
    # given
    fields = ext(
        el("camunda:field", name="fixed", stringValue="1"),
        el("camunda:field", text("camunda:expression", "${x}"), name="computed"),
    )

    # when
    found = element(around_7(task("A", fields, tag="serviceTask", camunda__class="c.D")))

    # then
    assert found.job is not None
    assert found.job.headers == {"fixed": "1"}
    assert found.inputs == (
        VariableMapping(source=Literal("1"), target="fixed"),
        VariableMapping(source=Juel("${x}"), target="computed"),
    )


def test_retry_time_cycle_belongs_to_the_job():
    cycle = ext(text("camunda:failedJobRetryTimeCycle", "R5/PT10M"))
    job = job_of(task("A", cycle, tag="serviceTask", camunda__class="c.D"))
    assert (job.retries, job.retry_cycle) == (None, Literal("R5/PT10M"))


def test_retry_time_cycle_that_cannot_be_read_is_refused():
    cycle = ext(text("camunda:failedJobRetryTimeCycle", "ten times"))
    assert errors(around_7(task("A", cycle, tag="serviceTask", camunda__class="c.D"))) == {
        "A": "Expected a retry time cycle such as R3/PT10M or PT1M,PT5M, but it is 'ten times'."
    }


def test_error_of_an_external_task_needs_a_code_and_a_condition():
    wrong = ext(el("camunda:errorEventDefinition", expression="${true}"))
    content = around_7(task("A", wrong, tag="serviceTask", camunda__type="external", camunda__topic="t"))
    assert errors(content) == {
        "A": "Expected each error of the external task to have an errorRef and an expression, but one lacks them."
    }


def test_throwing_message_event_may_be_done_by_a_worker():
    content = around_7(throw("A", definition("message", camunda__type="external", camunda__topic="mail")))
    assert element(content).job == JobDefinition(type=Literal("mail"))


def test_throwing_message_event_that_says_nothing_sends_nothing():
    content = around_7(throw("A", definition("message")))
    assert warnings(content) == {"A": "The event has no message and no implementation: it sends nothing."}


def test_throwing_message_event_without_implementation_sends_its_message():
    content = around_7(throw("A", definition("message", messageRef="Paid")), before=message())
    found = element(content)
    assert (found.job, found.events[0].name) == (None, Literal("paid"))


def test_user_task_says_who_when_and_how():
    # when
    found = element(around_7(task(
        "A", tag="userTask", camunda__assignee="${boss}", camunda__candidateUsers="ann,bob",
        camunda__candidateGroups="clerks", camunda__dueDate="${due}", camunda__followUpDate="2030-01-01T00:00:00",
        camunda__priority="80", camunda__formKey="embedded:a.html", camunda__formRef="form",
    ))).user_task

    # then
    assert found == UserTaskDefinition(
        assignee=Juel("${boss}"), candidate_users=Literal("ann,bob"), candidate_groups=Literal("clerks"),
        due_date=Juel("${due}"), follow_up_date=Literal("2030-01-01T00:00:00"), priority=Literal("80"),
        form=FormDefinition(key=Literal("embedded:a.html"), id=Literal("form")),
    )


def test_performers_of_plain_bpmn_are_read():
    # given
    def performer(tag: str, written: str) -> str:
        return el(tag, el("resourceAssignmentExpression", text("formalExpression", written)))

    # when
    found = element(around_7(task(
        "A", performer("humanPerformer", "ann"), performer("potentialOwner", "user(bob), group(clerks), bosses"),
        tag="userTask",
    ))).user_task

    # then
    assert found == UserTaskDefinition(
        assignee=Literal("ann"), candidate_users=Literal("bob"), candidate_groups=Literal("clerks,bosses")
    )


@pytest.mark.parametrize(("content", "value"), [
    ("text", "text"),
    ("${a}", 1),
    ("", None),
    ("<camunda:list><camunda:value>x</camunda:value><camunda:value>${a}</camunda:value></camunda:list>", ["x", 1]),
    ('<camunda:map><camunda:entry key="k">${a}</camunda:entry><camunda:entry key="n"/></camunda:map>',
     {"k": 1, "n": None}),
    ('<camunda:list><camunda:list><camunda:value>x</camunda:value></camunda:list><camunda:map>'
     '<camunda:entry key="k"><camunda:list/></camunda:entry></camunda:map></camunda:list>', [["x"], {"k": []}]),
    ('<camunda:script scriptFormat="feel">a + 1</camunda:script>', 2),
    ('<camunda:script scriptFormat="juel">${a + 1}</camunda:script>', 2),
])
def test_parameter_values(content, value):
    assert value_of(content, {"a": 1}) == value


def test_output_parameters_are_outputs():
    outputs = el("camunda:inputOutput", text("camunda:outputParameter", "${x}", name="y"))
    found = element(around_7(task("A", ext(outputs), tag="userTask")))
    assert found.outputs == (VariableMapping(source=Juel("${x}"), target="y"),)


@pytest.mark.parametrize(("attributes", "body", "expected"), [
    ({"scriptFormat": "feel"}, "a + 1", 2),
    ({"scriptFormat": "juel"}, "${a + 1}", 2),
    ({}, "= a + 1", 2),
    ({"scriptFormat": "javascript"}, "${a + 1}", 2),
])
def test_script_in_feel_or_juel_is_read(attributes, body, expected):
    # when
    found = element(around_7(task(
        "A", text("script", body), tag="scriptTask", camunda__resultVariable="b", **attributes
    ))).script

    # then
    assert found is not None
    assert (found.result_variable, found.expression.evaluate({"a": 1})) == ("b", expected)


@pytest.mark.parametrize("language", ["javascript", "groovy", "ruby"])
def test_script_in_a_programming_language_is_refused_with_what_to_use_instead(language):
    assert errors(around_7(task("A", text("script", "x = 1"), tag="scriptTask", scriptFormat=language))) == {
        "A": "Expected a FEEL expression (scriptFormat feel, or a text behind =), but it is a script in "
             f"'{language}'. Write it in FEEL, or let a service task do the work."
    }


def test_script_in_a_file_is_refused():
    assert errors(around_7(task("A", tag="scriptTask", scriptFormat="feel", camunda__resource="a.feel"))) == {
        "A": "Expected the script in the diagram, but it is in a file beside it."
    }


def test_called_process_gets_only_what_is_passed():
    # given
    passed = ext(
        el("camunda:in", source="order", target="o"),
        el("camunda:in", sourceExpression="${a + 1}", target="n"),
        el("camunda:in", businessKey="${key}"),
        el("camunda:out", source="my-result", target="r"),
    )

    # when
    called = element(around_7(task(
        "A", passed, tag="callActivity", calledElement="Ship", camunda__calledElementBinding="version",
        camunda__calledElementVersion="3",
    ))).called_process

    # then
    assert called is not None
    assert (called.process_id, called.binding, called.version) == (Literal("Ship"), "version", Literal("3"))
    assert (called.all_in, called.all_out, called.business_id) == (False, False, Juel("${key}"))
    scope = {"order": {"id": 7}, "a": 1, "my-result": "ok"}
    assert [(m.target, m.source.evaluate(scope)) for m in called.inputs] == [("o", {"id": 7}), ("n", 2)]
    assert [(m.target, m.source.evaluate(scope)) for m in called.outputs] == [("r", "ok")]


@pytest.mark.parametrize("name", ["order", "my-order", "if"])
def test_passed_variable_that_does_not_exist_is_null(name):
    passed = ext(el("camunda:in", source=name, target="o"))
    called = element(around_7(task("A", passed, tag="callActivity", calledElement="Ship"))).called_process
    assert called is not None
    assert called.inputs[0].source.evaluate({}) is None


def test_called_process_may_get_every_variable():
    passed = ext(el("camunda:in", variables="all"), el("camunda:out", variables="all"))
    called = element(around_7(task("A", passed, tag="callActivity", calledElement="Ship"))).called_process
    assert called is not None
    assert (called.all_in, called.all_out, called.inputs, called.outputs) == (True, True, (), ())


@pytest.mark.parametrize(("activity", "message"), [
    (task("A", ext(el("camunda:in", source="x")), tag="callActivity", calledElement="B"),
     "Expected each passed variable to have a target, but one has none."),
    (task("A", tag="callActivity", calledElement="B", camunda__variableMappingClass="c.M"),
     "Expected variables to be passed with camunda:in and camunda:out, but it is by variableMappingClass."),
    (task("A", tag="callActivity", camunda__caseRef="Case"),
     "Expected the call activity to call a process, but it calls a case (CMMN)."),
])
def test_call_that_cannot_be_made_is_refused(activity, message):
    assert errors(around_7(activity)) == {"A": message}


def test_decision_is_called_with_its_result_mapping():
    # when
    decision = element(around_7(task(
        "A", tag="businessRuleTask", camunda__decisionRef="risk", camunda__resultVariable="level",
        camunda__mapDecisionResult="singleEntry",
    ))).called_decision

    # then
    assert decision is not None
    assert (decision.decision_id, decision.result_variable, decision.map_result) == (
        Literal("risk"), "level", "singleEntry"
    )


def test_decision_without_result_variable_gives_camunda_s_own():
    decision = element(around_7(task("A", tag="businessRuleTask", camunda__decisionRef="risk"))).called_decision
    assert decision is not None
    assert (decision.result_variable, decision.map_result) == ("decisionResult", "resultList")


@pytest.mark.parametrize("collection", ["items", "${items}"])
def test_multi_instance_reads_collection_and_element_variable(collection):
    # given
    loop = el("multiInstanceLoopCharacteristics", camunda__collection=collection, camunda__elementVariable="item")

    # when
    found = element(around_7(task("A", loop))).loop

    # then
    assert found is not None
    assert found.collection is not None
    assert (found.collection.evaluate({"items": [1]}), found.element_variable) == ([1], "item")


def test_multi_instance_reads_plain_bpmn():
    # given
    loop = el(
        "multiInstanceLoopCharacteristics", text("loopDataInputRef", "items"), el("inputDataItem", name="item"),
        isSequential="true",
    )

    # when
    found = element(around_7(task("A", loop))).loop

    # then
    assert found is not None
    assert found.collection is not None
    assert (found.collection.evaluate({"items": [1]}), found.element_variable, found.sequential) == ([1], "item", True)


def test_multi_instance_by_number():
    loop = el("multiInstanceLoopCharacteristics", text("loopCardinality", "${n}"), text("completionCondition", "${ok}"))
    found = element(around_7(task("A", loop))).loop
    assert found is not None
    assert (found.cardinality, found.completion_condition) == (Juel("${n}"), Juel("${ok}"))


def test_asynchronous_continuations_are_read_from_activity_and_multi_instance():
    # given
    loop = el("multiInstanceLoopCharacteristics", text("loopCardinality", "2"), camunda__asyncAfter="true")

    # when
    found = element(around_7(task("A", loop, camunda__asyncBefore="true")))

    # then
    assert (found.async_before, found.async_after) == (True, True)


def test_listeners_are_jobs_named_after_their_code():
    # given
    listeners = ext(
        el("camunda:executionListener", event="end", class_="c.Log"),
        el("camunda:taskListener", event="create", delegateExpression="${notify}"),
        el("camunda:taskListener", event="complete", expression="${audit.note(task)}"),
    )

    # then
    assert element(around_7(task("A", listeners, tag="userTask"))).listeners == (
        Listener(event="end", job=JobDefinition(type=Literal("c.Log"), names_code=True)),
        Listener(event="creating", job=JobDefinition(type=Literal("notify"), names_code=True)),
        Listener(event="completing", job=JobDefinition(type=Literal("audit.note"), names_code=True)),
    )


@pytest.mark.parametrize(("inside", "what"), [
    (text("camunda:script", "x", scriptFormat="groovy"), "it is a script"),
    ("", "it names none"),
])
def test_listener_without_service_is_refused(inside, what):
    content = around_7(task("A", ext(el("camunda:executionListener", inside, event="start"))))
    assert errors(content) == {
        "A": f"Expected the 'start' listener to name a service (class, delegateExpression), but {what}."
    }


def test_properties_and_template_are_kept():
    properties = ext(el("camunda:properties", el("camunda:property", name="team", value="pay")))
    found = element(around_7(task("A", properties, camunda__modelerTemplate="shop.Charge")))
    assert found.properties == {"team": "pay", "modelerTemplate": "shop.Charge"}


def test_both_dialects_are_read_where_no_platform_is_stated():
    # given a job in the words of Camunda 8 and a mapping in those of Camunda 7
    extensions = ext(
        el("zeebe:taskDefinition", type="charge"),
        el("camunda:inputOutput", text("camunda:inputParameter", "${x * 10}", name="a")),
    )

    # when
    found = element(around(task("A", extensions, tag="serviceTask", camunda__class="c.Other")))

    # then
    assert found.job == JobDefinition(type=Literal("charge"))
    assert found.inputs == (VariableMapping(source=Juel("${x * 10}"), target="a"),)
