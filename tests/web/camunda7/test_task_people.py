"""What people do with tasks beside completing them: delegate, resolve, change, name whom they concern, comment."""

from __future__ import annotations

import pytest

from tests.engine.conftest import database_url  # noqa: F401, lists differ most between the databases
from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import process, user

COMMENT = {"links", "id", "userId", "taskId", "processInstanceId", "time", "message", "removalTime",
           "rootProcessInstanceId"}


@pytest.fixture
def task(api):
    """The id of an open task for sales, which nobody has."""
    api.deploy(process("review", user("sign", 'camunda:candidateUsers="john" camunda:candidateGroups="sales"')))
    api.start("review", {"amount": 5})
    [found] = api.get("/task")
    return found["id"]


def state(api, task):
    found = api.get(f"/task/{task}")
    return found["assignee"], found["owner"], found["delegationState"]


def count(api, query):
    return api.get(f"/task/count?{query}")["count"]


def test_a_task_is_delegated_and_resolved(api, task):
    api.post(f"/task/{task}/claim", {"userId": "mary"}, 204)
    api.post(f"/task/{task}/delegate", {"userId": "john"}, 204)
    assert state(api, task) == ("john", "mary", "PENDING")
    assert "john" in api.post(f"/task/{task}/complete", {}, 400)["message"]
    assert (count(api, "delegationState=PENDING"), count(api, "delegationState=RESOLVED")) == (1, 0)

    api.post(f"/task/{task}/resolve", {"variables": {"ok": {"value": True}}}, 204)
    assert state(api, task) == ("mary", "mary", "RESOLVED")
    assert api.get(f"/task/{task}/variables")["ok"]["value"] is True
    api.post(f"/task/{task}/resolve", {}, 400)
    assert count(api, "owner=mary&delegationState=RESOLVED") == 1
    api.post(f"/task/{task}/complete", {}, 204)
    [past] = api.get("/history/task?taskOwner=mary")
    assert (past["owner"], past["deleteReason"]) == ("mary", "completed")


def test_what_a_task_says_is_changed_and_the_rest_stays(api, task):
    api.send("PUT", f"/task/{task}", {
        "name": "Sign it", "description": "With ink.", "priority": 7, "owner": "mary", "assignee": "john",
        "due": "2030-03-01T09:00:00.000+0100", "followUp": "2030-02-01T09:00:00.000+0100", "delegationState": None,
    }, status=204)
    found = api.get(f"/task/{task}")
    assert found.keys() == shapes.TASK
    assert {name: found[name] for name in ("name", "description", "priority", "owner", "assignee", "due", "followUp",
                                           "lastUpdated")} == {
        "name": "Sign it", "description": "With ink.", "priority": 7, "owner": "mary", "assignee": "john",
        "due": "2030-03-01T08:00:00.000+0000", "followUp": "2030-02-01T08:00:00.000+0000",
        "lastUpdated": "2030-01-31T12:00:00.000+0000"}
    api.send("PUT", f"/task/{task}", {"due": None}, status=204)
    found = api.get(f"/task/{task}")
    assert (found["due"], found["name"]) == (None, "Sign it")
    for wrong in ({"delegationState": "PENDING"}, {"priority": "high"}, {"due": "tomorrow"}, {"name": 5}):
        api.send("PUT", f"/task/{task}", wrong, status=400)
    api.send("PUT", "/task/99", {"name": "x"}, status=404)


def test_a_task_comes_to_concern_somebody_and_no_longer(api, task):
    def links(query=""):
        return {(each["type"], each["userId"] or each["groupId"]) for each in
                api.get(f"/task/{task}/identity-links{query}")}

    api.post(f"/task/{task}/identity-links", {"userId": "ann", "type": "candidate"}, 204)
    api.post(f"/task/{task}/identity-links", {"groupId": "law", "type": "candidate"}, 204)
    api.post(f"/task/{task}/identity-links", {"userId": "mary", "type": "owner"}, 204)
    api.post(f"/task/{task}/identity-links", {"userId": "bob", "type": "assignee"}, 204)
    assert links("?type=candidate") == {("candidate", name) for name in ("john", "ann", "sales", "law")}
    assert links("?type=owner") == {("owner", "mary")}
    assert count(api, "candidateGroup=law&includeAssignedTasks=true") == 1

    for gone in ({"groupId": "sales", "type": "candidate"}, {"userId": "bob", "type": "assignee"},
                 {"userId": "nobody", "type": "owner"}, {"userId": "nobody", "type": "candidate"}):
        api.post(f"/task/{task}/identity-links/delete", gone, 204)
    assert links() == {("candidate", "john"), ("candidate", "ann"), ("candidate", "law"), ("owner", "mary")}
    assert (count(api, "candidateGroup=sales"), count(api, "candidateGroup=law")) == (0, 1)
    for wrong in ({"userId": "ann", "type": "reader"}, {"userId": "ann", "groupId": "law", "type": "candidate"},
                  {"type": "candidate"}, {"groupId": "law", "type": "owner"}):
        api.post(f"/task/{task}/identity-links", wrong, 400)


def test_tasks_are_found_by_whom_they_concern(api, task):
    for query, wanted in (
        ("involvedUser=john", 1), ("involvedUser=mary", 0), ("withCandidateGroups=true", 1),
        ("withoutCandidateGroups=true", 0), ("withCandidateUsers=true", 1), ("withoutCandidateUsers=true", 0),
        ("withCandidateUsers=false", 1), ("candidateGroups=it,sales", 1), ("candidateUser=john&candidateGroup=it", 0),
        ("followUpBeforeOrNotExistent=2030-01-01T00:00:00.000%2B0000", 1), ("descriptionLike=Sign%25", 0),
    ):
        assert count(api, query) == wanted, query
    api.post(f"/task/{task}/claim", {"userId": "mary"}, 204)
    assert (count(api, "involvedUser=mary"), count(api, "withCandidateUsers=true")) == (1, 0)
    assert count(api, "withCandidateUsers=true&includeAssignedTasks=true") == 1
    assert count(api, "updatedAfter=2030-01-31T12:00:00.000%2B0000") == 1
    api.get("/task?delegationState=DONE", 400)


def test_comments_are_written_and_read_also_when_the_task_is_over(api, task):
    made = api.post(f"/task/{task}/comment/create", {"message": "Look at page 3."})
    assert made.keys() == COMMENT
    assert made["links"][0]["href"].endswith(f"/task/{task}/comment/{made['id']}")
    api.post(f"/task/{task}/complete", {}, 204)
    [found] = api.get(f"/task/{task}/comment")
    assert {**found, "links": made["links"]} == made == {**api.get(f"/task/{task}/comment/{made['id']}"),
                                                        "links": made["links"]}
    api.get(f"/task/{task}/comment/99", 404)
    api.get("/task/99/comment", 404)
    api.post("/task/99/comment/create", {"message": "x"}, 404)
    api.post(f"/task/{task}/comment/create", {"message": ""}, 400)


@pytest.mark.parametrize("way", ["delegate", "resolve", "identity-links"])
def test_tasks_that_are_over_are_not_found(api, task, way):
    api.post(f"/task/{task}/complete", {}, 204)
    api.post(f"/task/{task}/{way}", {"userId": "mary", "type": "owner"}, 404)
