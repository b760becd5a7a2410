"""Instances are modified and migrated over Camunda 8's interface."""

from __future__ import annotations

import pytest

from tests.engine.drawing import end, process, service, start, user
from tests.engine.test_modification import LINE, NESTED


@pytest.fixture
def line(api):
    api.deploy(LINE)
    return api.start("p")


def at(api, key):
    return sorted(element for element, state in api.history(key) if state == "ACTIVE")


def element_key(api, key, element):
    [found] = api.items("element-instances", {"processInstanceKey": key, "elementId": element, "state": "ACTIVE"})
    return found["elementInstanceKey"]


def test_an_element_is_activated_and_another_terminated(api, line):
    api.send("POST", f"/process-instances/{line}/modification", {
        "activateInstructions": [{"elementId": "b", "ancestorElementInstanceKey": "-1", "variableInstructions": [
            {"variables": {"x": 1}}, {"variables": {"y": 2}, "scopeId": "b"}]}],
        "terminateInstructions": [{"elementInstanceKey": element_key(api, line, "a")}], "operationReference": 7,
    })
    assert at(api, line) == ["b"]
    [job] = api.take("b")
    assert job["variables"] == {"x": 1, "y": 2}


def test_variables_of_the_process_are_the_instances(api, line):
    api.send("POST", f"/process-instances/{line}/modification", {"activateInstructions": [
        {"elementId": "c", "variableInstructions": [{"variables": {"x": 1}, "scopeId": "p"}]}]})
    [found] = api.items("variables", {"processInstanceKey": line})
    assert (found["name"], found["scopeKey"]) == ("x", line)


@pytest.mark.parametrize("by_key", [False, True])
def test_an_element_is_moved(api, line, by_key):
    source = {"sourceType": "byKey", "sourceElementInstanceKey": element_key(api, line, "a")} if by_key else {
        "sourceType": "byId", "sourceElementId": "a"}
    api.send("POST", f"/process-instances/{line}/modification", {"moveInstructions": [
        {"sourceElementInstruction": source, "targetElementId": "c",
         "ancestorScopeInstruction": {"ancestorScopeType": "inferred"}}]})
    assert at(api, line) == ["c"]


def test_an_element_is_activated_in_the_scope_that_is_named(api):
    api.deploy(NESTED)
    key = api.start("n")
    outer = element_key(api, key, "outer")
    api.send("POST", f"/process-instances/{key}/modification", {
        "activateInstructions": [{"elementId": "next", "ancestorElementInstanceKey": outer}],
        "terminateInstructions": [{"elementId": "inner"}]})
    assert at(api, key) == ["next", "outer"]


@pytest.mark.parametrize(("body", "sentence"), [
    ({}, "tokens to put, take or move"), ({"activateInstructions": [{}]}, "activateInstructions[0].elementId"),
    ({"activateInstructions": [{"elementId": "x"}]}, "'x'"), ({"terminateInstructions": [{}]}, "elementId"),
    ({"terminateInstructions": [{"elementInstanceKey": "7"}]}, "7"),
    ({"moveInstructions": [{"sourceElementInstruction": {}, "targetElementId": "c"}]}, "sourceElementId"),
    ({"moveInstructions": [{"sourceElementInstruction": {"sourceElementId": "a"}, "targetElementId": "c",
                            "ancestorScopeInstruction": {"ancestorScopeType": "x"}}]}, "sourceParent"),
    ({"moveInstructions": [{"sourceElementInstruction": {"sourceElementInstanceKey": "7"}, "targetElementId": "c"}]},
     "7"),
    ({"activateInstructions": [{"elementId": "c", "variableInstructions": [{"variables": {"x": 1}, "scopeId": "b"}]}]},
     "'b'"),
])
def test_a_modification_that_cannot_be_is_refused(api, line, body, sentence):
    assert sentence in api.send("POST", f"/process-instances/{line}/modification", body, 400)["detail"]
    assert at(api, line) == ["a"]


def test_only_an_active_instance_is_modified_or_migrated(api, line):
    api.send("POST", f"/process-instances/{line}/cancellation")
    body = {"activateInstructions": [{"elementId": "b"}]}
    api.send("POST", f"/process-instances/{line}/modification", body, 409)
    api.send("POST", "/process-instances/9/modification", body, 404)
    target = api.items("process-definitions")[0]["processDefinitionKey"]
    api.send("POST", f"/process-instances/{line}/migration", {"targetProcessDefinitionKey": target}, 409)
    api.send("POST", "/process-instances/9/migration", {"targetProcessDefinitionKey": target}, 404)


def newer(api, *nodes):
    return api.deploy(process("q", start(), *nodes, end()))["deployments"][0]["processDefinition"]


def test_an_instance_is_migrated_by_a_mapping(api):
    newer(api, user("look"))
    key = api.start("q")
    target = newer(api, user("review"), service("after"))["processDefinitionKey"]
    body = {"targetProcessDefinitionKey": target, "mappingInstructions": []}
    assert "'look'" in api.send("POST", f"/process-instances/{key}/migration", body, 409)["detail"]
    body["mappingInstructions"] = [{"sourceElementId": "look", "targetElementId": "review"}]
    api.send("POST", f"/process-instances/{key}/migration", body)
    assert api.instance(key)["processDefinitionVersion"] == 2
    assert at(api, key) == ["review"]
    body["mappingInstructions"] *= 2
    assert "several" in api.send("POST", f"/process-instances/{key}/migration", body, 400)["detail"]
    api.send("POST", f"/process-instances/{key}/migration", {"targetProcessDefinitionKey": "9"}, 404)
    api.send("POST", f"/process-instances/{key}/migration", {}, 400)
