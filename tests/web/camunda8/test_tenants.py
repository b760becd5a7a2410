"""Two tenants through Camunda 8's interface: everything is the same in both, and nothing crosses."""

from __future__ import annotations

import pytest

from engine import tenants
from tests.engine.drawing import catch, end, file, message, message_of, process, service, signal, signal_of, start, user

BOTH = ("eu", "us")
MODEL = (
    message_of("paid", "paid", "=order"),
    process("order", start(), service("pay", "pay"), catch("wait", message("paid")), user("check"), end()),
)
DMN = (b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="g" name="g" namespace="n">'
       b'<decision id="risk" name="risk"><literalExpression id="l"><text>1</text></literalExpression>'
       b'<variable name="risk"/></decision></definitions>')


@pytest.fixture
def two(api, engine):
    """The process, a decision and an instance in each of two tenants."""
    for id in BOTH:
        engine.execute(tenants.add, id, name=id.upper())
        api.upload(("o.bpmn", file(*MODEL).content), ("r.dmn", DMN), tenantId=id)
    return {id: api.start("order", {"order": "4711"}, tenantId=id, businessId="B") for id in BOTH}


def test_everything_is_found_by_its_tenant_only(api, two):
    for id in BOTH:
        made = api.upload(("o.bpmn", file(*MODEL).content), tenantId=id)
        assert made["deployments"][0]["processDefinition"] | {"processDefinitionVersion": 1, "tenantId": id} \
            == made["deployments"][0]["processDefinition"]
        [job] = api.take("pay", tenantIds=[id])
        assert (job["tenantId"], job["processInstanceKey"]) == (id, two[id])
        api.send("POST", f"/jobs/{job['jobKey']}/completion", {})
    assert api.take("pay") == []
    for kind in ("process-definitions", "process-instances", "element-instances", "variables", "jobs",
                 "message-subscriptions"):
        assert {each["tenantId"] for each in api.items(kind, {"tenantId": "eu"})} == {"eu"}, kind
        assert {each["tenantId"] for each in api.items(kind)} == set(BOTH), kind


def test_messages_signals_and_tasks_stay_in_their_tenant(api, two):
    for job in api.take("pay"):
        api.send("POST", f"/jobs/{job['jobKey']}/completion", {})
    answer = api.post("/messages/correlation", {"name": "paid", "correlationKey": "4711", "tenantId": "us"})
    assert (answer["tenantId"], answer["processInstanceKey"]) == ("us", two["us"])
    api.post("/messages/correlation", {"name": "paid", "correlationKey": "4711"}, status=404)
    [task] = api.items("user-tasks")
    assert (task["tenantId"], task["processInstanceKey"]) == ("us", two["us"])
    assert api.items("user-tasks", {"tenantId": "eu"}) == []
    api.post("/messages/publication", {"name": "paid", "correlationKey": "4711", "tenantId": "eu"})
    assert {task["tenantId"] for task in api.items("user-tasks")} == set(BOTH)

    for id in BOTH:
        api.upload(("s.bpmn", file(signal_of("go", "go"), process("told", start(event=signal("go")), user("x"),
                                                                 end())).content), tenantId=id)
    assert api.post("/signals/broadcast", {"signalName": "go", "tenantId": "eu"})["tenantId"] == "eu"
    assert [each["tenantId"] for each in api.items("process-instances", {"processDefinitionId": "told"})] == ["eu"]


def test_what_is_named_by_its_key_is_looked_for_in_the_tenant_that_is_named(api, two):
    [definition] = api.items("process-definitions", {"tenantId": "eu"})
    key = definition["processDefinitionKey"]
    assert api.post("/process-instances", {"processDefinitionKey": key})["tenantId"] == "eu"
    refused = api.post("/process-instances", {"processDefinitionKey": key, "tenantId": "us"}, status=404)
    assert "in tenant 'us'" in refused["detail"]
    assert len(api.items("process-instances", {"processDefinitionKey": key})) == 2
    asked = {"decisionDefinitionId": "risk", "variables": {}}
    made = api.post("/decision-definitions/evaluation", asked | {"tenantId": "us"})
    assert (made["tenantId"], made["output"]) == ("us", "1")
    by_key = {"decisionDefinitionKey": made["decisionDefinitionKey"]}
    assert api.post("/decision-definitions/evaluation", by_key)["tenantId"] == "us"
    api.post("/decision-definitions/evaluation", by_key | {"tenantId": "eu"}, status=404)
    api.post("/decision-definitions/evaluation", asked, status=404)


def test_a_tenant_that_there_is_not_is_refused(api, two):
    for path, body in (
        ("/process-instances", {"processDefinitionId": "order"}), ("/messages/publication", {"name": "paid"}),
        ("/messages/correlation", {"name": "paid"}), ("/signals/broadcast", {"signalName": "go"}),
        ("/decision-definitions/evaluation", {"decisionDefinitionId": "risk"}),
    ):
        assert "'acme'" in api.post(path, body | {"tenantId": "acme"}, status=404)["detail"]
    wanted = {"type": "pay", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": -1}
    api.post("/jobs/activation", wanted | {"tenantIds": ["eu", "acme"]}, status=404)
    assert len(api.post("/jobs/activation", wanted | {"tenantIds": ["acme"], "tenantFilter": "ASSIGNED"})["jobs"]) == 1


def test_a_tenant_at_its_limit_is_told_to_come_again(api, engine, two, clock):
    engine.execute(tenants.change, "eu", name="EU", starts_per_second=1)
    asked = {"processDefinitionId": "order", "tenantId": "eu"}
    api.post("/process-instances", asked)
    assert api.post("/process-instances", asked, status=429)["title"] == "RESOURCE_EXHAUSTED"
    clock.advance(seconds=1)
    api.post("/process-instances", asked)


def test_tenants_are_listed(api, two):
    assert api.items("tenants", {"tenantId": {"$like": "e*"}}) == [
        {"name": "EU", "tenantId": "eu", "description": None}]
    found = [each["tenantId"] for each in api.items("tenants", sort=[{"field": "tenantId"}])]
    assert found == ["<default>", "eu", "us"]
    assert [each["tenantId"] for each in api.get("/authentication/me")["tenants"]] == found
    assert api.get("/tenants/us")["name"] == "US"
    api.get("/tenants/acme", status=404)
