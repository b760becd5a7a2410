"""External tasks: answered, locked by hand, found."""

from __future__ import annotations

import pytest

from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import external, outputs, process

DECLINED = ('<bpmn:boundaryEvent id="declined" attachedToRef="pay">'
            '<bpmn:errorEventDefinition errorRef="no_funds" camunda:errorCodeVariable="code"/></bpmn:boundaryEvent>')


@pytest.fixture
def order(api):
    """A process whose payment may be declined; the id of an instance."""
    api.deploy(process("order", external("pay"), DECLINED, external("ask"),
                       flows="start>pay pay>end declined>ask ask>end"),
               '<bpmn:error id="no_funds" errorCode="NO_FUNDS"/>')
    return api.start("order", {"amount": 5}, businessKey="A-1")


@pytest.fixture
def task(api, order):
    """The id of its external task, held by the worker `w`."""
    [found] = api.fetch("pay")
    return found["id"]


def answer(api, task, what, status=204, **body):
    return api.send("POST", f"/external-task/{task}/{what}", {"workerId": "w", **body}, status)


def only(api, query=""):
    [found] = api.get(f"/external-task{query}")
    return found


def test_completed_task_lets_the_instance_go_on(api, order, task):
    answer(api, task, "complete", variables={"paid": {"value": True, "type": "Boolean"}})
    assert api.ended(order)
    assert api.variables(order) == {"amount": ("Integer", 5), "paid": ("Boolean", True)}


def test_local_variables_are_for_the_output_mappings(api):
    api.deploy(process("bill", external("print", extensions=outputs(pages="${count + 1}"))))
    id = api.start("bill")
    [task] = api.fetch("print")
    answer(api, task["id"], "complete", localVariables={"count": {"value": 2}})
    assert api.variables(id) == {"pages": ("Integer", 3)}


def test_a_task_that_never_failed_has_no_error_details(api, task):
    assert api.client.get(f"/engine-rest/external-task/{task}/errorDetails").status_code == 204


def test_nulls_are_as_good_as_nothing(api, order, task):
    # T sends every field.
    answer(api, task, "complete", variables=None, localVariables=None)
    assert api.ended(order)


def test_failed_task_is_tried_again_after_its_pause(api, clock, task):
    # when an attempt fails
    answer(api, task, "failure", errorMessage="no network", errorDetails="a stack", retries=2, retryTimeout=60_000)

    # then it is handed out again when the pause is over, and tells what went wrong
    assert api.client.get(f"/engine-rest/external-task/{task}/errorDetails").text == "a stack"
    assert api.fetch("pay") == []
    assert (only(api)["retries"], only(api)["errorMessage"]) == (2, "no network")
    api.pass_time(clock, minutes=1)
    [again] = api.fetch("pay")
    assert (again["retries"], again["errorMessage"]) == (2, "no network")


def test_task_without_retries_becomes_an_incident_until_it_has_some(api, order, task):
    answer(api, task, "failure", errorMessage="no network", retries=0, variables={"tried": {"value": 1}})
    [incident] = api.get(f"/incident?processInstanceId={order}")
    assert (incident["incidentType"], incident["configuration"], incident["incidentMessage"]) \
        == ("failedExternalTask", task, "no network")
    assert api.get(f"/incident/count?configuration={task}") == {"count": 1}
    assert (only(api)["retries"], api.variables(order)["tried"]) == (0, ("Integer", 1))
    assert api.fetch("pay") == []

    # when somebody gives it attempts
    api.send("PUT", f"/external-task/{task}/retries", {"retries": 3})

    # then the incident is resolved and a worker gets it
    assert api.get("/incident/count") == {"count": 0}
    [again] = api.fetch("pay")
    assert (again["id"], again["retries"]) == (task, 3)


def test_bpmn_error_takes_the_boundary_event(api, order, task):
    answer(api, task, "bpmnError", errorCode="NO_FUNDS", errorMessage="empty", variables={"left": {"value": 0}})
    assert api.fetch("ask")[0]["variables"].keys() == {"amount", "left", "code"}


