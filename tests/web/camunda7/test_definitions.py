"""Process definitions: found, read, started."""

from __future__ import annotations

import pytest

from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import external, file, process


@pytest.fixture
def order(api):
    """Two versions of a process, and another process; the ids of their definitions."""
    versions = [process("order", external("pay"), more='camunda:versionTag="v1"'), process("order", external("bill"))]
    made = [api.deploy(parts) for parts in [*versions, process("refund", external("pay"))]]
    return [next(iter(each["deployedProcessDefinitions"])) for each in made]


def keys(found):
    return [(each["key"], each["version"]) for each in found]


def test_definitions_are_found(api, order):
    assert keys(api.get("/process-definition?sortBy=key&sortOrder=asc")) == [("order", 1), ("order", 2), ("refund", 1)]
    assert keys(api.get("/process-definition?key=order&latestVersion=true")) == [("order", 2)]
    assert keys(api.get("/process-definition?key=order&latestVersion=false&version=1")) == [("order", 1)]
    assert keys(api.get("/process-definition?keysIn=refund,other")) == [("refund", 1)]
    assert keys(api.get("/process-definition?versionTag=v1")) == [("order", 1)]
    assert keys(api.get("/process-definition?keyLike=ord%25&firstResult=1&maxResults=5")) == [("order", 2)]
    assert keys(api.get(f"/process-definition?processDefinitionIdIn={order[0]},{order[2]}")) \
        == [("order", 1), ("refund", 1)]
    assert api.get("/process-definition/count?key=order") == {"count": 2}
    assert api.get("/process-definition?suspended=true") == []
    assert api.get("/process-definition?tenantIdIn=other") == []
    assert len(api.get("/process-definition?withoutTenantId=true")) == 3


def test_a_definition_by_id_and_the_newest_by_key(api, order):
    found = api.get(f"/process-definition/{order[0]}")
    assert found.keys() == shapes.DEFINITION
    assert (found["version"], found["versionTag"], found["historyTimeToLive"], found["name"]) == (1, "v1", 30, "Order")
    assert api.get("/process-definition/key/order")["id"] == order[1]
    for path in ("/process-definition/nothing", "/process-definition/order:1:99", "/process-definition/key/nothing"):
        assert api.get(path, 404).keys() == shapes.ERROR


def test_the_diagram_is_given_as_it_was_deployed(api, order):
    drawn = file(process("order", external("bill"))).decode()
    assert api.get(f"/process-definition/{order[1]}/xml") == {"id": order[1], "bpmn20Xml": drawn}
    assert api.get("/process-definition/key/order/xml")["bpmn20Xml"] == drawn


def test_start_of_the_modeler(api, order):
    # It sends null for what its form leaves empty.
    made = api.post(f"/process-definition/{order[0]}/start", {"businessKey": None, "variables": None})
    assert made.keys() == shapes.INSTANCE
    assert (made["definitionId"], made["businessKey"], made["ended"], made["suspended"], made["tenantId"]) \
        == (order[0], None, False, False, None)
    assert made["links"] == [{"method": "GET", "rel": "self",
                              "href": f"http://localhost/engine-rest/process-instance/{made['id']}"}]


def test_start_by_key_with_variables_in_the_answer(api, order):
    made = api.post("/process-definition/key/order/start", {
        "businessKey": "A-1", "withVariablesInReturn": True, "skipCustomListeners": False,
        "variables": {"amount": {"value": 5, "type": "integer", "valueInfo": {}}},
    })
    assert (made["definitionId"], made["businessKey"]) == (order[1], "A-1")
    assert made["variables"] == {"amount": {"type": "Integer", "value": 5, "valueInfo": {}}}


def test_start_at_an_element(api):
    api.deploy(process("order", external("pay"), external("ship")))
    made = api.post("/process-definition/key/order/start",
                    {"startInstructions": [{"type": "startBeforeActivity", "activityId": "ship"}]})
    [task] = api.get("/external-task")
    assert (task["activityId"], task["processInstanceId"]) == ("ship", made["id"])
    api.post("/process-definition/key/order/start",
             {"startInstructions": [{"type": "startTransition", "transitionId": "x"}]}, 400)


def test_an_instance_that_ends_at_once_is_told_as_ended(api):
    api.deploy(process("short"))
    made = api.post("/process-definition/key/short/start")
    assert made["ended"] is True
    api.get(f"/process-instance/{made['id']}", 404)


@pytest.mark.parametrize("path", ["/process-definition/order:1:99/start", "/process-definition/key/nothing/start"])
def test_nothing_starts_what_is_not_there(api, path):
    assert api.post(path, {}, 404)["type"] == "InvalidRequestException"


def test_nothing_starts_in_a_tenant_that_there_is_not(api, order):
    api.post("/process-definition/key/order/tenant-id/other/start", {}, 404)


def test_a_suspended_definition_takes_no_new_starts(api, order):
    # given
    running = api.post("/process-definition/key/order/start", {})["id"]

    # when
    api.send("PUT", "/process-definition/key/order/suspended", {"suspended": True, "includeProcessInstances": True})
    refused = api.post("/process-definition/key/order/start", {}, status=400)
    assert "take new starts" in refused["message"]

    # then all its versions are suspended, and so is what was under way
    assert keys(api.get("/process-definition?suspended=true&sortBy=version&sortOrder=asc")) == [
        ("order", 1), ("order", 2)]
    assert api.get(f"/process-definition/{order[1]}")["suspended"] is True
    assert api.get(f"/process-instance/{running}")["suspended"] is True
    assert keys(api.get("/process-definition?active=true")) == [("refund", 1)]

    # and a version is activated by its id, again without harm, but not at a time to come
    for _ in range(2):
        api.send("PUT", f"/process-definition/{order[1]}/suspended",
                 {"suspended": False, "includeProcessInstances": True})
    assert api.get("/process-definition?suspended=true") == []
    assert api.get(f"/process-instance/{running}")["suspended"] is False
    later = {"suspended": True, "executionDate": "2999-01-01T00:00:00"}
    assert "executionDate" in api.send("PUT", "/process-definition/key/order/suspended", later, status=400)["message"]
