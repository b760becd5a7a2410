"""Call activities: an instance of its own, tied to its caller."""

from __future__ import annotations

import pytest

from engine import incidents
from engine.queries import instances, lists
from engine.queries.instances import InstanceFilter
from engine.work import jobs
from tests.engine.drawing import boundary, call, end, error, error_of, process, script, service, start, timer


@pytest.fixture
def called(steps):
    steps.deploy(error_of("bad", "BAD"), process("child", start(), service("inner"), end()))
    steps.deploy(error_of("bad", "BAD"), process(
        "parent", start(), call("sub", "child"), service("after"), end(), boundary("oops", "sub", error("bad")),
        service("mend"), end("e2"), flows="start>sub sub>after after>end oops>mend mend>e2",
    ))
    return steps


def test_called_process_runs_as_an_instance_of_its_own(engine, called):
    # given an instance that called another one
    key = called.start("parent", {"a": 1}, business_id="B-1", trace_parent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    [child] = called.detail(key).called

    # then it knows its family and shares its identities
    parent = called.detail(key).row
    assert (child.parent_key, child.root_key, child.business_id) == (key, key, "B-1")
    assert (child.correlation_id, child.trace_parent) == (parent.correlation_id, parent.trace_parent)
    assert called.variables(child.key) == {"a": 1}

    # when it ends, its variables come back and the caller goes on
    called.do("inner", {"b": 2})
    assert called.state(child.key) == "COMPLETED"
    assert called.at(key) == ["after"]
    assert called.variables(key) == {"a": 1, "b": 2}


def test_called_process_that_never_waits_ends_in_the_same_transaction(steps):
    steps.deploy(process("child", start(), script("add", "=a + 1", "b"), end()))
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    key = steps.start("parent", {"a": 1})
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key) == {"a": 1, "b": 2}
    assert steps.left_behind() == {}


def test_error_of_the_called_process_is_caught_at_the_call_activity(engine, called):
    key = called.start("parent")
    [job] = called.take("inner")
    engine.execute(jobs.throw_error, job.key, "BAD", "broken", {"why": "x"})
    assert called.at(key) == ["mend"]
    [child] = called.detail(key).called
    assert (child.state, child.end_reason) == ("TERMINATED", "BAD")
    called.do("mend")
    assert called.left_behind() == {}


def test_error_that_the_caller_does_not_catch_either_is_an_incident_there(engine, called):
    key = called.start("parent")
    [job] = called.take("inner")
    engine.execute(jobs.throw_error, job.key, "OTHER")
    [incident] = lists.incidents(engine).items
    assert (incident.instance_key, incident.element_id, incident.type) == (key, "sub", "UNHANDLED_ERROR_EVENT")

    # when it is resolved, the process is called again
    engine.execute(incidents.resolve, incident.key)
    called.do("inner")
    assert called.at(key) == ["after"]


def test_missing_process_is_an_incident_until_it_is_deployed(steps):
    # given a call of a process that is not there
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    key = steps.start("parent")
    [incident] = steps.detail(key).incidents
    assert incident.type == "CALLED_ELEMENT_ERROR"
    assert "'child'" in incident.message

    # when it is deployed and the incident resolved
    steps.deploy(process("child", start(), end()))
    steps.resolve()
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}


def test_interrupted_call_cancels_what_it_called(engine, clock, steps):
    from engine.cluster import scheduler

    steps.deploy(process("grandchild", start(), service("deep"), end()))
    steps.deploy(process("child", start(), call("sub", "grandchild"), end()))
    steps.deploy(process(
        "parent", start(), call("sub", "child"), end(), boundary("late", "sub", timer("Duration", "PT1H")), end("e2"),
        flows="start>sub sub>end late>e2",
    ))
    key = steps.start("parent")
    clock.advance(hours=1)
    scheduler.run_once(engine)
    assert steps.state(key) == "COMPLETED"
    states = {row.process_id: row.state for row in instances.search(engine, InstanceFilter(root_key=key)).items}
    assert states == {"parent": "COMPLETED", "child": "TERMINATED", "grandchild": "TERMINATED"}
    assert steps.left_behind() == {}


def test_process_that_calls_itself_without_end_is_stopped_by_an_incident(monkeypatch, engine, steps):
    monkeypatch.setattr("engine.calls.MAX_DEPTH", 5)
    steps.deploy(process("self", start(), call("again", "self"), end()))
    steps.start("self")
    [incident] = lists.incidents(engine).items
    assert "call each other" in incident.message
    assert instances.search(engine, InstanceFilter()).total == 6


def calling(binding: str) -> str:
    inner = f'<zeebe:calledElement processId="child" {binding}/>'
    return f'<bpmn:callActivity id="sub"><bpmn:extensionElements>{inner}</bpmn:extensionElements></bpmn:callActivity>'


def said(deployment) -> list:
    return [problem for problem in deployment.problems if "called process" in problem.message]


def child(mark: str, tag: str = "") -> str:
    drawn = process("child", start("cs"), script("s", f"=&quot;{mark}&quot;", "ran"), end("ce"))
    tagged = f'<bpmn:extensionElements><zeebe:versionTag value="{tag}"/></bpmn:extensionElements>' if tag else ""
    return drawn.replace('isExecutable="true">', f'isExecutable="true">{tagged}', 1)


