"""How definitions and activities are doing, and what else user interfaces ask."""

from __future__ import annotations

import pytest

from tests.web.camunda7.drawing import external, process, user
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, User


@pytest.fixture
def orders(api):
    api.deploy(process("order", external("ship"), user("check")))
    api.deploy(process("other", '<bpmn:callActivity id="ask" calledElement="order"/>',
                       '<bpmn:callActivity id="again" calledElement="order"/>'))
    keys = [api.start("order") for _ in range(3)]
    [job] = api.fetch("ship", most=1)
    api.post(f"/external-task/{job['id']}/failure", {"workerId": "w", "errorMessage": "no", "retries": 0}, 204)
    return keys


def test_statistics(api, orders):
    found = {each["definition"]["key"]: each for each in api.get("/process-definition/statistics?incidents=true")}
    incidents = [{"incidentType": "failedExternalTask", "incidentCount": 1}]
    assert {key: (each["instances"], each["failedJobs"], each["incidents"]) for key, each in found.items()} \
        == {"order": (3, 0, incidents), "other": (0, 0, [])}
    of_activities = api.get(f"/process-definition/{found['order']['id']}/statistics?incidents=true")
    assert of_activities == [{"id": "ship", "instances": 3, "failedJobs": 0, "incidents": incidents}]
    assert api.get("/process-definition/key/order/statistics?incidentsForType=failedJob")[0]["incidents"] == []
    assert api.get("/process-definition/key/order/statistics")[0]["incidents"] == []
    api.get("/process-definition/nothing:1:99/statistics", 404)


def test_called_definitions(api, orders):
    other = api.get("/process-definition/key/other")["id"]
    [called] = api.get(f"/process-definition/{other}/static-called-process-definitions")
    assert (called["key"], called["calledFromActivityIds"], called["callingProcessDefinitionId"]) \
        == ("order", ["again", "ask"], other)
    assert api.get(f"/process-definition/{called['id']}/static-called-process-definitions") == []


def test_the_days_that_history_is_kept_are_changed(api, orders):
    id = api.get("/process-definition/key/order")["id"]
    path = f"/process-definition/{id}/history-time-to-live"
    api.send("PUT", path, {"historyTimeToLive": 5})
    assert api.get(f"/process-definition/{id}")["historyTimeToLive"] == 5
    api.send("PUT", path, {"historyTimeToLive": None})
    assert api.get(f"/process-definition/{id}")["historyTimeToLive"] is None
    for wrong in ({}, {"historyTimeToLive": -1}, {"historyTimeToLive": "P5D"}):
        api.send("PUT", path, wrong, 400)
    api.send("PUT", "/process-definition/x/history-time-to-live", {"historyTimeToLive": 5}, 404)
    assert api.client.get(f"/engine-rest/process-definition/{id}/diagram").status_code == 204
    api.get("/process-definition/key/nothing/diagram", 404)
    api.get("/process-definition/key/order/tenant-id/other/diagram", 404)


def test_sums(api, clock, orders):
    path = "/metrics/root-process-instance-start/sum"
    assert api.get(path) == {"result": 3}
    assert api.get("/metrics/process-instances/sum") == {"result": 3}
    later = "2199-01-01T00:00:00.000%2B0000"
    assert api.get(f"{path}?startDate={later}") == {"result": 0}
    assert api.get(f"{path}?endDate={later}") == {"result": 3}
    api.get("/metrics/unheard-of/sum", 400)
    api.get(f"{path}?startDate=yesterday", 400)


def test_lists_of_what_there_is_none_of(api):
    for path in ("/user", "/group", "/tenant", "/authorization", "/filter", "/batch", "/history/batch"):
        assert api.get(path) == []
        assert api.get(f"{path}/count") == {"count": 0}
    api.get("/user/demo/profile", 404)
    api.get("/group/demo", 404)
    assert api.get("/identity/groups?userId=demo") == {"groups": [], "groupUsers": []}


def test_users_and_groups_are_those_of_the_access_file(api, app, tmp_path):
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(users={"ann": User("x", ("sales", "night")), "bob": User("x", ("night",)), "cy": User("x")}))
    app.extensions["access"] = Access(file, "key")   # what is asked of; the gate keeps its own, which is open
    assert [each["id"] for each in api.get("/user")] == ["ann", "bob", "cy"]
    assert [each["id"] for each in api.get("/user?firstResult=1&maxResults=1")] == ["bob"]
    assert api.get("/user/bob/profile") == {"id": "bob", "firstName": None, "lastName": None, "email": None}
    assert [each["id"] for each in api.get("/group?member=ann")] == ["night", "sales"]
    assert api.get("/group/count") == {"count": 2}
    assert api.get("/group/night") == {"id": "night", "name": "night", "type": None}
    found = api.get("/identity/groups?userId=bob")
    assert found["groups"] == [{"id": "night", "name": "night"}]
    assert [each["id"] for each in found["groupUsers"]] == ["ann"]
    assert "x" not in [each for user in api.get("/user") for each in user.values()]    # no hash is told
