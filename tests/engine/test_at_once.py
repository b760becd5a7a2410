"""What is done to one instance at once is an operation of one item, whose report stays."""

from __future__ import annotations

import pytest

from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import at_once
from engine.queries import instance as one
from engine.queries import instance_parts, lists
from engine.queries import operations as found
from engine.work import holds, jobs
from tests.engine.drawing import catch, end, message, message_of, process, service, start, timer, user

WHY = "The bank is back."
PAY = process("p", start(), service("pay", retries=1), user("look"), end())
REST = message_of("m", "paid", "=orderId") + process(
    "waits", start(), catch("hear", message("m")), catch("rest", timer("Duration", "PT1H")), user("look"), end())


def item(engine, outcome):
    [found_] = found.items(engine, outcome.operation).items
    return found_


def trail(engine, key):
    return [(row.operation, row.reason) for row in lists.audit(engine, instance_key=key).items]


def test_each_act_leaves_its_report_and_one_entry_in_the_audit_trail(engine, steps):
    steps.deploy(PAY)
    key = steps.start("p", business_id="A-1")
    for kind, state in (("SUSPEND", "FIXED"), ("RESUME", "FIXED"), ("CANCEL", "FIXED")):
        before = len(trail(engine, key))
        outcome = at_once.act(engine.acting_as("ann"), kind, {}, key, WHY, consent=kind == "CANCEL")
        row = found.operation(engine, outcome.operation)
        assert (outcome.state, row.kind, row.author, row.applied_by, row.reason, row.total) == (
            state, kind, "ann", "ann", WHY, 1)
        assert item(engine, outcome).label == "A-1"
        assert trail(engine, key)[0] == (kind, WHY)
        assert len(trail(engine, key)) == before + 1
    assert (row.state, one.get(engine, key).state) == ("DONE", "TERMINATED")
    assert item(engine, outcome).changes == ["Ends for good, and so does all that it called. What services did stays "
                                             "done."]


def test_a_retry_that_fails_again_at_once_says_so(engine, steps):
    steps.deploy(PAY)
    key = steps.start("p")
    [job] = steps.take("pay")
    engine.execute(jobs.fail, job.key, "No.", lock_token=job.lock_token)
    outcome = at_once.act(engine, "RETRY", {"retries": 1}, key, WHY)
    assert outcome.state == "WATCHING"
    [job] = steps.take("pay")
    engine.execute(jobs.fail, job.key, "Still no.", lock_token=job.lock_token)
    assert at_once._verified(engine, outcome).state == "FAILED_AGAIN"
    assert found.operation(engine, outcome.operation).state == "DONE"


def test_what_is_refused_leaves_nothing_behind(engine, steps):
    steps.deploy(PAY)
    key = steps.start("p")
    for kind, parameters, reason, error in (
        ("RESUME", {}, WHY, WrongState), ("RETRY", {}, WHY, WrongState), ("SUSPEND", {}, " ", InvalidInput),
        ("CANCEL", {}, WHY, InvalidInput), ("FIRE", {"timer": 7}, WHY, NotFound),
        ("DELIVER", {"subscription": 7}, WHY, NotFound), ("DANCE", {}, WHY, InvalidInput),
        ("SET_VARIABLES", {}, WHY, InvalidInput),
    ):
        with pytest.raises(error):
            at_once.act(engine, kind, parameters, key, reason)
    with pytest.raises(NotFound):
        at_once.act(engine, "SUSPEND", {}, 7, WHY)
    assert found.operations(engine).total == 0
    assert trail(engine, key) == [("START", None)]


def test_what_changed_after_it_was_shown_is_skipped(engine, steps):
    steps.deploy(PAY)
    key = steps.start("p")
    at_once.act(engine, "SET_VARIABLES", {"variables": {"a": 1}}, key, WHY)
    outcome = at_once.act(engine, "SET_VARIABLES", {"variables": {"a": 2}}, key, WHY, seen=0)
    assert (outcome.state, one.variables(engine, key)) == ("SKIPPED", {"a": 1})
    assert "changed after it was planned" in outcome.sentence


def test_variables_are_removed_by_an_operation(engine, steps):
    steps.deploy(PAY)
    key = steps.start("p", variables={"a": 1, "b": 2})
    outcome = at_once.act(engine, "SET_VARIABLES", {"variables": {"b": 3}, "remove": ["a", "c"]}, key, WHY)
    assert item(engine, outcome).changes == ["b: 2 → 3", "a: 1 → not set", "c: not set, and stays so"]
    assert one.variables(engine, key) == {"b": 3}
    for bad in ({"remove": [""]}, {"remove": ["b"], "variables": {"b": 1}}):
        with pytest.raises(InvalidInput):
            at_once.act(engine, "SET_VARIABLES", bad, key, WHY)


def test_messages_are_delivered_and_timers_fired_by_hand(engine, steps):
    steps.deploy(REST)
    key = steps.start("waits", variables={"orderId": "A"})
    [row] = instance_parts.rows(engine, key, "subscriptions").items
    at_once.act(engine, "DELIVER", {"subscription": row.key, "variables": {"sum": 5}}, key, WHY, consent=True)
    assert one.variables(engine, key)["sum"] == 5
    outcome = at_once.act(engine, "FIRE", {"element": "rest"}, key, WHY, consent=True)
    assert outcome.state == "FIXED"
    assert item(engine, outcome).changes[0].startswith("The timer of rest fires now")
    assert [row.operation for row in lists.audit(engine, instance_key=key).items[:2]] == ["FIRE", "DELIVER"]
    with pytest.raises(WrongState):
        at_once.act(engine, "FIRE", {"element": "rest"}, key, WHY, consent=True)


def test_the_attempts_of_one_job_are_changed(engine, steps):
    steps.deploy(PAY)
    key = steps.start("p")
    [job] = lists.jobs(engine, instance_key=key).items
    outcome = at_once.act(engine, "SET_RETRIES", {"job": job.key, "retries": 7}, key, WHY)
    assert (outcome.state, lists.job(engine, job.key).retries) == ("FIXED", 7)
    with pytest.raises(WrongState, match="8"):
        at_once.act(engine, "SET_RETRIES", {"job": 8, "retries": 7}, key, WHY)


def test_a_service_is_held_by_an_operation(engine):
    outcome = at_once.act_on_service(engine, "HOLD", "pay", WHY)
    assert (outcome.state, [each.service for each in holds.all_of_them(engine)]) == ("FIXED", ["pay"])
    assert found.operation(engine, outcome.operation).state == "DONE"
    with pytest.raises(WrongState):
        at_once.act_on_service(engine, "HOLD", "pay", WHY)
