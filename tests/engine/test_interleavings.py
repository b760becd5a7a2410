"""Several things happen to one waiting token at once, on two nodes: one of them wins, the others are told."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event

from engine import instances, messages, signals, timers
from engine.engine import Engine
from engine.errors import Rejection
from engine.queries import lists
from engine.tasks import user_tasks
from engine.work import jobs
from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    message,
    message_of,
    process,
    service,
    signal,
    signal_of,
    start,
    timer,
    user,
)
from tests.engine.steps import Steps
from tests.engine.test_races import together

ENDS = ("done", "told", "late")


@pytest.fixture
def nodes(engine, clock, database_url):
    """Two engines on one database, as two processes have them."""
    other = Engine(database_url, clock=clock)
    yield [engine, other]
    other.close()


def guarded(work: str) -> tuple[str, str]:
    """A process whose work can be ended by itself, by a message, or by a timer."""
    return message_of("m", "stop", "=id"), process(
        "p", start(), work, end("done"), boundary("b1", "work", message("m")), end("told"),
        boundary("b2", "work", timer("Duration", "PT1H")), end("late"),
        flows="start>work work>done b1>told b2>late")


def ended_at(steps, key) -> list[str]:
    return [element for element in steps.history(key) if element in ENDS]


@pytest.mark.parametrize("first", range(4))
def test_completion_message_timer_and_cancellation_have_one_winner(nodes, clock, steps, first):
    # given a job that is done while its message comes, its time is over, and somebody cancels it
    one, two = nodes
    steps.deploy(*guarded(service("work")))
    key = steps.start("p", {"id": "7"})
    [job] = steps.take("work")
    clock.advance(hours=1)
    acts = [
        lambda: one.execute(jobs.complete, job.key, lock_token=job.lock_token),
        lambda: two.execute(messages.publish, "stop", "7"),
        lambda: one.execute(timers.trigger_due),
        lambda: two.execute(instances.cancel, key, "a mistake"),
    ]

    # when
    raised = together(*acts[first:], *acts[:first])

    # then
    assert all(isinstance(error, Rejection) for error in raised), raised
    ways = ended_at(steps, key)
    assert (steps.state(key), len(ways)) in (("COMPLETED", 1), ("TERMINATED", 0))
    assert steps.left_behind() == {}


def test_user_task_is_completed_once_or_interrupted(nodes, clock, steps):
    # given
    one, two = nodes
    steps.deploy(*guarded(user("work")))
    for number in range(5):
        key = steps.start("p", {"id": str(number)})
        [task] = lists.user_tasks(one, instance_key=key).items

        # when
        raised = together(
            lambda task=task: one.execute(user_tasks.complete, task.key, {"by": 1}),
            lambda task=task: two.execute(user_tasks.complete, task.key, {"by": 2}),
            lambda number=number: two.execute(messages.publish, "stop", str(number)),
        )

        # then
        assert all(isinstance(error, Rejection) for error in raised), raised
        assert len(ended_at(steps, key)) == 1
        assert len(raised) == (1 if ended_at(steps, key) == ["done"] else 2)
    assert steps.left_behind() == {}


def test_two_messages_at_once_meet_one_subscription_and_the_other_is_lost(nodes, steps):
    # given
    one, two = nodes
    steps.deploy(message_of("m", "stop", "=id"), process(
        "p", start(), catch("wait", message("m")), service("work"), end()))
    key = steps.start("p", {"id": "7"})

    # when
    reached = []
    raised = together(*(
        lambda node=node, number=number: reached.append(
            node.execute(messages.publish, "stop", "7", {"number": number}).instance_keys)
        for number, node in enumerate([one, two, one, two])
    ))

    # then
    assert raised == []
    assert sorted(reached) == [(), (), (), (key,)]
    assert steps.history(key).count("work") == 1


def test_message_that_is_kept_and_who_waits_for_it_find_each_other(nodes, steps):
    # given
    one, two = nodes
    steps.deploy(message_of("m", "stop", "=id"), process("p", start(), catch("wait", message("m")), end()))

    # when both come at the same moment
    for number in range(6):
        keys = []
        raised = together(
            lambda number=number, keys=keys: keys.append(
                one.execute(instances.start, "p", variables={"id": str(number)}).key),
            lambda number=number: two.execute(
                messages.publish, "stop", str(number), time_to_live=timedelta(hours=1)),
        )

        # then
        assert raised == []
        assert steps.state(keys[0]) == "COMPLETED"


def test_events_of_one_gateway_have_one_winner(nodes, clock, steps):
    # given
    one, two = nodes
    steps.deploy(message_of("m", "stop", "=id"), signal_of("g", "all"), process(
        "p", start(), '<bpmn:eventBasedGateway id="which"/>', catch("c1", message("m")), end("told"),
        catch("c2", timer("Duration", "PT1H")), end("late"), catch("c3", signal("g")), end("done"),
        flows="start>which which>c1 which>c2 which>c3 c1>told c2>late c3>done"))
    key = steps.start("p", {"id": "7"})
    clock.advance(hours=1)

    # when
    raised = together(
        lambda: one.execute(messages.publish, "stop", "7"), lambda: two.execute(timers.trigger_due),
        lambda: two.execute(signals.broadcast, "all"),
    )

    # then
    assert raised == []
    assert len(ended_at(steps, key)) == 1
    assert steps.left_behind() == {}


def test_called_instance_that_ends_while_its_caller_is_cancelled_is_no_deadlock(nodes):
    # given a caller that is being cancelled and a called instance that is about to end, each holding its own row
    one, two = nodes
    if one.database.is_sqlite:
        pytest.skip("SQLite has one writer, so nobody holds half of what another one wants")
    steps = Steps(one)
    steps.deploy(process("outer", start(), call("c", "inner"), end()),
                 process("inner", start("s2"), service("do"), end("e2")))
    key = steps.start("outer")
    [job] = steps.take("do")
    caller_held, called_held = threading.Event(), threading.Event()

    def cancelled(tx):
        instances.cancel(tx, key, "enough")
        caller_held.set()
        assert called_held.wait(20)

    def completed(tx):
        jobs.complete(tx, job.key, {}, lock_token=job.lock_token)
        called_held.set()
        assert caller_held.wait(20)

    found = []
    for node in nodes:
        event.listen(node.database.engine, "handle_error", lambda context: found.append(context.original_exception))
    outcomes = together(lambda: one.execute(cancelled), lambda: two.execute(completed))

    # then one of them came first, and PostgreSQL had no deadlock to find
    assert "deadlock" not in " ".join(map(str, found))
    assert steps.state(key) in ("TERMINATED", "COMPLETED")
    assert steps.left_behind() == {}
    assert all(outcome is None or isinstance(outcome, Rejection) for outcome in outcomes)
