"""Instances are modified and migrated over Camunda 7's interface."""

from __future__ import annotations

import pytest

from tests.web.camunda7.drawing import external, process, user


@pytest.fixture
def order(api):
    api.deploy(process("order", external("pay"), external("ship"), external("bill")))
    return api.start("order")


def at(api, id):
    tree = api.get(f"/process-instance/{id}/activity-instances")
    return sorted(each["activityId"] for each in tree["childActivityInstances"])


def modify(api, id, *instructions, status=204, **more):
    body = {"instructions": list(instructions), **more}
    return api.send("POST", f"/process-instance/{id}/modification", body, status)


@pytest.mark.parametrize(("start", "now"), [
    ({"type": "startBeforeActivity", "activityId": "ship"}, "ship"),
    ({"type": "startAfterActivity", "activityId": "ship"}, "bill"),
    ({"type": "startTransition", "transitionId": "ship_bill"}, "bill"),
])
def test_a_token_is_put_and_another_cancelled(api, order, start, now):
    modify(api, order, {"type": "cancel", "activityId": "pay"}, start)
    assert at(api, order) == [now]
    [entry] = api.get(f"/history/user-operation?processInstanceId={order}&operationType=ModifyProcessInstance")
    assert entry["annotation"]


def test_an_activity_instance_is_cancelled_by_its_id(api, order):
    modify(api, order, {"type": "startBeforeActivity", "activityId": "ship"})
    tree = api.get(f"/process-instance/{order}/activity-instances")
    pay = next(each["id"] for each in tree["childActivityInstances"] if each["activityId"] == "pay")
    modify(api, order, {"type": "cancel", "activityInstanceId": pay})
    assert at(api, order) == ["ship"]


def test_variables_are_the_instances_or_local(api, order):
    modify(api, order, {"type": "cancel", "activityId": "pay"}, {
        "type": "startBeforeActivity", "activityId": "ship",
        "variables": {"a": {"value": 1, "local": False}, "b": {"value": 2, "local": True, "type": "Integer"}}})
    [task] = api.fetch("ship")
    assert {name: each["value"] for name, each in task["variables"].items()} == {"a": 1, "b": 2}
    assert api.get(f"/process-instance/{order}/variables").keys() == {"a"}


@pytest.mark.parametrize(("instruction", "sentence"), [
    ({}, "'instructions[0].type'"), ({"type": "jump"}, "startTransition"), ({"type": "cancel"}, "activityId"),
    ({"type": "cancel", "activityId": "x"}, "'x'"), ({"type": "cancel", "activityInstanceId": "x"}, "to be active"),
    ({"type": "cancel", "transitionInstanceId": "1"}, "transitionInstanceId"),
    ({"type": "startTransition", "transitionId": "x"}, "'x'"), ({"type": "startBeforeActivity"}, "activityId"),
    ({"type": "startTransition", "transitionId": "pay_ship", "variables": {"x": {"value": 1, "local": True}}}, "local"),
])
def test_a_modification_that_cannot_be_is_refused(api, order, instruction, sentence):
    assert sentence in modify(api, order, instruction, status=400)["message"]
    assert at(api, order) == ["pay"]


def test_nothing_can_be_skipped(api, order):
    for name in ("skipCustomListeners", "skipIoMappings"):
        message = modify(api, order, {"type": "cancel", "activityId": "pay"}, status=400, **{name: True})["message"]
        assert name in message
    modify(api, "9", {"type": "cancel", "activityId": "pay"}, status=404)


def versions(api):
    return [each["id"] for each in api.get("/process-definition?key=q&sortBy=version&sortOrder=asc")]


@pytest.fixture
def plan(api):
    api.deploy(process("q", user("look")))
    api.ids = [api.start("q"), api.start("q")]
    api.deploy(process("q", user("review"), external("after")))
    old, new = versions(api)
    return {"sourceProcessDefinitionId": old, "targetProcessDefinitionId": new,
            "instructions": [{"sourceActivityIds": ["look"], "targetActivityIds": ["review"]}]}


def test_a_plan_is_made_checked_and_carried_out(api, plan):
    asked = {name: plan[name] for name in ("sourceProcessDefinitionId", "targetProcessDefinitionId")}
    generated = api.post("/migration/generate", {**asked, "updateEventTriggers": True})
    assert {"sourceActivityIds": ["start"], "targetActivityIds": ["start"], "updateEventTrigger": False} in \
        generated["instructions"]
    assert api.post("/migration/validate", generated)["instructionReports"] == []
    assert api.post("/migration/validate", plan)["instructionReports"] == []
    api.send("POST", "/migration/execute", {"migrationPlan": plan, "processInstanceIds": api.ids})
    for id in api.ids:
        assert at(api, id) == ["review"]
        assert api.get(f"/process-instance/{id}")["definitionId"] == plan["targetProcessDefinitionId"]


@pytest.mark.parametrize(("source", "target", "more", "sentence"), [
    ("x", "review", {}, "'x'"), ("look", "x", {}, "'x'"), ("look", "after", {}, "the same type"),
    ("look", "review", {"updateEventTrigger": True}, "updateEventTrigger")])
def test_a_plan_that_is_wrong_says_so_and_is_not_carried_out(api, plan, source, target, more, sentence):
    plan["instructions"] = [{"sourceActivityIds": [source], "targetActivityIds": [target], **more}]
    [report] = api.post("/migration/validate", plan)["instructionReports"]
    assert sentence in report["failures"][0]
    asked = {"migrationPlan": plan, "processInstanceIds": api.ids}
    assert sentence in api.send("POST", "/migration/execute", asked, 400)["message"]
    assert at(api, api.ids[0]) == ["look"]


def test_instances_are_migrated_all_or_none(api, plan):
    plan["instructions"] = []
    other = api.start("q")
    asked = {"migrationPlan": plan, "processInstanceIds": api.ids}
    assert "(look)" in api.send("POST", "/migration/execute", asked, 400)["message"]
    for ids in ([], [api.ids[0], other], None):
        api.send("POST", "/migration/execute", {**asked, "processInstanceIds": ids}, 400)
    api.send("POST", "/migration/execute", {**asked, "processInstanceIds": ["9"]}, 404)
    api.send("POST", "/migration/execute", {**asked, "processInstanceQuery": {"processDefinitionKey": "q"}}, 400)
    plan["instructions"] = [{"sourceActivityIds": ["look", "x"], "targetActivityIds": ["review"]}]
    assert "one activity" in api.send("POST", "/migration/execute", asked, 400)["message"]
    assert at(api, api.ids[0]) == ["look"]
