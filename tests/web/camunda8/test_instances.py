"""Instances are started, watched, waited for and cancelled."""

from __future__ import annotations

import threading

import pytest

from engine import instances
from engine.queries import paging
from tests.engine import drawing
from tests.web.camunda8 import shapes


@pytest.fixture
def order(api):
    api.deploy(drawing.process("order", drawing.start(), drawing.service("pay", retries=1), drawing.end()))
    return api


def test_an_instance_starts_by_the_id_of_its_process(order):
    made = order.post("/process-instances", {
        "processDefinitionId": "order", "processDefinitionVersion": -1, "variables": {"amount": 42},
        "tenantId": "<default>", "businessId": "A-1", "tags": ["vip"],
    })
    shapes.check(made, shapes.CREATED)
    assert (made["processDefinitionId"], made["processDefinitionVersion"]) == ("order", 1)
    assert (made["variables"], made["tags"], made["businessId"]) == ({}, ["vip"], "A-1")
    found = order.instance(made["processInstanceKey"])
    shapes.check(found, shapes.INSTANCE)
    assert (found["state"], found["hasIncident"]) == ("ACTIVE", False)
    assert (found["businessId"], found["tags"]) == ("A-1", ["vip"])
    assert found["startDate"] == "2030-01-31T12:00:00.000Z"
    assert (found["endDate"], found["parentProcessInstanceKey"]) == (None, None)
    assert found["rootProcessInstanceKey"] == found["processInstanceKey"]


def test_an_instance_starts_by_the_key_of_its_definition(order):
    key = order.items("process-definitions")[0]["processDefinitionKey"]
    made = order.post("/process-instances", {"processDefinitionKey": key})
    assert made["processDefinitionKey"] == key


def test_a_version_that_was_never_deployed_is_not_found(order):
    body = {"processDefinitionId": "order", "processDefinitionVersion": 7}
    assert "7" in order.post("/process-instances", body, status=404)["detail"]
    order.post("/process-instances", {"processDefinitionId": "nothing"}, status=404)


def test_an_instance_starts_by_a_version_tag(api):
    tag = '<bpmn:extensionElements><zeebe:versionTag value="{}"/></bpmn:extensionElements><bpmn:startEvent'
    for number, name in enumerate(("one", "two", "one")):
        file = drawing.file(drawing.process("tagged", drawing.start(), drawing.user(f"x{number}"), drawing.end()))
        api.upload(("a.bpmn", file.content.replace(b"<bpmn:startEvent", tag.format(name).encode(), 1)))
    made = {name: api.post("/process-instances", {
        "processDefinitionId": "tagged", "processDefinitionVersionTag": name}) for name in ("one", "two")}
    assert {name: each["processDefinitionVersion"] for name, each in made.items()} == {"one": 3, "two": 2}
    found = api.instance(made["two"]["processInstanceKey"])
    assert found["processDefinitionVersionTag"] == "two"
    api.post("/process-instances", {"processDefinitionId": "tagged", "processDefinitionVersionTag": "x"}, status=404)


def test_an_instance_is_cancelled_with_or_without_a_body(order):
    for body in ({}, {"operationReference": 1}, None):
        key = order.start("order")
        order.send("POST", f"/process-instances/{key}/cancellation", body)
        found = order.instance(key)
        assert (found["state"], found["endDate"]) == ("TERMINATED", "2030-01-31T12:00:00.000Z")


def test_a_suspended_instance_says_so(order, engine):
    key = order.start("order")
    engine.execute(instances.suspend, int(key), "Wait for the bank.")
    found = order.instance(key)
    assert (found["state"], found["suspendedDate"]) == ("SUSPENDED", "2030-01-31T12:00:00.000Z")
    assert order.items("process-instances", {"state": "ACTIVE"}) == []
    assert len(order.items("process-instances", {"state": {"$in": ["SUSPENDED", "COMPLETED"]}})) == 1


def test_waiting_for_completion_answers_with_the_variables(api):
    api.deploy(drawing.process("sum", drawing.start(), drawing.script("add", "=a + b", "c"), drawing.end()))
    body = {"processDefinitionId": "sum", "variables": {"a": 1, "b": 2}, "awaitCompletion": True}
    assert api.post("/process-instances", body)["variables"] == {"a": 1, "b": 2, "c": 3}
    assert api.post("/process-instances", body | {"fetchVariables": ["c"]})["variables"] == {"c": 3}


def test_waiting_for_completion_ends_when_a_worker_is_done(order):
    answers = []
    body = {"processDefinitionId": "order", "awaitCompletion": True, "requestTimeout": 20_000}
    other = threading.Thread(target=lambda: answers.append(order.post("/process-instances", body)))
    other.start()
    [job] = order.take("pay", requestTimeout=20_000)
    order.send("POST", f"/jobs/{job['jobKey']}/completion", {"variables": {"paid": True}})
    other.join(20)
    assert answers[0]["variables"] == {"paid": True}


