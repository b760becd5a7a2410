"""Executions, what they wait for, and conditions."""

from __future__ import annotations

import pytest

from tests.web.camunda7.drawing import process, receive, user

EXECUTION = {"id", "processInstanceId", "ended", "tenantId"}


@pytest.fixture
def told(api):
    api.deploy('<bpmn:message id="m" name="go"/>', process("told", receive("wait", "m"), user("check")))
    return api.start("told")


def test_executions_are_listed(api, told):
    [found] = api.get(f"/execution?processInstanceId={told}")
    assert found.keys() == EXECUTION
    assert (found["processInstanceId"], found["ended"], found["tenantId"]) == (told, False, None)
    assert api.get(f"/execution/{found['id']}") == found
    assert api.get(f"/execution/{told}")["processInstanceId"] == told
    assert api.post("/execution/count", {"activityId": "wait"}) == {"count": 1}
    assert api.post("/execution", {"messageEventSubscriptionName": "go"}) == [found]
    assert api.post("/execution", {"signalEventSubscriptionName": "go"}) == []
    api.get("/execution/99", 404)


def test_local_variables_of_an_execution(api, told):
    [found] = api.get("/execution?activityId=wait")
    path = f"/execution/{found['id']}/localVariables"
    api.post(path, {"modifications": {"mine": {"value": 1, "type": "Long"}}}, 204)
    assert api.get(path) == {"mine": {"type": "Long", "value": 1, "valueInfo": {}}}
    assert api.get(f"/process-instance/{told}/variables") == {}
    api.send("DELETE", f"{path}/mine")
    assert api.get(path) == {}
    api.send("PUT", f"/execution/{told}/localVariables/top", {"value": 2})
    assert api.get(f"/process-instance/{told}/variables/top")["value"] == 2


@pytest.mark.parametrize("by_instance", [True, False])
def test_the_message_of_an_execution_is_triggered(api, told, by_instance):
    other = api.start("told")
    [found] = api.get(f"/execution?processInstanceId={told}")
    path = f"/execution/{told if by_instance else found['id']}/messageSubscriptions/go"
    subscription = api.get(path)
    [listed] = api.get(f"/event-subscription?processInstanceId={told}&eventType=message")
    assert (subscription, listed["eventName"], listed["activityId"]) == (listed, "go", "wait")
    assert api.get("/event-subscription/count?eventName=go") == {"count": 2}
    assert api.get("/event-subscription/count?eventType=signal") == {"count": 0}

    api.post(f"{path}/trigger", {"variables": {"by": {"value": "hand"}}}, 204)
    assert [each["processInstanceId"] for each in api.get("/task")] == [told]
    assert api.variables(told) == {"by": ("String", "hand")}
    api.post(f"{path}/trigger", {}, 404)
    api.get(f"/execution/{other}/messageSubscriptions/stop", 404)


def test_a_condition_starts_what_it_makes_true(api):
    api.deploy('<bpmn:process id="cold" isExecutable="true" camunda:historyTimeToLive="30">'
               '<bpmn:startEvent id="s"><bpmn:conditionalEventDefinition><bpmn:condition '
               'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="bpmn:tFormalExpression">'
               "${degrees &lt; 0}</bpmn:condition></bpmn:conditionalEventDefinition></bpmn:startEvent>"
               '<bpmn:userTask id="t"/><bpmn:endEvent id="e"/>'
               '<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="t"/>'
               '<bpmn:sequenceFlow id="f2" sourceRef="t" targetRef="e"/></bpmn:process>')
    assert api.post("/condition", {"variables": {"degrees": {"value": 5}}}) == []
    [found] = api.post("/condition", {"variables": {"degrees": {"value": -5, "type": "Short"}}, "businessKey": "B"})
    assert (found["definitionKey"], found["businessKey"]) == ("cold", "B")
    assert api.variables(found["id"]) == {"degrees": ("Short", -5)}
    assert api.get("/event-subscription?eventType=conditional")[0]["eventName"] is None
    api.post("/condition", {"tenantId": "other"}, 404)
