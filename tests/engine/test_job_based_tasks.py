"""User tasks of Camunda 8 without `zeebe:userTask`: a task for people, and a job; whoever is first ends both."""

from __future__ import annotations

import pytest

from bpmn.model import USER_TASK_JOB
from engine import incidents, instances, timers
from engine.errors import WrongState
from engine.queries import lists
from engine.states import UserTaskState
from engine.tasks import user_tasks
from engine.work import jobs
from tests.engine.drawing import boundary, end, error, error_of, process, start, timer, user
from tests.engine.test_budget import BUDGET, counting

STATES = tuple(state.value for state in UserTaskState)


def job_based(id: str, assignment: str = "", schedule: str = "") -> str:
    return user(id, assignment, schedule).replace("<zeebe:userTask/>", "")


@pytest.fixture
def review(steps):
    steps.deploy(process("order", start(), job_based(
        "review", 'candidateGroups="sales,support" candidateUsers="=[&quot;ada&quot;]" assignee="=who"',
        'dueDate="2030-02-01T09:00:00+01:00"',
    ), end()))
    return steps.start("order", {"who": "ada"})


def test_job_tells_a_worker_what_the_task_says(engine, steps, review):
    [task] = lists.user_tasks(engine).items
    [job] = steps.take(USER_TASK_JOB)
    assert task.assignee == "ada"
    assert (job.element_id, job.kind, job.variables) == ("review", "BPMN_ELEMENT", {"who": "ada"})
    assert job.headers == {
        "io.camunda.zeebe:assignee": "ada", "io.camunda.zeebe:candidateGroups": '["sales", "support"]',
        "io.camunda.zeebe:candidateUsers": '["ada"]', "io.camunda.zeebe:dueDate": "2030-02-01T09:00:00+01:00",
        "io.camunda.zeebe:priority": "50",
    }


def test_worker_completes_the_task_with_its_job(engine, steps, review):
    steps.do(USER_TASK_JOB, {"approved": True})
    assert steps.state(review) == "COMPLETED"
    assert steps.variables(review) == {"who": "ada", "approved": True}
    assert [task.state for task in lists.user_tasks(engine, states=STATES).items] == ["COMPLETED"]
    assert steps.left_behind() == {}


@pytest.mark.parametrize("cached", [True, False])
def test_person_completes_the_job_with_its_task(engine, steps, review, cached):
    [taken] = steps.take(USER_TASK_JOB)
    task = steps.task()
    if not cached:
        engine.cache._kept.clear()
    with counting(engine) as counted:
        engine.execute(user_tasks.complete, task, {"approved": True})
    assert len(counted.statements) <= BUDGET, "\n".join(counted.statements)
    assert steps.state(review) == "COMPLETED"
    assert [job.state for job in lists.jobs(engine).items] == ["COMPLETED"]
    assert steps.left_behind() == {}
    with pytest.raises(WrongState, match="completed"):
        engine.execute(jobs.complete, taken.key, lock_token=taken.lock_token)


def test_task_that_is_cancelled_takes_its_job_along(engine, clock, steps):
    steps.deploy(process(
        "slow", start(), job_based("check"), end(), boundary("late", "check", timer("Duration", "PT5M")), end("e2"),
        flows="start>check check>end late>e2"))
    key = steps.start("slow")
    other = steps.start("slow")
    engine.execute(instances.cancel, other, "mistake")
    clock.advance(minutes=5)
    engine.execute(timers.trigger_due)
    assert steps.state(key) == "COMPLETED"
    assert {task.state for task in lists.user_tasks(engine, states=STATES).items} == {"CANCELED"}
    assert {job.state for job in lists.jobs(engine).items} == {"CANCELED"}
    assert steps.left_behind() == {}


def test_error_of_the_worker_ends_the_task(engine, steps):
    steps.deploy(error_of("e", "NO"), process(
        "p", start(), job_based("check"), end(), boundary("b", "check", error("e")), end("e2"),
        flows="start>check check>end b>e2"))
    key = steps.start("p")
    [job] = steps.take(USER_TASK_JOB)
    engine.execute(jobs.throw_error, job.key, "NO", lock_token=job.lock_token)
    assert "e2" in steps.history(key)
    assert [task.state for task in lists.user_tasks(engine, states=STATES).items] == ["CANCELED"]
    assert steps.left_behind() == {}


def test_task_stays_while_its_job_has_failed(engine, steps, review):
    [job] = steps.take(USER_TASK_JOB)
    engine.execute(jobs.fail, job.key, "no network", lock_token=job.lock_token)
    [incident] = lists.incidents(engine).items
    assert lists.user_tasks(engine).total == 1
    engine.execute(incidents.resolve, incident.key)
    assert lists.user_tasks(engine).total == 1
    steps.do(USER_TASK_JOB)
    assert steps.state(review) == "COMPLETED"
    assert steps.left_behind() == {}


def test_person_may_do_what_the_worker_could_not(engine, steps, review):
    [job] = steps.take(USER_TASK_JOB)
    engine.execute(jobs.fail, job.key, "no network", lock_token=job.lock_token)
    engine.execute(user_tasks.complete, steps.task(), {"approved": False})
    assert steps.state(review) == "COMPLETED"
    assert lists.incidents(engine).total == 0
    assert steps.left_behind() == {}
