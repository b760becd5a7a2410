"""What a transaction may cost: at most ten statements and one commit, whatever the size of the instance."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from engine import incidents, instances, messages
from engine.queries import lists
from engine.tasks import user_tasks
from engine.work import jobs
from tests.engine.drawing import boundary, catch, end, message, message_of, process, script, service, start, timer, user

BUDGET = 10


class Counted:
    def __init__(self) -> None:
        self.statements: list[str] = []
        self.commits = 0


@contextmanager
def counting(engine):
    counted = Counted()
    sql = engine.database.engine

    def statement(_connection, _cursor, text, *_):
        if not text.startswith("BEGIN"):
            counted.statements.append(text)

    def commit(_connection):
        counted.commits += 1

    event.listen(sql, "before_cursor_execute", statement)
    event.listen(sql, "commit", commit)
    yield counted
    event.remove(sql, "before_cursor_execute", statement)
    event.remove(sql, "commit", commit)


def test_instance_of_scripts_needs_few_statements_from_start_to_end(engine, steps):
    steps.deploy(process("sum", start(), *(script(f"s{n}", f"=a + {n}", f"v{n}") for n in range(6)), end()))
    steps.start("sum", {"a": 1})
    with counting(engine) as counted:
        steps.start("sum", {"a": 1})
    assert len(counted.statements) <= 6, counted.statements
    assert counted.commits == 1


@pytest.fixture
def everything(steps):
    """Tasks with timers at their edge, each waiting in another way, one after the other."""
    steps.deploy(process(
        "all", start(), service("one"), user("two"), service("three"), end(),
        boundary("b1", "one", timer("Duration", "PT1H")), boundary("b2", "two", timer("Duration", "PT1H")), end("e1"),
        flows="start>one one>two two>three three>end b1>e1 b2>e1",
    ))
    return steps


@pytest.mark.parametrize("cached", [True, False])
def test_every_step_stays_within_the_budget(engine, everything, cached):
    def forget() -> None:
        if not cached:
            engine.cache._kept.clear()

    everything.start("all")
    with counting(engine) as started:
        key = everything.start("all", {"id": "1"})
    [job] = [job for job in everything.take("one", max_jobs=2) if job.instance_key == key]
    forget()
    with counting(engine) as done:
        engine.execute(jobs.complete, job.key, {"x": 1, "y": 2}, lock_token=job.lock_token)
    [task] = lists.user_tasks(engine, instance_key=key).items
    forget()
    with counting(engine) as finished:
        engine.execute(user_tasks.complete, task.key, {"z": 1})
    forget()
    with counting(engine) as cancelled:
        engine.execute(instances.cancel, key, "enough")
    for counted in (started, done, finished, cancelled):
        assert len(counted.statements) <= BUDGET, "\n".join(counted.statements)
        assert counted.commits == 1


def test_waiting_for_a_message_and_getting_it_stay_within_the_budget(engine, steps):
    steps.deploy(message_of("paid", "paid", "=id"), process(
        "order", start(), service("one"), catch("payment", message("paid")), service("two"), end()))
    steps.start("order", {"id": "1"})
    [job] = steps.take("one")
    with counting(engine) as waits:
        engine.execute(jobs.complete, job.key, {"x": 1}, lock_token=job.lock_token)
    with counting(engine) as gets:
        engine.execute(messages.publish, "paid", "1", {"y": 1})
    for counted in (waits, gets):
        assert len(counted.statements) <= BUDGET, "\n".join(counted.statements)


def test_suspending_and_resuming_stay_within_the_budget(engine, everything):
    key = everything.start("all")
    with counting(engine) as suspended:
        engine.execute(instances.suspend, key, "the bank is closed")
    with counting(engine) as resumed:
        engine.execute(instances.resume, key, "it is open again")
    for counted in (suspended, resumed):
        assert len(counted.statements) <= BUDGET, "\n".join(counted.statements)
        assert counted.commits == 1


@pytest.mark.parametrize("size", [1, 50])
def test_cost_does_not_depend_on_size_or_history(engine, steps, size):
    # given an instance with many variables and a long history
    steps.deploy(process("long", start(), service("again"), '<bpmn:exclusiveGateway id="more"/>', end(),
                         flows="start>again again>more more>again more>end").replace(
        '<bpmn:sequenceFlow id="more_end" sourceRef="more" targetRef="end"/>',
        '<bpmn:sequenceFlow id="more_end" sourceRef="more" targetRef="end">'
        '<bpmn:conditionExpression xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:type="bpmn:tFormalExpression">=done</bpmn:conditionExpression></bpmn:sequenceFlow>',
    ).replace('<bpmn:exclusiveGateway id="more"/>', '<bpmn:exclusiveGateway id="more" default="more_again"/>'))
    steps.start("long", {"done": False, **{f"v{n}": n for n in range(size)}})
    for _ in range(size):
        steps.do("again")
    [job] = steps.take("again")
    with counting(engine) as counted:
        engine.execute(jobs.complete, job.key, {"x": 1}, lock_token=job.lock_token)
    assert len(counted.statements) <= 8, "\n".join(counted.statements)


def test_activating_many_jobs_costs_as_much_as_one(engine, steps):
    steps.deploy(process("work", start(), service("do"), end()))
    for _ in range(20):
        steps.start("work")
    with counting(engine) as counted:
        assert len(steps.take("do", max_jobs=20)) == 20
    assert len(counted.statements) <= 4, "\n".join(counted.statements)


def test_failing_and_resolving_stay_within_the_budget(engine, steps):
    steps.deploy(process("work", start(), service("do"), end()))
    steps.start("work")
    [job] = steps.take("do")
    with counting(engine) as failed:
        engine.execute(jobs.fail, job.key, "no", retries=0)
    [incident] = lists.incidents(engine).items
    with counting(engine) as resolved:
        engine.execute(incidents.resolve, incident.key)
    assert len(failed.statements) <= BUDGET, "\n".join(failed.statements)
    assert len(resolved.statements) <= BUDGET, "\n".join(resolved.statements)


def test_many_completions_of_one_instance_share_a_transaction(engine, steps):
    # given an instance with five jobs done at the same time
    steps.deploy(process(
        "wide", start(), '<bpmn:parallelGateway id="split"/>', *(service(f"s{n}", "do") for n in range(5)),
        '<bpmn:parallelGateway id="join"/>', end(),
        flows="start>split join>end " + " ".join(f"split>s{n} s{n}>join" for n in range(5)),
    ))
    key = steps.start("wide")
    taken = steps.take("do", max_jobs=5)

    # when they are completed together
    def complete_all(tx) -> None:
        jobs.fetch(tx, [job.key for job in taken])
        for job in taken:
            jobs.complete(tx, job.key, {job.element_id: True}, lock_token=job.lock_token)

    with counting(engine) as counted:
        engine.execute(complete_all)

    # then the instance was read and saved once
    assert steps.state(key) == "COMPLETED"
    assert counted.commits == 1
    assert len(counted.statements) <= BUDGET, "\n".join(counted.statements)
    assert sum("UPDATE instances" in text for text in counted.statements) == 1


def test_endless_loop_is_stopped_by_an_incident(engine, steps):
    engine.step_budget = 1000
    steps.deploy(process("loop", start(), '<bpmn:exclusiveGateway id="in"/>', script("s", "=1", "x"),
                         flows="start>in in>s s>in"))
    key = steps.start("loop")
    [incident] = steps.detail(key).incidents
    assert "loop without an end" in incident.message
    assert steps.state(key) == "ACTIVE"
