"""The history: what was, who did what."""

from __future__ import annotations

import pytest

from tests.engine.conftest import database_url  # noqa: F401, lists differ most between the databases
from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import external, process, user


@pytest.fixture
def story(api, clock):
    """One order that was checked and paid within 90 seconds, and one that waits for its payment; their ids."""
    api.deploy(process("order", user("check"), external("pay")))
    done, waiting = api.start("order", {"amount": 5}, businessKey="A-1"), api.start("order", {}, businessKey="A-2")
    for task in api.get("/task"):
        api.post(f"/task/{task['id']}/claim", {"userId": "mary"}, 204)
        api.post(f"/task/{task['id']}/complete", {}, 204)
    clock.advance(seconds=90)
    [paid] = api.fetch("pay", businessKey="A-1", lock=600_000)
    api.post(f"/external-task/{paid['id']}/complete", {"workerId": "w", "variables": {"paid": {"value": True}}}, 204)
    return done, waiting


def ids(api, query):
    return {each["id"] for each in api.get(f"/history/process-instance?{query}")}


def test_instances_that_are_over_and_that_are_not(api, story):
    done, waiting = story
    found = api.get(f"/history/process-instance/{done}")
    assert found.keys() == shapes.PAST_INSTANCE
    assert (found["state"], found["startTime"], found["endTime"], found["durationInMillis"], found["deleteReason"]) \
        == ("COMPLETED", "2030-01-31T12:00:00.000+0000", "2030-01-31T12:01:30.000+0000", 90_000, None)
    other = api.get(f"/history/process-instance/{waiting}")
    assert (other["state"], other["endTime"], other["durationInMillis"]) == ("ACTIVE", None, None)
    for query, wanted in (
        ("finished=true", {done}), ("unfinished=true", {waiting}), ("completed=true", {done}),
        ("finishedAfter=2030-01-31T12:01:00.000%2B0000", {done}),
        ("startedAfter=2030-01-31T12:01:00.000%2B0000", set()),
        ("startedBefore=2030-01-31T12:01:00.000%2B0000", {done, waiting}),
        ("processInstanceBusinessKey=A-2", {waiting}),
        ("activeActivityIdIn=pay", {waiting}), ("executedActivityIdIn=pay", {done, waiting}),
        ("variables=amount_eq_5", set()), ("externallyTerminated=true", set()), ("incidentStatus=open", set()),
    ):
        assert ids(api, query) == wanted, query
    assert api.post("/history/process-instance/count", {"finished": True}) == {"count": 1}
    api.get("/history/process-instance/99", 404)


def test_activities_in_the_order_in_which_they_began(api, story):
    done, waiting = story
    found = api.get(f"/history/activity-instance?processInstanceId={done}")
    assert [(each["activityId"], each["activityType"], each["canceled"]) for each in found] == [
        ("start", "startEvent", False), ("check", "userTask", False), ("pay", "serviceTask", False),
        ("end", "noneEndEvent", False)]
    assert found[2]["durationInMillis"] == 90_000
    assert {each["parentActivityInstanceId"] for each in found} == {done}
    [pending] = api.get(f"/history/activity-instance?unfinished=true&processInstanceId={waiting}")
    assert (pending["activityId"], pending["activityName"], pending["endTime"]) == ("pay", "Pay", None)
    assert api.get("/history/activity-instance/count?activityId=check&finished=true") == {"count": 2}


def test_a_cancelled_activity_is_told_as_such(api, story):
    api.send("DELETE", f"/process-instance/{story[1]}")
    [found] = api.get("/history/activity-instance?canceled=true")
    assert (found["activityId"], found["processInstanceId"]) == ("pay", story[1])


def test_variables_of_what_is_over(api, story):
    found = api.get(f"/history/variable-instance?processInstanceId={story[0]}&sortBy=variableName&sortOrder=asc")
    assert [(each["name"], each["type"], each["value"]) for each in found] \
        == [("amount", "Integer", 5), ("paid", "Boolean", True)]
    assert found[0]["processDefinitionKey"] == "order"
    assert api.get("/history/variable-instance/count?variableName=paid") == {"count": 1}


def test_tasks_that_were_done(api, story):
    found = api.get("/history/task?finished=true&taskAssignee=mary")
    assert {each["processInstanceId"] for each in found} == set(story)
    assert {each["deleteReason"] for each in found} == {"completed"}
    assert api.get("/history/task/count?taskDeleteReason=deleted") == {"count": 0}


def test_incidents_that_were_resolved(api, story):
    [task] = api.fetch("pay")
    api.post(f"/external-task/{task['id']}/failure", {"workerId": "w", "errorMessage": "no", "retries": 0}, 204)
    [found] = api.get("/history/incident?open=true")
    assert (found["open"], found["resolved"], found["incidentMessage"]) == (True, False, "no")
    api.send("DELETE", f"/incident/{found['id']}")
    [found] = api.get("/history/incident?resolved=true")
    assert (found["open"], found["resolved"], found["endTime"]) == (False, True, "2030-01-31T12:01:30.000+0000")
    assert api.get("/history/incident/count?open=true&deleted=false") == {"count": 0}


def test_who_did_what(api, story):
    log = api.get("/history/user-operation?sortBy=timestamp&sortOrder=asc")
    assert [(each["entityType"], each["operationType"]) for each in log[:3]] \
        == [("Deployment", "Create"), ("ProcessInstance", "Create"), ("ProcessInstance", "Create")]
    claims = api.get("/history/user-operation?operationType=Claim&category=TaskWorker")
    assert [(each["userId"], each["newValue"]) for each in claims] == [("Camunda 7 REST", '{"assignee":"mary"}')] * 2
    assert api.get(f"/history/user-operation/count?processInstanceId={story[0]}&entityType=Task") == {"count": 2}
    assert api.get("/history/user-operation/count?category=Operator") == {"count": 3}
    assert api.get(f"/history/user-operation/count?taskId={claims[0]['taskId']}") == {"count": 2}


def test_reasons_are_kept(api, story):
    api.send("DELETE", f"/process-instance/{story[1]}?deleteReason=a+typo")
    [found] = api.get("/history/user-operation?operationType=Delete")
    assert (found["annotation"], found["processInstanceId"]) == ("a typo", story[1])
