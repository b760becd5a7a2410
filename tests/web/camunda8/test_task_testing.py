"""Camunda Modeler's task testing: start at one element, end when it has completed, and be asked all the while."""

from __future__ import annotations

import pytest

from engine.engine import Engine
from tests.engine import drawing
from tests.web.camunda8 import shapes
from web.app import create_app

OUTPUT = ('<zeebe:ioMapping><zeebe:output source="=result" target="total"/>'
          '<zeebe:input source="=1" target="mine"/></zeebe:ioMapping>')


@pytest.fixture
def definition(api):
    inner = drawing.inside(drawing.start("in"), drawing.service("deep", more=OUTPUT), drawing.end("out"))
    answer = api.deploy(
        drawing.process(
            "tried", drawing.start(), drawing.script("before", "=1", "never"),
            f'<bpmn:subProcess id="sub">{inner}</bpmn:subProcess>', drawing.script("after", "=2", "alsoNever"),
            drawing.boundary("failed", "sub", drawing.error("e")), drawing.end(), drawing.end("sorry"),
            flows="start>before before>sub sub>after after>end failed>sorry",
        ),
        drawing.error_of("e", "BROKEN"),
    )
    return answer["deployments"][0]["processDefinition"]["processDefinitionKey"]


def begin(api, definition, element):
    return api.post("/process-instances", {
        "variables": {"x": 1}, "processDefinitionKey": definition, "tenantId": "<default>",
        "startInstructions": [{"elementId": element}],
        "runtimeInstructions": [{"type": "TERMINATE_PROCESS_INSTANCE", "afterElementId": element}],
    })["processInstanceKey"]




def ask(api, key):
    """What the Modeler asks every second."""
    return {kind: api.items(kind, {"processInstanceKey": key}) for kind in (
        "process-instances", "element-instances", "jobs", "message-subscriptions", "user-tasks", "variables",
    )} | {"children": api.items("process-instances", {"parentProcessInstanceKey": key})}


def test_a_nested_task_is_tried_out_alone(api, definition):
    # given a test of a task inside a sub-process
    key = begin(api, definition, "deep")
    seen = ask(api, key)
    assert [job["state"] for job in seen["jobs"]] == ["CREATED"]
    shapes.check(seen["jobs"][0], shapes.JOB)
    assert seen["process-instances"][0]["state"] == "ACTIVE"

    # when its worker has answered
    [job] = api.take("deep")
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {"variables": {"result": 7}})

    # then it has completed, its mapping was applied, nothing before or after it ran, and the instance is over
    seen = ask(api, key)
    assert seen["process-instances"][0]["state"] == "TERMINATED"
    assert api.history(key) == [("sub", "TERMINATED"), ("deep", "COMPLETED")]
    variables = {(each["name"], each["scopeKey"] == key): each["value"] for each in seen["variables"]}
    assert variables[("total", True)] == "7"
    assert variables[("mine", False)] == "1"
    assert ("never", True) not in variables
    [deep] = [each for each in seen["element-instances"] if each["elementId"] == "deep"]
    assert [each["scopeKey"] for each in seen["variables"] if each["name"] == "mine"] == [deep["elementInstanceKey"]]
    assert len({each["variableKey"] for each in seen["variables"]}) == len(seen["variables"])


def test_the_end_is_remembered_when_another_process_goes_on(api, definition, database_url, clock):
    # given an instance that waits, and another server that has never seen it
    key = begin(api, definition, "deep")
    other = Engine(database_url, clock=clock)
    client = create_app(other, secret_key="test").test_client()

    # when the answer of the worker reaches the other server
    [job] = api.take("deep")
    assert client.post(f"/v2/jobs/{job['jobKey']}/completion", json={}).status_code == 204
    other.close()

    # then the instance ends there
    assert api.history(key) == [("sub", "TERMINATED"), ("deep", "COMPLETED")]


def test_a_whole_sub_process_is_tried_out(api, definition):
    key = begin(api, definition, "sub")
    [job] = api.take("deep")
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {"variables": {"result": 7}})
    assert api.history(key) == [("sub", "COMPLETED"), ("in", "COMPLETED"), ("deep", "COMPLETED"), ("out", "COMPLETED")]
    assert api.instance(key)["state"] == "TERMINATED"


def test_a_script_that_needs_no_waiting_is_tried_out(api, definition):
    key = begin(api, definition, "before")
    assert api.history(key) == [("before", "COMPLETED")]
    assert api.instance(key)["state"] == "TERMINATED"
    assert [each["value"] for each in api.items("variables", {"processInstanceKey": key, "name": "never"})] == ["1"]


def test_a_boundary_event_of_the_tried_element_works(api, definition):
    key = begin(api, definition, "sub")
    [job] = api.take("deep")
    api.send("POST", f"/jobs/{job['jobKey']}/error", {"errorCode": "BROKEN"})
    assert ("sorry", "COMPLETED") in api.history(key)
    assert api.instance(key)["state"] == "COMPLETED"


def test_without_instructions_a_start_element_is_just_where_it_begins(api, definition):
    key = api.start("tried", startInstructions=[{"elementId": "after"}])
    assert api.history(key) == [("after", "COMPLETED"), ("end", "COMPLETED")]
    assert api.instance(key)["state"] == "COMPLETED"


@pytest.mark.parametrize("body", [
    {"startInstructions": [{"elementId": "nowhere"}]},
    {"runtimeInstructions": [{"type": "TERMINATE_PROCESS_INSTANCE", "afterElementId": "nowhere"}]},
    {"runtimeInstructions": [{"type": "DANCE", "afterElementId": "deep"}]},
    {"startInstructions": [{}]},
])
def test_instructions_that_make_no_sense_are_refused(api, definition, body):
    api.post("/process-instances", {"processDefinitionKey": definition, **body}, status=400)
    assert api.items("process-instances") == []