def test_waiting_for_completion_has_an_end(order):
    body = {"processDefinitionId": "order", "awaitCompletion": True, "requestTimeout": 1}
    problem = order.post("/process-instances", body, status=504)
    shapes.check(problem, shapes.PROBLEM)
    assert len(order.items("process-instances", {"state": "ACTIVE"})) == 1


def test_the_history_is_told_in_order_with_names_and_types(order):
    key = order.start("order")
    [job] = order.take("pay")
    order.send("POST", f"/jobs/{job['jobKey']}/completion")
    found = order.items("element-instances", {"processInstanceKey": key})
    for each in found:
        shapes.check(each, shapes.ELEMENT)
        assert order.get(f"/element-instances/{each['elementInstanceKey']}") == each
    assert [(each["elementId"], each["type"], each["state"], each["elementName"]) for each in found] == [
        ("start", "START_EVENT", "COMPLETED", "start"), ("pay", "SERVICE_TASK", "COMPLETED", "pay"),
        ("end", "END_EVENT", "COMPLETED", "end"),
    ]
    flows = order.get(f"/process-instances/{key}/sequence-flows")["items"]
    assert [flow["elementId"] for flow in flows] == ["pay_end", "start_pay"]
    statistics = order.get(f"/process-instances/{key}/statistics/element-instances")["items"]
    assert statistics[1] == {"elementId": "pay", "active": 0, "canceled": 0, "incidents": 0, "completed": 1}


@pytest.fixture
def called(order):
    """An instance of `outer` whose called instance of `order` has an incident."""
    order.deploy(drawing.process("outer", drawing.start(), drawing.call("sub", "order"), drawing.end()))
    key = order.start("outer")
    [job] = order.take("pay")
    order.send("POST", f"/jobs/{job['jobKey']}/failure", {"retries": 0, "errorMessage": "no funds"})
    return key


def test_an_incident_is_told_to_the_callers_too(order, called):
    [child] = order.items("process-instances", {"parentProcessInstanceKey": called})
    assert child["rootProcessInstanceKey"] == called
    [call] = order.items("element-instances", {"processInstanceKey": called, "type": "CALL_ACTIVITY"})
    assert child["parentElementInstanceKey"] == call["elementInstanceKey"]
    assert order.instance(called)["hasIncident"]
    [incident] = order.post(f"/process-instances/{called}/incidents/search", {})["items"]
    shapes.check(incident, shapes.INCIDENT)
    assert (incident["errorType"], incident["errorMessage"]) == ("JOB_NO_RETRIES", "no funds")
    assert incident["state"] == "ACTIVE"
    assert incident["processInstanceKey"] == child["processInstanceKey"]
    assert [each["processInstanceKey"] for each in
            order.get(f"/process-instances/{child['processInstanceKey']}/call-hierarchy")] == [
        called, child["processInstanceKey"]]


def test_a_called_instance_cannot_be_cancelled_alone(order, called):
    [child] = order.items("process-instances", {"parentProcessInstanceKey": called})
    order.post(f"/process-instances/{child['processInstanceKey']}/cancellation", status=409)


def test_an_incident_is_resolved_without_a_body(order, called):
    [incident] = order.items("incidents", {"state": "ACTIVE"})
    assert order.get(f"/incidents/{incident['incidentKey']}") == incident
    order.send("PATCH", f"/jobs/{incident['jobKey']}", {"changeset": {"retries": 2}})
    response = order.client.post(f"/v2/incidents/{incident['incidentKey']}/resolution", content_type="application/json")
    assert response.status_code == 204
    assert order.items("incidents", {"state": "ACTIVE"}) == []
    assert order.take("pay")[0]["retries"] == 2
    order.post(f"/incidents/{incident['incidentKey']}/resolution", status=409)


def test_all_incidents_of_an_instance_are_resolved_at_once(order, called):
    [child] = order.items("process-instances", {"parentProcessInstanceKey": called})
    answer = order.post(f"/process-instances/{child['processInstanceKey']}/incident-resolution")
    assert answer["batchOperationType"] == "RESOLVE_INCIDENT"
    assert not order.instance(called)["hasIncident"]


def test_all_are_resolved_though_they_are_more_than_a_list_has(api, engine, monkeypatch):
    calls = [drawing.call(each, "nowhere") for each in "abc"]
    api.deploy(drawing.process("three", drawing.start(), '<bpmn:parallelGateway id="fork"/>', *calls,
                               flows="start>fork fork>a fork>b fork>c"))
    key = api.post("/process-instances", {"processDefinitionId": "three"})["processInstanceKey"]
    before = {each["incidentKey"] for each in api.items("incidents", {"state": "ACTIVE"})}
    assert len(before) == 3
    monkeypatch.setattr(paging, "MAX_LIMIT", 2)
    api.post(f"/process-instances/{key}/incident-resolution")
    monkeypatch.undo()
    assert not before & {each["incidentKey"] for each in api.items("incidents", {"state": "ACTIVE"})}
