"""`partitur operations`."""

from __future__ import annotations

import pytest

from tests.engine import drawing
from tests.web.test_cli import partitur

__all__ = ["partitur"]
WHY = ("--reason", "Because.")


@pytest.fixture
def three(partitur, tmp_path):
    file = tmp_path / "test.bpmn"
    file.write_bytes(drawing.file(
        drawing.process("p", drawing.start(), drawing.service("a"), drawing.service("b"), drawing.end())).content)
    partitur("deploy", file)
    return [partitur("start", "p", "--business-id", f"A-{number}")["key"] for number in range(3)]


def operations(partitur, *arguments, **more):
    return partitur("operations", *arguments, **more)


def test_all_of_a_filter_is_planned_applied_and_told(partitur, three):
    assert operations(partitur, "list")["operations"] == []
    plan = operations(partitur, "plan", "suspend", "--filter", "process=p")
    assert (plan["state"], plan["total"], plan["planned"]) == ("PLANNED", 3, 3)
    assert [item["instance_key"] for item in plan["items"]] == [str(key) for key in three]
    done = operations(partitur, "apply", plan["key"], "--wait", *WHY)
    assert (done["state"], done["fixed"], done["reason"]) == ("DONE", 3, "Because.")
    assert partitur("instances", "--state", "suspended")["total"] == 3
    said = operations(partitur, "show", plan["key"], as_json=False).stdout
    assert "is done: 3 fixed" in said
    assert "A-2" in said
    assert operations(partitur, "list")["total"] == 1
    assert "SUSPEND" in operations(partitur, "list", as_json=False).stdout


def test_chosen_instances_pause_resume_and_stop(partitur, three):
    plan = operations(partitur, "plan", "CANCEL", "--key", three[0], "--key", three[1])
    assert plan["total"] == 2
    assert "your word" in str(operations(partitur, "apply", plan["key"], *WHY, code=1))
    assert operations(partitur, "apply", plan["key"], "--i-know", *WHY)["state"] == "RUNNING"
    assert operations(partitur, "pause", plan["key"], *WHY)["state"] == "PAUSED"
    assert operations(partitur, "resume", plan["key"], *WHY)["state"] == "RUNNING"
    stopped = operations(partitur, "stop", plan["key"], *WHY)
    assert (stopped["state"], stopped["not_started"]) == ("STOPPED", 2)
    again = operations(partitur, "plan", "--repeats", plan["key"])
    assert (again["total"], again["repeats_key"]) == (2, str(plan["key"]))


def test_what_cannot_be_done_is_code_one(partitur, three):
    partitur("suspend", three[0], *WHY)
    plan = operations(partitur, "plan", "SUSPEND", "--filter", "process=p")
    assert plan["blocked"] == 1
    assert operations(partitur, "apply", plan["key"], "--wait", *WHY, code=1)["not_started"] == 1


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("plan",), "KIND"), (("plan", "DANCE", "--filter", ""), "a kind out of"), (("plan", "CANCEL"), "filter or keys"),
    (("plan", "CANCEL", "--filter", "proces=p"), "proces"), (("plan", "CANCEL", "--filter", "state=odd"), "odd"),
    (("plan", "RETRY", "--filter", "", "--parameters", "x"), "JSON"), (("show",), "KEY"), (("show", "7"), "7"),
    (("plan", "RETRY", "--filter", "", "--parameters", "[]"), "object"), (("apply", "x"), "KEY"),
])
def test_what_is_not_understood_is_a_sentence(partitur, three, arguments, sentence):
    assert sentence in str(operations(partitur, *arguments, code=1))


WAITS = drawing.message_of("m", "paid", "=orderId") + drawing.process(
    "w", drawing.start(), drawing.catch("hear", drawing.message("m")),
    drawing.catch("rest", drawing.timer("Duration", "PT1H")), drawing.user("look"), drawing.end())


def test_messages_and_timers_happen_by_hand_with_a_report(partitur, tmp_path):
    file = tmp_path / "waits.bpmn"
    file.write_bytes(drawing.file(WAITS).content)
    partitur("deploy", file)
    key = partitur("start", "w", "--variables", '{"orderId": "A"}')["key"]
    assert "paid at hear" in partitur("deliver", key, "Paid", *WHY, code=1)["error"]
    partitur("deliver", key, "paid", code=2)
    told = partitur("deliver", key, "paid", "--variables", '{"sum": 5}', *WHY)
    assert told["outcome"] in ("FIXED", "WATCHING")
    assert operations(partitur, "show", told["operation"])["reason"] == "Because."
    assert "no open timer" not in str(partitur("show", key))
    told = partitur("fire", key, "--at", "rest", *WHY)
    assert told["outcome"] == "FIXED"
    assert "Report: partitur operations show" in partitur("suspend", key, *WHY, as_json=False).stdout
    assert "there is none" in partitur("fire", key, "--timer", 7, *WHY, code=1)["error"]


def test_four_eyes_need_users_and_another_person(partitur, three, tmp_path, monkeypatch):
    monkeypatch.setenv("PARTITUR_FOUR_EYES", "deployments, operations")
    assert "at least two users" in partitur("instances", code=1)["error"]
    monkeypatch.setenv("PARTITUR_FOUR_EYES", "meals")
    assert "'meals'" in str(partitur("instances", code=1))
    monkeypatch.delenv("PARTITUR_FOUR_EYES")
    partitur("tokens", "add", "one")
    partitur("tokens", "add", "two")
    monkeypatch.setenv("PARTITUR_FOUR_EYES", "deployments, operations")
    file = tmp_path / "other.bpmn"
    file.write_bytes(drawing.file(drawing.process("o", drawing.start(), drawing.end())).content)
    assert "It waits as request" in partitur("deploy", file, code=1)["error"]
    plan = operations(partitur, "plan", "SUSPEND", "--filter", "process=p")
    assert operations(partitur, "apply", plan["key"], *WHY)["state"] == "WAITING"
    assert "Plan an operation" in partitur("migrate", *three, "--to", 1, *WHY, code=1)["error"]
    waiting = partitur("approvals", "list")["approvals"]
    assert [each["kind"] for each in waiting] == ["OPERATION", "DEPLOYMENT"]
    assert "deploy o 1" in partitur("approvals", "list", as_json=False).stdout
    [operation, deployment] = [each["key"] for each in waiting]
    assert "another person" in partitur("approvals", "approve", operation, *WHY, code=1)["error"]
    assert partitur("approvals", "decline", operation, *WHY)["state"] == "WITHDRAWN"
    monkeypatch.setattr("web.cli.opening.actor", lambda: "bob")
    assert partitur("approvals", "approve", deployment, *WHY)["state"] == "APPROVED"
    assert partitur("start", "o")["version"] == 1
    assert partitur("approvals", "list")["total"] == 0
    assert partitur("approvals", "list", "--all")["total"] == 2
