"""User tasks are found, assigned, changed and completed."""

from __future__ import annotations

import pytest

from engine import instances
from tests.engine import drawing
from tests.web.camunda8 import shapes

MAPPED = '<zeebe:ioMapping><zeebe:input source="=&quot;inner&quot;" target="place"/></zeebe:ioMapping>'


@pytest.fixture
def task(api):
    review = drawing.user("review", 'candidateGroups="reviewers, leads" candidateUsers="ada"',
                          'dueDate="2030-02-01T00:00:00Z"').replace("<zeebe:userTask/>", f"<zeebe:userTask/>{MAPPED}")
    api.deploy(drawing.process("order", drawing.start(), review, drawing.end()))
    api.start("order", {"amount": 42, "place": "outer"}, businessId="A-1", tags=["vip"])
    [found] = api.items("user-tasks")
    return found["userTaskKey"]


def test_a_task_has_every_field(api, task):
    [found] = api.items("user-tasks", {"state": "CREATED"}, page={"from": 0, "limit": 10},
                        sort=[{"field": "creationDate", "order": "asc"}])
    shapes.check(found, shapes.USER_TASK)
    assert found == api.get(f"/user-tasks/{task}")
    assert (found["name"], found["elementId"], found["assignee"]) == ("review", "review", None)
    assert (found["candidateGroups"], found["candidateUsers"]) == (["reviewers", "leads"], ["ada"])
    assert (found["dueDate"], found["priority"]) == ("2030-02-01T00:00:00.000Z", 50)
    assert (found["processName"], found["businessId"], found["tags"]) == ("Order", "A-1", ["vip"])


@pytest.mark.parametrize(("filter", "count"), [
    ({"candidateGroup": "leads"}, 1), ({"candidateGroup": "others"}, 0),
    ({"candidateUser": {"$in": ["ada", "bob"]}}, 1), ({"state": "CREATED", "candidateGroup": "leads"}, 1),
    ({"state": "CREATED", "candidateGroup": {"$in": ["others", "leads"]}, "candidateUser": "ada"}, 1),
    ({"state": "CREATED", "candidateGroup": "others"}, 0), ({"state": "CREATED", "candidateUser": "leads"}, 0),
    ({"assignee": {"$exists": False}}, 1), ({"state": "COMPLETED"}, 0), ({"tags": ["vip"]}, 1),
    ({"processInstanceVariables": [{"name": "amount", "value": "42"}]}, 1),
    ({"localVariables": [{"name": "amount", "value": "42"}]}, 0),
    ({"localVariables": [{"name": "place", "value": "\"inner\""}]}, 1),
    ({"dueDate": {"$lt": "2030-02-02T00:00:00Z"}}, 1), ({"priority": {"$gt": 50}}, 0),
])
def test_tasks_are_found(api, task, filter, count):
    assert len(api.items("user-tasks", filter)) == count


def test_a_task_is_assigned_and_given_back(api, task):
    api.send("POST", f"/user-tasks/{task}/assignment", {"assignee": "ada"})
    assert api.get(f"/user-tasks/{task}")["assignee"] == "ada"
    api.send("POST", f"/user-tasks/{task}/assignment", {"assignee": "bob"})
    assert api.get(f"/user-tasks/{task}")["assignee"] == "bob"
    api.send("POST", f"/user-tasks/{task}/assignment", {"assignee": "ada", "allowOverride": False}, status=409)
    api.send("DELETE", f"/user-tasks/{task}/assignee")
    assert api.get(f"/user-tasks/{task}")["assignee"] is None
    api.send("POST", f"/user-tasks/{task}/assignment", {"assignee": ""}, status=400)


def test_a_task_is_changed_and_the_rest_stays(api, task):
    api.send("PATCH", f"/user-tasks/{task}", {"changeset": {
        "dueDate": "2031-01-01T00:00:00+01:00", "candidateUsers": ["eve"], "priority": 80,
    }})
    found = api.get(f"/user-tasks/{task}")
    assert (found["dueDate"], found["candidateUsers"]) == ("2030-12-31T23:00:00.000Z", ["eve"])
    assert (found["priority"], found["candidateGroups"]) == (80, ["reviewers", "leads"])
    api.send("PATCH", f"/user-tasks/{task}", {"changeset": {"dueDate": "", "candidateGroups": None}})
    found = api.get(f"/user-tasks/{task}")
    assert (found["dueDate"], found["candidateGroups"], found["priority"]) == (None, [], 80)
    for wrong in ({}, {"changeset": {}}, {"changeset": {"priority": 101}}, {"changeset": {"dueDate": "soon"}}):
        api.send("PATCH", f"/user-tasks/{task}", wrong, status=400)


