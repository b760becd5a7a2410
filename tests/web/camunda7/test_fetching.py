"""Fetch and lock: what workers get, and of which tasks."""

from __future__ import annotations

import pytest

from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import external, process, properties


@pytest.fixture
def order(api):
    api.deploy(process("order", external("pay", more='camunda:taskPriority="7"',
                                         extensions=properties(currency="EUR")),
                       more='camunda:versionTag="v1"'))
    return api


def test_a_fetched_task_has_everything_a_worker_reads(order, clock):
    id = order.start("order", {"amount": 5}, businessKey="A-1")
    [task] = order.fetch("pay")
    assert task.keys() == shapes.LOCKED_TASK
    definition = order.get("/process-definition/key/order")
    assert task | {
        "id": "", "activityInstanceId": "", "executionId": "",
    } == {
        "activityId": "pay", "activityInstanceId": "", "errorMessage": None, "errorDetails": None, "executionId": "",
        "id": "", "lockExpirationTime": "2030-01-31T12:01:00.000+0000", "createTime": "2030-01-31T12:00:00.000+0000",
        "processDefinitionId": definition["id"], "processDefinitionKey": "order",
        "processDefinitionVersionTag": "v1", "processInstanceId": id, "retries": None, "suspended": False,
        "workerId": "w", "topicName": "pay", "tenantId": None, "priority": 7, "businessKey": "A-1",
        "variables": {"amount": {"type": "Integer", "value": 5, "valueInfo": {}}}, "extensionProperties": {},
    }


def test_a_task_goes_to_one_worker_only(order):
    order.start("order")
    assert len(order.fetch("pay", worker="a")) == 1
    assert order.fetch("pay", worker="b") == []


def test_variables_are_those_that_the_worker_asks_for(order):
    order.start("order", {"amount": 5, "region": "north"})
    order.start("order", {"amount": 5})
    order.start("order", {"amount": 5})
    named, none, local = (order.fetch("pay", most=1, **more)[0]["variables"] for more in (
        {"variables": ["region"]}, {"variables": []}, {"localVariables": True}))
    assert named == {"region": {"type": "String", "value": "north", "valueInfo": {}}}
    assert (none, local) == ({}, {})


def test_local_variables_are_those_of_the_element(order):
    order.start("order", {"amount": 5})
    [task] = order.fetch("pay")
    order.send("POST", f"/external-task/{task['id']}/failure",
               {"workerId": "w", "retries": 1, "localVariables": {"tried": {"value": True}}})
    [again] = order.fetch("pay", localVariables=True)
    assert again["variables"] == {"tried": {"type": "Boolean", "value": True, "valueInfo": {}}}


def test_extension_properties_come_on_request(order):
    order.start("order")
    [task] = order.fetch("pay", includeExtensionProperties=True)
    assert task["extensionProperties"] == {"currency": "EUR"}


@pytest.mark.parametrize(("filter", "fits"), [
    ({"businessKey": "A-1"}, True), ({"businessKey": "B-1"}, False),
    ({"processDefinitionKey": "order"}, True), ({"processDefinitionKeyIn": ["refund"]}, False),
    ({"processDefinitionKey": "order", "processDefinitionKeyIn": ["refund"]}, False),
    ({"processDefinitionVersionTag": "v1"}, True), ({"processDefinitionVersionTag": "v2"}, False),
    ({"processDefinitionId": "order:1:99"}, False), ({"processDefinitionIdIn": ["no id"]}, False),
    ({"processVariables": {"amount": 5}}, True), ({"processVariables": {"amount": 6}}, False),
    ({"withoutTenantId": True}, True), ({"tenantIdIn": ["other"]}, False),
    # T sends every field, most of them null.
    ({"businessKey": None, "processDefinitionKeyIn": None, "processVariables": None, "tenantIdIn": None}, True),
])
def test_topics_limit_what_is_fetched(order, filter, fits):
    order.start("order", {"amount": 5}, businessKey="A-1")
    assert bool(order.fetch("pay", **filter)) is fits


def test_topics_share_what_a_worker_takes_at_most(api):
    # given two processes with different topics, one of them busier
    for topic in ("pay", "ship"):
        api.deploy(process(f"{topic}ing", external(topic)), name=f"{topic}.bpmn")
    for process_id in ("paying", "shiping", "paying"):
        api.start(process_id)

    # when a worker of both takes two tasks
    taken = api.fetch("pay", "ship", most=2)

    # then it gets the oldest, whatever their topic
    assert [task["topicName"] for task in taken] == ["pay", "ship"]


def test_topics_may_have_locks_of_their_own(api):
    for topic in ("pay", "ship"):
        api.deploy(process(f"{topic}ing", external(topic)), name=f"{topic}.bpmn")
        api.start(f"{topic}ing")
    taken = api.post("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 5, "usePriority": True, "topics": [
        {"topicName": "pay", "lockDuration": 60_000}, {"topicName": "ship", "lockDuration": 120_000}]})
    assert [(task["topicName"], task["lockExpirationTime"][14:16]) for task in taken] == [("pay", "01"), ("ship", "02")]


def test_a_task_whose_lock_ran_out_has_no_failure_to_show(order, clock):
    order.start("order")
    order.fetch("pay")
    order.pass_time(clock, minutes=2)
    [task] = order.fetch("pay", worker="other")
    assert (task["errorMessage"], task["retries"], task["workerId"]) == (None, None, "other")


@pytest.mark.parametrize("asked", [
    {}, {"workerId": "w"}, {"maxTasks": 1}, {"workerId": "w", "maxTasks": "many"},
    {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "pay"}]},
    {"workerId": "w", "maxTasks": 1, "topics": [{"lockDuration": 1}]},
    {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "pay", "lockDuration": 0}]},
    {"workerId": "w", "maxTasks": 1, "topics": "pay"},
    {"workerId": "w", "maxTasks": 1, "asyncResponseTimeout": 1_800_001},
    {"workerId": "w", "maxTasks": 1, "topics": [
        {"topicName": "pay", "lockDuration": 1, "processVariables": {"a": [1]}}]},
])
def test_requests_that_cannot_be_meant_are_refused(api, asked):
    assert api.post("/external-task/fetchAndLock", asked, 400).keys() == shapes.ERROR


def test_a_worker_without_topics_gets_nothing(order):
    order.start("order")
    assert order.post("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1}) == []
