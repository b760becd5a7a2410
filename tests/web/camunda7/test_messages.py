"""Messages, correlated to exactly one receiver, and signals."""

from __future__ import annotations

import pytest

from tests.engine.drawing import catch, inside, message, signal
from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import process, receive, user

PAID = '<bpmn:message id="paid" name="paid"/>'
ORDERED = '<bpmn:message id="ordered" name="ordered"/>'


@pytest.fixture
def orders(api):
    """Two orders that wait for their payment; their ids."""
    api.deploy(process("order", receive("wait", "paid")), PAID)
    return [api.start("order", {"number": number}, businessKey=f"A-{number}") for number in (1, 2)]


def correlate(api, status=204, **body):
    return api.post("/message", {"messageName": "paid", **body}, status)


def test_a_message_reaches_the_instance_with_the_business_key(api, orders):
    correlate(api, businessKey="A-2", processVariables={"sum": {"value": 9, "type": "Long"}})
    assert [api.ended(id) for id in orders] == [False, True]
    assert api.variables(orders[1])["sum"] == ("Long", 9)


def test_a_message_reaches_the_instance_with_the_variables(api, orders):
    correlate(api, correlationKeys={"number": {"value": 1, "type": "Integer"}}, businessKey=None)
    assert [api.ended(id) for id in orders] == [True, False]


def test_a_message_reaches_a_certain_instance(api, orders):
    correlate(api, processInstanceId=orders[0])
    assert [api.ended(id) for id in orders] == [True, False]


def test_a_message_for_everybody(api, orders):
    found = correlate(api, 200, all=True, resultEnabled=True)
    assert {each["execution"]["processInstanceId"] for each in found} == set(orders)
    assert all(api.ended(id) for id in orders)


def test_the_answer_tells_who_got_it(api, orders):
    # X always asks for it.
    [found] = correlate(api, 200, businessKey="A-1", resultEnabled=True, variablesInResultEnabled=True)
    assert (found["resultType"], found["processInstance"]) == ("Execution", None)
    assert found["execution"].keys() == {"id", "processInstanceId", "ended", "tenantId"}
    assert (found["execution"]["processInstanceId"], found["execution"]["ended"]) == (orders[0], True)
    assert found["variables"]["number"]["value"] == 1


def test_a_message_starts_an_instance(api):
    start = '<bpmn:startEvent id="begin"><bpmn:messageEventDefinition messageRef="ordered"/></bpmn:startEvent>'
    drawn = inside(start, user("check"))
    api.deploy(f'<bpmn:process id="order" isExecutable="true" camunda:historyTimeToLive="1">{drawn}</bpmn:process>',
               ORDERED)
    [found] = api.post("/message", {"messageName": "ordered", "businessKey": "A-3", "resultEnabled": True})
    assert (found["resultType"], found["execution"]) == ("ProcessDefinition", None)
    assert found["processInstance"].keys() == shapes.INSTANCE
    assert found["processInstance"]["businessKey"] == "A-3"


@pytest.mark.parametrize("body", [
    {"businessKey": "A-3"}, {}, {"processInstanceId": "99"}, {"messageName": "other"}, {"messageName": None},
    {"tenantId": "other"}, {"localCorrelationKeys": {"a": {"value": 1}}}, {"correlationKeys": {"a": {"value": [1]}}},
])
def test_a_message_that_fits_nobody_or_several_is_refused(api, orders, body):
    assert correlate(api, 400, **body).keys() == shapes.ERROR
    assert not any(api.ended(id) for id in orders)


def test_a_signal_is_heard_by_everybody(api):
    api.deploy(process("order", catch("wait", signal("go"))), '<bpmn:signal id="go" name="go"/>')
    waiting = [api.start("order"), api.start("order")]
    api.post("/signal", {"name": "go", "variables": {"who": {"value": "me"}}, "tenantId": None}, 204)
    assert all(api.ended(id) for id in waiting)
    assert api.variables(waiting[0]) == {"who": ("String", "me")}


@pytest.mark.parametrize("body", [{}, {"name": "go", "executionId": "1"}])
def test_a_signal_that_cannot_be_meant_is_refused(api, body):
    api.post("/signal", body, 400)


def test_an_intermediate_message_event_waits_as_a_receive_task_does(api):
    api.deploy(process("order", catch("wait", message("paid"))), PAID)
    id = api.start("order", businessKey="A-1")
    correlate(api, businessKey="A-1")
    assert api.ended(id)