def test_tasks_of_candidates_are_found_when_they_are_over(api, task):
    api.send("POST", f"/user-tasks/{task}/completion", {})
    for state, count in (("COMPLETED", 1), ("CREATED", 0)):
        assert len(api.items("user-tasks", {"candidateGroup": "leads", "state": state})) == count
    assert len(api.items("user-tasks", {"candidateGroup": "leads"})) == 1


def test_a_task_that_is_job_based_is_done_by_a_worker_or_by_a_person(api):
    # given
    review = drawing.user("review", 'assignee="ada" candidateGroups="leads"').replace("<zeebe:userTask/>", "")
    api.deploy(drawing.process("old", drawing.start(), review, drawing.end()))
    first, second = api.start("old"), api.start("old")

    # when a worker does the first one
    asked = {"type": "io.camunda.zeebe:userTask", "worker": "w", "maxJobsToActivate": 1, "timeout": 60_000}
    [job] = api.post("/jobs/activation", asked)["jobs"]
    shapes.check(job, shapes.ACTIVATED_JOB)
    assert job["customHeaders"] == {"io.camunda.zeebe:assignee": "ada", "io.camunda.zeebe:candidateGroups": '["leads"]',
                                    "io.camunda.zeebe:priority": "50"}
    assert job["processInstanceKey"] == first
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {"variables": {"ok": True}})

    # then
    assert {each["state"]: each["processInstanceKey"] for each in api.items("user-tasks")} == {
        "COMPLETED": first, "CREATED": second}

    # when a person does the other one
    [open_] = api.items("user-tasks", {"state": "CREATED"})
    api.send("POST", f"/user-tasks/{open_['userTaskKey']}/completion", {})
    assert api.instance(second)["state"] == "COMPLETED"
    assert api.post("/jobs/activation", {**asked, "requestTimeout": -1})["jobs"] == []


def test_a_task_is_completed(api, task):
    key = api.get(f"/user-tasks/{task}")["processInstanceKey"]
    api.send("POST", f"/user-tasks/{task}/completion", {"variables": {"approved": True}})
    found = api.get(f"/user-tasks/{task}")
    assert (found["state"], found["completionDate"]) == ("COMPLETED", "2030-01-31T12:00:00.000Z")
    assert api.instance(key)["state"] == "COMPLETED"
    api.send("POST", f"/user-tasks/{task}/completion", status=409)


def test_a_cancelled_instance_cancels_its_task(api, task):
    key = api.get(f"/user-tasks/{task}")["processInstanceKey"]
    api.send("POST", f"/process-instances/{key}/cancellation")
    assert api.get(f"/user-tasks/{task}")["state"] == "CANCELED"


def test_a_task_of_a_suspended_instance_cannot_be_completed(api, task, engine):
    key = api.get(f"/user-tasks/{task}")["processInstanceKey"]
    engine.execute(instances.suspend, int(key), "Wait.")
    assert "suspended" in api.send("POST", f"/user-tasks/{task}/completion", status=409)["detail"]


def test_a_task_sees_variables_through_its_scopes(api, task):
    everything = api.post(f"/user-tasks/{task}/variables/search")["items"]
    assert sorted((each["name"], each["value"]) for each in everything) == [
        ("amount", "42"), ("place", '"inner"'), ("place", '"outer"')]
    seen = api.post(f"/user-tasks/{task}/effective-variables/search")["items"]
    assert sorted((each["name"], each["value"]) for each in seen) == [("amount", "42"), ("place", '"inner"')]


def test_a_task_has_no_form(api, task):
    assert api.get(f"/user-tasks/{task}/form", status=204) is None


