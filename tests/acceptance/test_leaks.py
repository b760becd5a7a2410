"""Nothing is left behind by whatever ends, and the checker that says so can find it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from engine import instances, messages
from engine.cluster import scheduler
from engine.engine import Engine
from engine.tasks import user_tasks
from engine.work import jobs
from tests.acceptance import invariants
from tests.engine import drawing
from tests.engine.steps import Steps

EVERYTHING = (
    drawing.message_of("Paid", "paid", "=orderId"),
    drawing.process("child", drawing.start("asked"), drawing.user("ask"), drawing.end("answered")),
    drawing.process(
        "P", drawing.start(), '<bpmn:parallelGateway id="fork"/>', drawing.service("work"), drawing.user("review"),
        drawing.call("call", "child"), drawing.catch("wait", drawing.timer("Duration", "PT1H")),
        drawing.catch("paid", drawing.message("Paid")),
        drawing.boundary("late", "work", drawing.timer("Cycle", "R/PT1H"), interrupting=False),
        drawing.boundary("stop", "review", drawing.message("Paid")), drawing.end("lateEnd"), drawing.end("stopEnd"),
        '<bpmn:parallelGateway id="join"/>', drawing.end("done"),
        flows="start>fork fork>work fork>review fork>call fork>wait fork>paid work>join review>join call>join "
              "wait>join paid>join late>lateEnd stop>stopEnd join>done"),
)
END = "UPDATE instances SET state = 'COMPLETED', ended_at = 1, tokens = NULL"
BREAK = {
    "an ended instance has no open job": END,
    "an ended instance has no open user task": END,
    "an ended instance has no timer": END,
    "an ended instance has no subscription": END,
    "an ended instance has no open incident": END,
    "an ended instance is at no element": END,
    "an ended instance has nothing to do later":
        END + "; INSERT INTO deferred (key, instance_key, action, created_at) "
              "SELECT key, key, '', 1 FROM instances WHERE parent_key IS NULL",
    "a called instance ends before its caller": END + " WHERE parent_key IS NULL",
    "an ended instance keeps no tokens, an active one does, and each has its times":
        "UPDATE instances SET tokens = NULL",
    "an active instance waits for something or somebody":
        "UPDATE user_tasks SET ended_at = 1, state = 'COMPLETED'",
    "an instance knows how many incidents it has": "UPDATE instances SET incident_count = incident_count + 1",
    "an open job belongs to an element that is active, or says farewell to one":
        "UPDATE element_instances SET state = 'COMPLETED', ended_at = 1 WHERE element_id = 'work'",
    "a job that a worker holds has a lock, and no other has": "UPDATE jobs SET state = 'ACTIVATED', locked_by = NULL",
    "an element that is over has its time": "UPDATE element_instances SET state = 'TERMINATED' WHERE ended_at IS NULL",
    "an element has an incident as long as it is open": "UPDATE incidents SET state = 'RESOLVED'",
    "an effect has one idempotency key": "UPDATE jobs SET idempotency_key = 'k'",
    "a job that was done has a confirmed effect, and no open one has": "UPDATE jobs SET effect = 'CONFIRMED'",
    "a job in the hands of a worker was sent or is in doubt": "UPDATE jobs SET sent_at = NULL",
    "what is settled has its time": "UPDATE jobs SET effect = 'FAILED', settled_at = NULL",
    "a call that must not be repeated is not left in the open": "UPDATE jobs SET repeatable = 0, effect = 'SENT'",
    "what is open is in the definition that its instance is in":
        "UPDATE jobs SET definition_key = definition_key + 1000 WHERE ended_at IS NULL",
    "a variable lives no longer than the element that owns it":
        "UPDATE variables SET scope_key = (SELECT min(key) FROM element_instances WHERE element_id = 'start')",
}


@pytest.fixture
def shop(new_database, clock):
    engine = Engine(new_database(), clock=clock)
    steps = Steps(engine)
    steps.deploy(*EVERYTHING)
    yield steps
    engine.close()


def violations(shop):
    with shop.engine.read() as connection:
        return invariants.violations(connection)


def two_with_an_incident(shop):
    """Two instances that wait in every way there is, one of them with an incident too."""
    keys = [shop.start("P", {"orderId": order}) for order in ("A-1", "A-2")]
    [job, *_] = shop.take("work", max_jobs=2)
    shop.engine.execute(jobs.fail, job.key, "no", retries=0, lock_token=job.lock_token)
    return keys


def test_an_instance_that_waits_in_every_way_leaves_nothing_behind_when_it_is_cancelled(shop):
    keys = two_with_an_incident(shop)
    assert violations(shop) == {}

    for key in keys:
        shop.engine.execute(instances.cancel, key, "no longer wanted")

    assert shop.left_behind() == {}
    assert violations(shop) == {}


def test_an_instance_that_waits_in_every_way_leaves_nothing_behind_when_it_ends(shop, clock):
    key = shop.start("P", {"orderId": "A-1"})
    shop.do("work")
    clock.advance(hours=1)
    scheduler.run_once(shop.engine)
    with shop.engine.read() as connection:
        tasks = connection.execute(text("SELECT key FROM user_tasks WHERE ended_at IS NULL")).scalars().all()
    for task in tasks:
        shop.engine.execute(user_tasks.complete, task)
    shop.engine.execute(messages.publish, "paid", "A-1")

    assert shop.state(key) == "COMPLETED"
    assert shop.left_behind() == {}
    assert violations(shop) == {}


def test_every_rule_is_broken_once():
    assert invariants.RULES.keys() == BREAK.keys()


@pytest.mark.parametrize("rule", BREAK)
def test_the_checker_finds_what_is_broken(shop, rule):
    # given a healthy database
    two_with_an_incident(shop)
    assert violations(shop) == {}

    # when it is damaged
    with shop.engine.database.write() as connection:
        for statement in BREAK[rule].split("; "):
            connection.execute(text(statement))
        found = invariants.violations(connection)
        connection.rollback()

    # then
    assert rule in found


def test_a_listener_is_called_after_the_message_that_its_element_waited_for(new_database, clock):
    # given a receive task with a listener at its end: one wait closes and another opens in one transaction
    engine = Engine(new_database(), clock=clock)
    steps = Steps(engine)
    listener = '<zeebe:executionListeners><zeebe:executionListener eventType="end" type="listen"/>'
    steps.deploy(
        drawing.message_of("Paid", "paid", "=orderId"),
        drawing.process("P", drawing.start(), '<bpmn:receiveTask id="pay" messageRef="Paid"><bpmn:extensionElements>'
                        f"{listener}</zeebe:executionListeners></bpmn:extensionElements></bpmn:receiveTask>",
                        drawing.end()))
    key = steps.start("P", {"orderId": "A-1"})

    # when
    engine.execute(messages.publish, "paid", "A-1")

    # then
    steps.do("listen")
    assert steps.state(key) == "COMPLETED"
    engine.close()