@pytest.mark.parametrize(("binding", "ran"), [
    ("", "third"),
    ('bindingType="latest"', "third"),
    ('bindingType="deployment"', "second"),
    ('bindingType="versionTag" versionTag="gold"', "first"),
    ('bindingType="versionTag" versionTag="=wanted"', "first"),
])
def test_binding_of_camunda_8_says_which_version_is_called(steps, binding, ran):
    # given
    steps.deploy(child("first", "gold"), name="child.bpmn")
    steps.deploy(child("second"), process("parent", start(), calling(binding), end()))
    steps.deploy(child("third"), name="child.bpmn")

    # then
    assert steps.variables(steps.start("parent", {"wanted": "gold"}))["ran"] == ran


@pytest.mark.parametrize(("version", "ran"), [("1", "first"), ("${number}", "second"), ("7", None)])
def test_binding_of_camunda_7_names_a_version(engine, steps, version, ran):
    # given
    for mark in ("first", "second", "third"):
        steps.deploy(child(mark), name="child.bpmn")
    bound = f'calledElement="child" camunda:calledElementBinding="version" camunda:calledElementVersion="{version}"'
    all_out = '<bpmn:extensionElements><camunda:out variables="all"/></bpmn:extensionElements>'
    steps.deploy7(process("parent", start(), f'<bpmn:callActivity id="sub" {bound}>{all_out}</bpmn:callActivity>',
                          end()))

    # when
    key = steps.start("parent", {"number": 2})

    # then
    if ran is None:
        [incident] = lists.incidents(engine).items
        assert "'child' (version 7) to be deployed, but it is not" in incident.message
    else:
        assert steps.variables(key)["ran"] == ran


def test_what_goes_in_and_comes_out_is_what_the_mappings_of_camunda_7_say(steps):
    # given
    steps.deploy(process("child", start(), service("inner"), end()), name="child.bpmn")
    mappings = ('<camunda:in source="a" target="given"/><camunda:in sourceExpression="${a + 1}" target="next"/>'
                '<camunda:in businessKey="${key}"/><camunda:out source="result" target="kept"/>'
                '<camunda:out sourceExpression="${result * 2}" target="double"/>')
    steps.deploy7(process("parent", start(), '<bpmn:callActivity id="sub" calledElement="${which}">'
                          f"<bpmn:extensionElements>{mappings}</bpmn:extensionElements></bpmn:callActivity>", end()))
    key = steps.start("parent", {"a": 1, "key": "K1", "which": "child"})

    # when
    [job] = steps.take("inner")
    assert (job.variables, job.business_id) == ({"given": 1, "next": 2}, "K1")
    steps.engine.execute(jobs.complete, job.key, {"result": 5, "secret": True})

    # then
    assert steps.variables(key) == {"a": 1, "key": "K1", "which": "child", "kept": 5, "double": 10}


def test_call_of_a_process_that_is_not_deployed_is_a_warning(engine, steps):
    # given
    message = ("Expected the called process 'child' to be deployed, but it is not. "
               "Until then the call is an incident.")
    parent = process("parent", start(), call("sub", "child"), end())

    # then
    [problem] = said(steps.deploy(parent))
    assert (problem.severity, problem.element_id, problem.message) == ("warning", "sub", message)
    assert said(steps.deploy(parent, child("x"), name="both.bpmn")) == []
    steps.deploy(child("y"), name="child.bpmn")
    assert said(steps.deploy(process("parent", start(), call("sub", "child"), service("more"), end()))) == []


def test_call_bound_to_its_deployment_warns_of_a_process_that_is_not_in_it(steps):
    steps.deploy(child("x"), name="child.bpmn")
    [problem] = said(steps.deploy(process("parent", start(), calling('bindingType="deployment"'), end())))
    assert "but it is in none of the files" in problem.message


def test_multi_instance_calls_give_their_results_in_the_order_of_the_items(steps):
    # given
    loop = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics '
            'inputCollection="=items" inputElement="item" outputCollection="results" outputElement="=double"/>'
            "</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>")
    steps.deploy(process("child", start("cs"), script("s", "=item * 2", "double"), end("ce")),
                 process("parent", start(), call("sub", "child").replace("</bpmn:callActivity>",
                                                                         f"{loop}</bpmn:callActivity>"), end()))

    # when
    key = steps.start("parent", {"items": [3, 1, 2]})

    # then
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key)["results"] == [6, 2, 4]
    assert steps.left_behind() == {}


@pytest.mark.parametrize(("handed", "given"), [
    ("", {}),
    ('<camunda:in variables="all" local="true"/>', {"own": 2}),
    ('<camunda:in variables="all"/>', {"a": 1, "own": 2}),
    ('<camunda:in source="own" target="x"/>', {"x": 2}),
])
def test_own_variables_of_a_call_go_in_only_if_camunda_7_says_so(steps, handed, given):
    # given a call activity with a local variable
    own = ('<camunda:inputOutput><camunda:inputParameter name="own">${a + 1}</camunda:inputParameter>'
           "</camunda:inputOutput>")
    steps.deploy(process("child", start(), service("inner"), end()), name="child.bpmn")
    steps.deploy7(process("parent", start(), '<bpmn:callActivity id="sub" calledElement="child">'
                          f"<bpmn:extensionElements>{own}{handed}</bpmn:extensionElements></bpmn:callActivity>", end()))

    # when
    steps.start("parent", {"a": 1})

    # then
    assert steps.take("inner")[0].variables == given