def test_a_listener_is_told_of_the_task_and_may_deny(api):
    # given a task whose completion a worker has to approve
    listener = '<zeebe:taskListeners><zeebe:taskListener eventType="completing" type="approve"/></zeebe:taskListeners>'
    review = drawing.user("review", 'assignee="ada"').replace("<zeebe:userTask/>", f"<zeebe:userTask/>{listener}")
    api.deploy(drawing.process("watched", drawing.start(), review, drawing.end()))
    api.start("watched")
    [found] = api.items("user-tasks", {"processDefinitionId": "watched"})
    key = found["userTaskKey"]

    # when somebody completes it
    api.send("POST", f"/user-tasks/{key}/completion", {"variables": {"approved": True}})

    # then the worker is asked, and its refusal leaves the task as it was
    assert api.get(f"/user-tasks/{key}")["state"] == "COMPLETING"
    [job] = api.take("approve")
    assert (job["kind"], job["listenerEventType"]) == ("TASK_LISTENER", "COMPLETING")
    shapes.check(job["userTask"], shapes.TASK_OF_JOB)
    assert (job["userTask"]["userTaskKey"], job["userTask"]["assignee"]) == (key, "ada")
    assert job["userTask"]["action"] == "complete"
    [listed] = api.items("jobs", {"listenerEventType": "COMPLETING"})
    assert (listed["jobKey"], listed["listenerEventType"]) == (job["jobKey"], "COMPLETING")
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {"result": {"type": "userTask", "denied": True}})
    assert api.get(f"/user-tasks/{key}")["state"] == "CREATED"


def test_a_listener_is_told_what_the_task_is_going_to_be_like(api):
    # given
    heard = "".join(f'<zeebe:taskListener eventType="{event}" type="{event}"/>' for event in ("assigning", "updating"))
    listeners = f"<zeebe:taskListeners>{heard}</zeebe:taskListeners>"
    review = drawing.user("review").replace("<zeebe:userTask/>", f"<zeebe:userTask/>{listeners}")
    api.deploy(drawing.process("watched", drawing.start(), review, drawing.end()))
    api.start("watched")
    [found] = api.items("user-tasks", {"processDefinitionId": "watched"})
    key = found["userTaskKey"]

    # when somebody is to get it, and the worker corrects that
    api.send("POST", f"/user-tasks/{key}/assignment", {"assignee": "ada"})
    [job] = api.take("assigning")
    assert (job["userTask"]["assignee"], job["userTask"]["changedAttributes"]) == ("ada", ["assignee"])
    assert job["customHeaders"] == {}
    result = {"type": "userTask", "corrections": {"assignee": "bob", "dueDate": "2030-03-01T09:00:00Z"}}
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {"result": result})

    # then
    assert api.get(f"/user-tasks/{key}")["assignee"] == "bob"
    assert api.get(f"/user-tasks/{key}")["dueDate"].startswith("2030-03-01T09:00")

    # when it is to be changed
    api.send("PATCH", f"/user-tasks/{key}", {"changeset": {"dueDate": "2030-04-01T00:00:00Z", "priority": 5}})

    # then
    [job] = api.take("updating")
    assert job["userTask"]["changedAttributes"] == ["dueDate", "priority"]
    assert job["userTask"]["dueDate"].startswith("2030-04-01")


def test_a_worker_leads_an_ad_hoc_sub_process(api):
    # given
    tools = ('<bpmn:adHocSubProcess id="tools"><bpmn:extensionElements><zeebe:taskDefinition type="agent"/>'
             f'</bpmn:extensionElements>{drawing.service("search")}{drawing.service("mail")}</bpmn:adHocSubProcess>')
    api.deploy(drawing.process("led", drawing.start(), tools, drawing.end(), flows="start>tools tools>end"))
    key = api.start("led")
    [job] = api.take("agent")
    assert job["kind"] == "AD_HOC_SUB_PROCESS"

    # when
    activate = [{"elementId": "search", "variables": {"query": "bpmn"}}]
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {
        "result": {"type": "adHocSubProcess", "activateElements": activate}})
    [inner] = api.take("search")
    assert inner["variables"]["query"] == "bpmn"
    api.send("POST", f"/jobs/{inner['jobKey']}/completion")
    [job] = api.take("agent")
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {
        "result": {"type": "adHocSubProcess", "isCompletionConditionFulfilled": True}})

    # then
    assert api.instance(key)["state"] == "COMPLETED"
