"""Process instances: found, suspended, resumed, cancelled, and what is active in them."""

from __future__ import annotations

import pytest

from tests.engine.conftest import database_url  # noqa: F401, lists differ most between the databases
from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import external, process, user

CALL = '<bpmn:callActivity id="call" calledElement="order"/>'
LOOP = ('<bpmn:subProcess id="each"><bpmn:multiInstanceLoopCharacteristics>'
        "<bpmn:loopCardinality>2</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>"
        '<bpmn:startEvent id="in"/><bpmn:userTask id="inner" name="Inner"/>'
        '<bpmn:sequenceFlow id="f" sourceRef="in" targetRef="inner"/></bpmn:subProcess>')


@pytest.fixture
def order(api):
    api.deploy(process("order", external("pay")))
    return api.start("order", {"region": "north", "amount": 5}, businessKey="A-1")


def ids(api, query="", **body):
    found = api.post("/process-instance", body) if body else api.get(f"/process-instance?{query}")
    return {each["id"] for each in found}


def test_instances_are_found(api, order):
    other = api.start("order", {"region": "south", "amount": 6}, businessKey="B-1")
    [found] = api.get(f"/process-instance?processInstanceIds={order}")
    assert found.keys() == shapes.INSTANCE
    for query, wanted in (
        ("businessKey=A-1", {order}), ("businessKeyLike=%25-1", {order, other}),
        (f"processInstanceIds={order},99", {order}),
        ("processDefinitionKey=order", {order, other}), ("processDefinitionKeyIn=refund", set()),
        ("processDefinitionKeyNotIn=refund", {order, other}), ("variables=region_eq_north", {order}),
        ("variables=region_neq_north", {other}), ("variables=region_like_nor%25", {order}),
        (f"processInstanceIds={order}&processInstanceIds={other}", {order, other}),
        ("leafProcessInstances=false", {order, other}),
        ("activityIdIn=pay", {order, other}), ("activityIdIn=ship", set()), ("suspended=true", set()),
        ("active=true", {order, other}), ("withIncident=true", set()), ("rootProcessInstances=true", {order, other}),
        ("tenantIdIn=other", set()), (f"superProcessInstance={order}", set()),
        # X leaves what it does not want empty.
        ("processDefinitionKey=order&processInstanceIds=&variables=&tenantIdIn=", {order, other}),
    ):
        assert ids(api, query) == wanted, query
    assert ids(api, variables=[{"name": "amount", "operator": "eq", "value": 6}]) == {other}
    assert ids(api, processInstanceIds=[other], businessKey=None) == {other}
    assert api.post("/process-instance/count", {"processDefinitionKey": "order"}) == {"count": 2}


@pytest.mark.parametrize("query", [
    "color=red", "variables=region", "variables=region_is_north", "sortBy=color&sortOrder=asc", "sortBy=instanceId",
    "maxResults=many", "active=maybe", "variables=amount_gt_5", "sortBy=instanceId&sortOrder=up",
])
def test_a_filter_that_is_not_understood_is_refused(api, order, query):
    assert api.get(f"/process-instance?{query}", 400).keys() == shapes.ERROR


def test_long_lists_are_told_in_parts(api, order):
    started = [order, *(api.start("order") for _ in range(4))]
    page = api.get("/process-instance?sortBy=instanceId&sortOrder=asc&firstResult=1&maxResults=2")
    assert [each["id"] for each in page] == started[1:3]
    page = api.post("/process-instance?firstResult=3", {"sorting": [{"sortBy": "instanceId", "sortOrder": "desc"}]})
    assert [each["id"] for each in page] == started[1::-1]
    assert api.get("/process-instance?maxResults=0") == []


def test_an_instance_is_suspended_and_resumed(api, order):
    path = f"/process-instance/{order}/suspended"
    api.send("PUT", path, {"suspended": True})
    api.send("PUT", path, {"suspended": True})
    assert api.get(f"/process-instance/{order}")["suspended"] is True
    assert (ids(api, "suspended=true"), api.fetch("pay")) == ({order}, [])
    api.send("PUT", path, {"suspended": False})
    assert len(api.fetch("pay")) == 1
    api.send("PUT", path, {}, 400)


def test_an_instance_is_deleted(api, order):
    # Y sends an empty object along.
    api.send("DELETE", f"/process-instance/{order}?skipCustomListeners=true&deleteReason=a+typo", {})
    api.get(f"/process-instance/{order}", 404)
    past = api.get(f"/history/process-instance/{order}")
    assert (past["state"], past["deleteReason"]) == ("EXTERNALLY_TERMINATED", "a typo")
    api.send("DELETE", f"/process-instance/{order}", status=404)
    api.send("DELETE", f"/process-instance/{order}?failIfNotExists=false")


def test_a_called_instance_is_deleted_with_its_caller_only(api, order):
    api.deploy(process("caller", CALL), name="caller.bpmn")
    caller = api.start("caller")
    [called] = ids(api, f"superProcessInstance={caller}")
    api.send("DELETE", f"/process-instance/{called}", status=400)
    api.send("DELETE", f"/process-instance/{caller}")
    assert api.get(f"/history/process-instance/{called}")["state"] == "INTERNALLY_TERMINATED"


def test_the_tree_of_active_activities(api):
    api.deploy(process("review", LOOP, user("sign")))
    id = api.start("review")
    root = api.get(f"/process-instance/{id}/activity-instances")
    assert root.keys() == shapes.ACTIVITY
    assert (root["id"], root["activityType"], root["activityId"], root["name"]) \
        == (id, "processDefinition", "review", "Review")
    [body] = root["childActivityInstances"]
    assert (body["activityId"], body["activityType"]) == ("each#multiInstanceBody", "multiInstanceBody")
    rounds = body["childActivityInstances"]
    assert [each["activityType"] for each in rounds] == ["subProcess", "subProcess"]
    for each in rounds:
        [inner] = each["childActivityInstances"]
        assert (inner["activityId"], inner["activityName"], inner["activityType"]) == ("inner", "Inner", "userTask")
        assert inner["parentActivityInstanceId"] == each["id"]


def test_the_tree_and_the_variables_are_whole_however_many_there_are(api):
    many = LOOP.replace(">2<", ">501<")
    api.deploy(process("review", many, user("sign")))
    id = api.start("review", {f"v{number:04d}": number for number in range(1_001)})
    [body] = api.get(f"/process-instance/{id}/activity-instances")["childActivityInstances"]
    assert sum(len(each["childActivityInstances"]) for each in body["childActivityInstances"]) == 501
    assert len(api.get(f"/process-instance/{id}/variables")) == 1_001


def test_the_tree_shows_incidents(api, order):
    [task] = api.fetch("pay")
    api.send("POST", f"/external-task/{task['id']}/failure", {"workerId": "w", "retries": 0})
    [child] = api.get(f"/process-instance/{order}/activity-instances")["childActivityInstances"]
    [incident] = api.get("/incident")
    assert child["incidentIds"] == [incident["id"]]
    assert child["incidents"][0]["incidentType"] == "failedExternalTask"
