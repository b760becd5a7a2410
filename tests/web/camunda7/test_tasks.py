"""User tasks: found, claimed, assigned, completed."""

from __future__ import annotations

import pytest

from tests.engine.conftest import database_url  # noqa: F401, lists differ most between the databases
from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import process, user

ASSIGNED = 'camunda:assignee="mary" camunda:priority="80" camunda:formKey="embedded:app:forms/x.html"'
OPEN_TO_SOME = 'camunda:candidateUsers="john" camunda:candidateGroups="sales,support"'


@pytest.fixture
def review(api):
    """An instance that first waits for Mary, then for whoever is in sales; its id."""
    api.deploy(process("review", user("check", f'{ASSIGNED} camunda:dueDate="2030-02-01T08:00:00Z"'),
                       user("sign", OPEN_TO_SOME)))
    return api.start("review", {"amount": 5}, businessKey="A-1")


def only(api, query=""):
    [found] = api.get(f"/task?{query}")
    return found


@pytest.fixture
def sign(api, review):
    """The id of the second task."""
    api.post(f"/task/{only(api)['id']}/complete", {}, 204)
    return only(api)["id"]


def test_a_task_says_what_to_do(api, review):
    task = only(api)
    assert task.keys() == shapes.TASK
    assert api.get(f"/task/{task['id']}") == task
    assert {name: task[name] for name in (
        "name", "assignee", "created", "due", "priority", "taskDefinitionKey", "processInstanceId", "formKey",
        "description", "suspended", "taskState", "delegationState")} == {
        "name": "Check", "assignee": "mary", "created": "2030-01-31T12:00:00.000+0000",
        "due": "2030-02-01T08:00:00.000+0000", "priority": 80, "taskDefinitionKey": "check",
        "processInstanceId": review, "formKey": "embedded:app:forms/x.html", "description": "What to do.",
        "suspended": False, "taskState": "Created", "delegationState": None,
    }
    assert api.get(f"/task/{task['id']}/form")["key"] == "embedded:app:forms/x.html"


def test_a_task_names_its_camunda_form(api):
    ref = 'camunda:formRef="approval" camunda:formRefBinding="version" camunda:formRefVersion="2"'
    api.deploy(process("order", user("check", ref), user("sign", 'camunda:formRef="approval"')))
    api.start("order")
    task = only(api)
    wanted = {"key": "approval", "binding": "version", "version": 2}
    assert task["camundaFormRef"] == api.get(f"/task/{task['id']}/form")["camundaFormRef"] == wanted
    api.post(f"/task/{task['id']}/complete", {}, 204)
    assert only(api)["camundaFormRef"] == {"key": "approval", "binding": "latest", "version": None}


def test_tasks_are_found(api, review):
    for query, count in (
        (f"processInstanceId={review}", 1), ("processInstanceId=99", 0), ("assignee=mary", 1), ("assignee=john", 0),
        ("assigneeLike=ma%25", 1), ("unassigned=true", 0), ("assigned=true", 1), ("taskDefinitionKey=check", 1),
        ("taskDefinitionKeyIn=sign,check", 1), ("name=Check", 1), ("nameLike=%25eck", 1), ("minPriority=81", 0),
        ("maxPriority=80", 1), ("processInstanceBusinessKey=A-1", 1), ("processDefinitionKey=review", 1),
        ("dueBefore=2030-02-01T09:00:00.000%2B0000", 1), ("dueAfter=2030-02-01T09:00:00.000%2B0000", 0),
        ("createdBefore=2030-01-31T12:00:00.000%2B0000", 1), ("active=true", 1), ("suspended=true", 0),
    ):
        assert api.get(f"/task/count?{query}") == {"count": count}, query
    amount = {"name": "amount", "operator": "eq", "value": 5}
    assert api.post("/task/count", {"processVariables": [amount]}) == {"count": 1}
    assert api.post("/task", {"processInstanceId": review, "assignee": None})[0]["name"] == "Check"


def test_tasks_for_candidates_are_those_that_nobody_has(api, sign):
    for query, count in (("candidateUser=john", 1), ("candidateUser=mary", 0), ("candidateGroup=sales", 1),
                         ("candidateGroups=it,support", 1), ("candidateGroup=it", 0)):
        assert api.get(f"/task/count?{query}") == {"count": count}, query
    api.post(f"/task/{sign}/claim", {"userId": "john"}, 204)
    assert api.get("/task/count?candidateUser=john") == {"count": 0}
    assert api.get("/task/count?candidateUser=john&includeAssignedTasks=true") == {"count": 1}


def test_a_task_is_claimed_and_given_back(api, sign):
    api.post(f"/task/{sign}/claim", {"userId": "john"}, 204)
    assert only(api)["assignee"] == "john"
    assert "john" in api.post(f"/task/{sign}/claim", {"userId": "mary"}, 400)["message"]
    api.post(f"/task/{sign}/unclaim", {}, 204)
    assert only(api)["assignee"] is None


def test_a_task_is_given_to_somebody_and_to_nobody(api, sign):
    api.post(f"/task/{sign}/assignee", {"userId": "mary"}, 204)
    assert only(api)["assignee"] == "mary"
    api.post(f"/task/{sign}/assignee", {"userId": None}, 204)
    assert only(api)["assignee"] is None


def test_who_may_do_a_task(api, sign):
    api.post(f"/task/{sign}/claim", {"userId": "john"}, 204)
    links = {(each["type"], each["userId"], each["groupId"]) for each in api.get(f"/task/{sign}/identity-links")}
    assert links == {("assignee", "john", None), ("candidate", "john", None), ("candidate", None, "sales"),
                     ("candidate", None, "support")}


@pytest.mark.parametrize("way", ["complete", "submit-form"])
def test_a_completed_task_lets_the_instance_go_on(api, review, sign, way):
    api.post(f"/task/{sign}/{way}", {"variables": {"approved": {"value": True, "type": "boolean"}}}, 204)
    assert api.ended(review)
    assert api.variables(review)["approved"] == ("Boolean", True)


def test_variables_come_back_on_request(api, review):
    found = api.post(f"/task/{only(api)['id']}/complete",
                     {"variables": {"ok": {"value": 1}}, "withVariablesInReturn": True})
    assert {name: each["value"] for name, each in found.items()} == {"amount": 5, "ok": 1}


def test_a_task_of_a_suspended_instance_cannot_be_completed(api, review):
    api.send("PUT", f"/process-instance/{review}/suspended", {"suspended": True})
    assert only(api)["suspended"] is True
    api.post(f"/task/{only(api)['id']}/complete", {}, 400)


@pytest.mark.parametrize("way", ["complete", "claim", "unclaim", "assignee", "submit-form"])
def test_tasks_that_are_done_are_not_found(api, review, way):
    id = only(api)["id"]
    api.post(f"/task/{id}/complete", {}, 204)
    for gone in (id, "99", "x"):
        api.post(f"/task/{gone}/{way}", {"userId": "mary"}, 404)
    api.get(f"/task/{id}", 404)