def test_lock_is_extended_by_its_worker(api, clock, task):
    answer(api, task, "extendLock", newDuration=600_000)
    assert only(api)["lockExpirationTime"] == "2030-01-31T12:10:00.000+0000"
    api.send("POST", f"/external-task/{task}/extendLock", {"workerId": "other", "newDuration": 1}, 400)


def test_a_certain_task_is_locked_and_unlocked(api, order):
    task = only(api)["id"]
    answer(api, task, "lock", lockDuration=60_000)
    assert (only(api)["workerId"], only(api)["lockExpirationTime"]) == ("w", "2030-01-31T12:01:00.000+0000")
    api.send("POST", f"/external-task/{task}/lock", {"workerId": "other", "lockDuration": 1}, 400)
    # The client sends a content type, but no body.
    response = api.client.post(f"/engine-rest/external-task/{task}/unlock", content_type="application/json")
    assert response.status_code == 204
    assert (only(api)["workerId"], only(api)["lockExpirationTime"]) == (None, None)
    answer(api, task, "complete", 400)


@pytest.mark.parametrize("what", ["complete", "failure", "bpmnError", "extendLock", "lock"])
def test_answers_of_others_are_refused(api, task, what):
    error = api.send("POST", f"/external-task/{task}/{what}", {
        "workerId": "other", "errorCode": "X", "newDuration": 1, "lockDuration": 1}, 400)
    assert error.keys() == shapes.ERROR
    assert "'w'" in error["message"]


@pytest.mark.parametrize("what", ["complete", "failure", "bpmnError", "extendLock", "lock", "unlock"])
def test_what_is_over_or_never_was_is_not_found(api, task, what):
    body = {"errorCode": "X", "newDuration": 1, "lockDuration": 1, "variables": {"a": {"value": 1}}}
    answer(api, task, "complete")
    for id in (task, "99", "a1b2-c3"):
        answer(api, id, what, 404, **body)
    api.get(f"/external-task/{task}", 404)


@pytest.mark.parametrize(("what", "body"), [
    ("complete", {"workerId": None}), ("complete", {"variables": 1}), ("complete", {"variables": {"a": 1}}),
    ("failure", {"retries": -1}), ("bpmnError", {}), ("extendLock", {}), ("extendLock", {"newDuration": 0}),
])
def test_requests_that_cannot_be_meant_are_refused(api, task, what, body):
    answer(api, task, what, 400, **body)


def test_tasks_are_found(api, clock, order, task):
    other = api.start("order")
    assert only(api, "?workerId=w").keys() == shapes.EXTERNAL_TASK
    assert api.get(f"/external-task/{task}")["workerId"] == "w"
    for query, count in (
        ("topicName=pay", 2), ("topicName=ask", 0), ("locked=true", 1), ("notLocked=true", 1), ("locked=false", 2),
        (f"processInstanceId={other}", 1), ("processDefinitionKey=order", 2), ("withRetriesLeft=true", 2),
        ("noRetriesLeft=true", 0), ("activityIdIn=pay,ask", 2), ("suspended=true", 0), ("active=true", 2),
        (f"externalTaskIdIn={task},99", 1), ("priorityHigherThanOrEquals=1", 0), ("workerId=&topicName=", 2),
        ("lockExpirationBefore=2030-01-31T12:02:00.000%2B0000", 1),
    ):
        assert api.get(f"/external-task/count?{query}") == {"count": count}, query
    clock.advance(minutes=2)
    assert api.post("/external-task/count", {"locked": True}) == {"count": 0}
    assert len(api.post("/external-task", {"notLocked": True, "sorting": [{"sortBy": "id", "sortOrder": "desc"}]})) == 2
    assert api.get("/external-task/topic-names") == ["pay"]


def test_priority_is_changed(api, task):
    api.send("PUT", f"/external-task/{task}/priority", {"priority": 9})
    assert only(api)["priority"] == 9
    api.send("PUT", f"/external-task/{task}/priority", {}, 400)


def test_retries_are_set_before_anything_failed(api, task):
    api.send("PUT", f"/external-task/{task}/retries", {"retries": 5})
    assert only(api)["retries"] == 5
    for wrong in ({}, {"retries": 0}):
        api.send("PUT", f"/external-task/{task}/retries", wrong, 400)
