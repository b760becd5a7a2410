"""A user task that its owner lets somebody else work on, and what else may be changed of a task."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from engine import instances, schema
from engine.errors import InvalidInput, WrongState
from engine.queries import lists
from engine.tasks import user_tasks
from engine.work import jobs
from tests.engine.drawing import end, process, start, user


@pytest.fixture
def task(steps):
    steps.deploy(process("order", start(), user("review", 'candidateGroups="sales, sales,support"'), end()))
    steps.start("order", {"amount": 9})
    return steps.task()


def state(engine, key):
    row = lists.user_task(engine, key)
    return row.assignee, row.owner, row.delegation


def test_delegated_task_goes_back_to_its_owner_when_it_is_resolved(engine, steps, clock, task):
    # given
    engine.execute(user_tasks.claim, task, "ann")

    # when
    clock.advance(minutes=1)
    engine.acting_as("ann").execute(user_tasks.delegate, task, "bob")

    # then
    assert state(engine, task) == ("bob", "ann", "PENDING")
    assert lists.user_task(engine, task).changed_at == clock.now
    with pytest.raises(WrongState, match="resolved by bob"):
        engine.execute(user_tasks.complete, task)

    # when
    engine.acting_as("bob").execute(user_tasks.resolve, task, {"checked": True})

    # then
    row = lists.user_task(engine, task)
    assert state(engine, task) == ("ann", "ann", "RESOLVED")
    assert steps.variables(row.instance_key) == {"amount": 9, "checked": True}
    acts = [(act.actor, act.operation) for act in lists.audit(engine, entity="USER_TASK").items]
    assert acts == [("bob", "RESOLVE"), ("ann", "DELEGATE"), ("system", "CLAIM")]

    # when
    with pytest.raises(WrongState, match="delegated, but it is not"):
        engine.execute(user_tasks.resolve, task)
    engine.execute(user_tasks.complete, task)
    assert steps.state(row.instance_key) == "COMPLETED"
    assert steps.left_behind() == {}


def test_owner_stays_when_a_delegated_task_is_delegated_further(engine, task):
    engine.execute(user_tasks.claim, task, "ann")
    engine.execute(user_tasks.delegate, task, "bob")
    engine.execute(user_tasks.delegate, task, "cy")
    assert state(engine, task) == ("cy", "ann", "PENDING")
    with pytest.raises(InvalidInput, match="empty"):
        engine.execute(user_tasks.delegate, task, " ")


def test_suspended_instance_lets_no_task_be_resolved(engine, task):
    engine.execute(user_tasks.delegate, task, "bob")
    engine.execute(instances.suspend, lists.user_task(engine, task).instance_key, "Wait.")
    with pytest.raises(WrongState, match="suspended"):
        engine.execute(user_tasks.resolve, task, {"x": 1})
    assert state(engine, task) == ("bob", None, "PENDING")


def test_listener_of_the_assignment_may_deny_a_delegation(engine, steps):
    heard = '<zeebe:taskListeners><zeebe:taskListener eventType="assigning" type="ask"/></zeebe:taskListeners>'
    review = user("review").replace("<zeebe:userTask/>", f"<zeebe:userTask/>{heard}")
    steps.deploy(process("order", start(), review, end()))
    steps.start("order")
    task = steps.task()
    engine.execute(user_tasks.delegate, task, "bob")
    [job] = steps.take("ask")
    engine.execute(jobs.complete, job.key, lock_token=job.lock_token, answer=user_tasks.ListenerAnswer(denied="No."))
    assert state(engine, task) == (None, None, None)

    # and let it happen, to somebody else
    engine.execute(user_tasks.delegate, task, "bob")
    [job] = steps.take("ask")
    engine.execute(jobs.complete, job.key, lock_token=job.lock_token,
                   answer=user_tasks.ListenerAnswer(corrections={"assignee": "cy"}))
    assert state(engine, task) == ("cy", None, "PENDING")


def test_everything_that_a_task_says_can_be_changed_and_nothing_else(engine, task):
    due = datetime(2030, 5, 1, tzinfo=UTC)
    changes = {"name": "Look at it", "description": "Twice.", "owner": "ann", "assignee": "bob", "priority": 90,
               "due_at": due, "follow_up_at": None, "candidate_groups": ["lawyers"], "candidate_users": ["dee"]}
    engine.execute(user_tasks.change, task, changes)
    row = lists.user_task(engine, task)
    assert {name: getattr(row, name) for name in changes} == changes
    for wrong in ({"state": "COMPLETED"}, {"delegation": "PENDING"}, {}):
        with pytest.raises(InvalidInput, match="Expected to change"):
            engine.execute(user_tasks.change, task, wrong)


def candidates(engine):
    with engine.read() as connection:
        rows = connection.execute(select(schema.task_candidates).order_by(schema.task_candidates.c.name))
        return [(row.kind, row.name) for row in rows]


def test_candidates_of_open_tasks_are_kept_to_be_searched_and_only_those(engine, steps, task):
    assert candidates(engine) == [("GROUP", "sales"), ("GROUP", "support")]
    engine.execute(user_tasks.change, task, {"candidate_users": ["bob", "bob"], "candidate_groups": ["support", "law"]})
    assert sorted(candidates(engine)) == [("GROUP", "law"), ("GROUP", "support"), ("USER", "bob")]
    steps.finish()
    assert candidates(engine) == []


def test_cancelled_task_is_nobodys_candidate_any_more(engine, task):
    engine.execute(instances.cancel, lists.user_task(engine, task).instance_key, "mistake")
    assert candidates(engine) == []
