"""User tasks: offered, claimed, given back, completed, cancelled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine import instances
from engine.errors import Conflict, InvalidInput, NotFound, WrongState
from engine.queries import lists
from engine.tasks import user_tasks
from tests.engine.drawing import boundary, end, process, start, timer, user


@pytest.fixture
def review(steps):
    steps.deploy(process("order", start(), user(
        "review", 'candidateGroups="sales,support" candidateUsers="ada"', 'dueDate="2030-02-01T09:00:00+01:00"',
    ), end()))
    return steps.start("order", {"amount": 9000}, business_id="B-1")


def test_task_tells_who_may_do_it_and_until_when(engine, review):
    [task] = lists.user_tasks(engine).items
    assert (task.name, task.state, task.business_id, task.version) == ("review", "CREATED", "B-1", 1)
    assert task.candidate_groups == ["sales", "support"]
    assert task.due_at == datetime(2030, 2, 1, 8, 0, tzinfo=UTC)
    assert lists.user_task(engine, task.key) == task


def test_task_is_offered_to_its_candidates_only(engine, steps, review):
    def offered(**who):
        return lists.user_tasks(engine, **who).total

    assert offered(candidate="ada") == 1
    assert offered(candidate="bob") == 0
    assert offered(candidate="bob", groups=["support"]) == 1
    assert offered(groups=["port"]) == 0
    engine.execute(user_tasks.claim, steps.task(), "bob")
    assert offered(assignee="bob") == 1
    assert offered(unassigned=True) == 0


def test_task_without_candidates_is_offered_to_everybody(engine, steps):
    steps.deploy(process("free", start(), user("any"), end()))
    steps.start("free")
    assert lists.user_tasks(engine, candidate="bob").total == 1


def test_completed_task_lets_the_instance_go_on(engine, steps, review):
    key = steps.task()
    engine.acting_as("ada").execute(user_tasks.complete, key, {"approved": True})
    assert steps.state(review) == "COMPLETED"
    assert steps.variables(review) == {"amount": 9000, "approved": True}
    assert steps.left_behind() == {}
    with pytest.raises(WrongState, match="completed"):
        engine.execute(user_tasks.complete, key)
    [act] = lists.audit(engine, operation="COMPLETE").items
    assert (act.actor, act.entity_key, act.instance_key) == ("ada", key, review)


def test_claimed_task_belongs_to_one_until_it_is_given_back(engine, steps, review):
    key = steps.task()
    engine.execute(user_tasks.claim, key, "ada")
    engine.execute(user_tasks.claim, key, "ada")
    with pytest.raises(Conflict, match="ada has it"):
        engine.execute(user_tasks.claim, key, "bob")
    engine.execute(user_tasks.unclaim, key)
    engine.execute(user_tasks.claim, key, "bob")
    engine.execute(user_tasks.assign, key, "cy")
    assert lists.user_task(engine, key).assignee == "cy"
    with pytest.raises(InvalidInput):
        engine.execute(user_tasks.assign, key, " ")
    with pytest.raises(NotFound):
        engine.execute(user_tasks.claim, 4711, "bob")


def test_task_is_cancelled_with_its_instance(engine, steps, review):
    key = steps.task()
    engine.execute(instances.cancel, review, "mistake")
    assert lists.user_tasks(engine).total == 0
    assert lists.user_task(engine, key).state == "CANCELED"
    with pytest.raises(WrongState, match="canceled"):
        engine.execute(user_tasks.complete, key)


def test_task_is_cancelled_when_its_time_is_over(engine, clock, steps):
    from engine.cluster import scheduler

    steps.deploy(process(
        "slow", start(), user("check"), end(), boundary("late", "check", timer("Duration", "PT5M")), end("e2"),
        flows="start>check check>end late>e2",
    ))
    steps.start("slow")
    clock.advance(minutes=5)
    scheduler.run_once(engine)
    assert lists.user_tasks(engine).total == 0
    assert steps.left_behind() == {}


def test_due_date_that_cannot_be_read_is_an_incident(engine, steps):
    steps.deploy(process("order", start(), user("review", schedule='dueDate="=when"'), end()))
    steps.start("order", {"when": "someday"})
    [incident] = lists.incidents(engine).items
    assert "'someday'" in incident.message
    assert lists.user_tasks(engine).total == 0
