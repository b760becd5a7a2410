"""Messages and signals from outside."""

from __future__ import annotations

import pytest

from tests.engine import drawing
from tests.web.camunda8 import shapes


@pytest.fixture
def deployed(api):
    api.deploy(
        drawing.process("order", drawing.start(), drawing.catch("paid", drawing.message("m")),
                        drawing.catch("go", drawing.signal("s")), drawing.end()),
        drawing.message_of("m", "payment", "=orderId"), drawing.signal_of("s", "start-signal"),
    )
    return api


def test_a_published_message_reaches_who_waits(deployed):
    key = deployed.start("order", {"orderId": "o-1"})
    answer = deployed.post("/messages/publication", {
        "name": "payment", "correlationKey": "o-1", "timeToLive": 1000, "variables": {"paid": True},
        "tenantId": "<default>",
    })
    shapes.check(answer, frozenset({"tenantId", "messageKey"}))
    assert deployed.history(key)[-1] == ("go", "ACTIVE")
    assert deployed.items("variables", {"processInstanceKey": key, "name": "paid"})[0]["value"] == "true"


def test_a_message_is_kept_for_its_time(deployed, clock):
    deployed.post("/messages/publication", {"name": "payment", "correlationKey": "o-1", "timeToLive": 60_000})
    deployed.post("/messages/publication", {"name": "payment", "correlationKey": "o-2"})
    assert deployed.history(deployed.start("order", {"orderId": "o-1"}))[-1][0] == "go"
    assert deployed.history(deployed.start("order", {"orderId": "o-2"}))[-1][0] == "paid"


def test_a_message_with_a_known_id_is_refused_while_the_first_is_kept(deployed):
    body = {"name": "payment", "correlationKey": "o-1", "timeToLive": 60_000, "messageId": "x"}
    deployed.post("/messages/publication", body)
    assert deployed.post("/messages/publication", body, status=409)["title"] == "ALREADY_EXISTS"


def test_a_message_that_nobody_waits_for_is_not_found_when_it_must_be_correlated(deployed):
    body = {"name": "payment", "correlationKey": "nobody"}
    assert deployed.post("/messages/correlation", body, status=404)["title"] == "NOT_FOUND"
    key = deployed.start("order", {"orderId": "o-1"})
    answer = deployed.post("/messages/correlation", {"name": "payment", "correlationKey": "o-1"})
    shapes.check(answer, frozenset({"tenantId", "messageKey", "processInstanceKey"}))
    assert answer["processInstanceKey"] == key


def test_a_signal_reaches_all_who_wait(deployed):
    keys = [deployed.start("order", {"orderId": f"o-{number}"}) for number in range(2)]
    for number in range(2):
        deployed.post("/messages/publication", {"name": "payment", "correlationKey": f"o-{number}"})
    answer = deployed.post("/signals/broadcast", {"signalName": "start-signal", "variables": {}})
    shapes.check(answer, frozenset({"tenantId", "signalKey"}))
    assert [deployed.instance(key)["state"] for key in keys] == ["COMPLETED", "COMPLETED"]


def test_open_subscriptions_are_told(deployed):
    deployed.deploy(
        drawing.process("called", drawing.start("asked", drawing.message("m")), drawing.end()),
        drawing.message_of("m", "call"), name="called.bpmn",
    )
    key = deployed.start("order", {"orderId": "o-1"})
    found = deployed.items("message-subscriptions")
    for each in found:
        shapes.check(each, shapes.SUBSCRIPTION)
    assert sorted((each["messageName"], each["messageSubscriptionType"]) for each in found) == [
        ("call", "START_EVENT"), ("payment", "PROCESS_EVENT")]
    [waiting] = deployed.items("message-subscriptions", {"processInstanceKey": key})
    assert (waiting["elementId"], waiting["correlationKey"]) == ("paid", "o-1")
    assert (waiting["messageSubscriptionState"], waiting["processDefinitionName"]) == ("CREATED", "Order")
    [start] = deployed.items("message-subscriptions", {"messageSubscriptionType": "START_EVENT"})
    assert (start["messageName"], start["processInstanceKey"]) == ("call", None)
    assert deployed.items("message-subscriptions", {"messageSubscriptionState": "CORRELATED"}) == []
    assert len(deployed.items("message-subscriptions", {"messageSubscriptionState": "CREATED"})) == 2
