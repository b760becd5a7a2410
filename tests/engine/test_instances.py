"""Instances: started once, suspended, resumed, cancelled; nothing is left behind."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import instances, schema, variables
from engine.cluster import scheduler
from engine.errors import InvalidInput, NotFound, WrongState
from engine.queries import instances as lists_of_instances
from engine.queries import lists, overview
from engine.queries.instances import InstanceFilter
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
    script,
    service,
    start,
    timer,
    user,
)


def test_instance_without_waits_ends_at_once(steps):
    steps.deploy(process("sum", start(), script("add", "=a + 1", "b"), end()))
    key = steps.start("sum", {"a": 1})
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key) == {"a": 1, "b": 2}
    assert steps.detail(key).flows == {"start_add": 1, "add_end": 1}
    assert steps.left_behind() == {}


def test_end_event_says_with_which_reason_an_instance_ended(steps):
    steps.deploy(process("refuse", start(), end(reason="PAYMENT_DECLINED")))
    assert steps.detail(steps.start("refuse")).row.end_reason == "PAYMENT_DECLINED"


def test_reason_variable_says_with_which_reason_an_instance_ended(steps):
    steps.deploy(process("refuse", start(), end()))
    assert steps.detail(steps.start("refuse", {"reason": "NO_CARRIER"})).row.end_reason == "NO_CARRIER"
    assert steps.detail(steps.start("refuse", {"reason": "just so"})).row.end_reason is None


def test_start_key_starts_an_instance_once(engine, steps):
    # given an instance that was started with a start key
    steps.deploy(process("order", start(), service("reserve"), end()))
    first = engine.execute(instances.start, "order", start_key="web-4711")

    # when the same start comes again
    second = engine.execute(instances.start, "order", start_key="web-4711")

    # then it is the same instance
    assert (first.created, second.created) == (True, False)
    assert second.key == first.key
    assert lists_of_instances.search(engine, InstanceFilter()).total == 1


def test_start_names_version_definition_or_elements(engine, steps):
    one = steps.deploy(process("order", start(), service("reserve"), end())).definitions[0]
    steps.deploy(process("order", start(), service("reserve"), service("ship"), end()))
    assert engine.execute(instances.start, "order").version == 2
    assert engine.execute(instances.start, "order", version=1).version == 1
    assert engine.execute(instances.start, definition_key=one.key).version == 1
    assert steps.at(steps.start("order", elements=["ship"])) == ["ship"]


def test_start_of_what_is_not_there_is_rejected(engine, steps):
    steps.deploy(process("order", start(), service("reserve"), end()))
    with pytest.raises(NotFound, match="'nothing'"):
        steps.start("nothing")
    with pytest.raises(NotFound, match="version 7"):
        steps.start("order", version=7)
    with pytest.raises(InvalidInput, match="'nowhere'"):
        steps.start("order", elements=["nowhere"])
    with pytest.raises(InvalidInput):
        steps.start("order", {"": 1})
    assert lists_of_instances.search(engine, InstanceFilter()).total == 0


def test_variables_come_back_as_they_were_given(steps):
    steps.deploy(process("order", start(), service("reserve"), end()))
    given = {"text": "Grüße 🎼", "whole": 2**62, "part": 0.1, "none": None, "yes": True,
             "list": [1, {"a": []}], "context": {"typename": "x", "": ""}}
    key = steps.start("order", given)
    assert steps.variables(key) == given
    [job] = steps.take("reserve")
    assert job.variables == given


def test_cancelled_instance_leaves_nothing_behind(engine, steps):
    # given an instance that waits in every way
    steps.deploy(process("child", start(), service("inner"), end()))
    steps.deploy(
        message_of("paid", "paid", "=id"),
        process(
            "all", start(), '<bpmn:parallelGateway id="split"/>', service("work"), user("check"), call("sub", "child"),
            catch("paid_", message("paid")), catch("later", timer("Duration", "PT1H")), end("e1"),
            boundary("late", "work", timer("Duration", "PT5M")),
            flows="start>split split>work split>check split>sub split>paid_ split>later work>e1 late>e1",
        ),
    )
    key = steps.start("all", {"id": "7"})
    assert steps.at(key) == ["check", "later", "paid_", "sub", "work"]
    child = steps.detail(key).called[0].key

    # when it is cancelled
    engine.acting_as("ada").execute(instances.cancel, key, "ordered by mistake")

    # then it and the one it called are terminated, and nothing waits
    assert steps.detail(key).row.end_reason == "ordered by mistake"
    assert [steps.state(key), steps.state(child)] == ["TERMINATED", "TERMINATED"]
    assert steps.left_behind() == {}
    [cancelled] = lists.audit(engine, operation="CANCEL").items
    assert (cancelled.actor, cancelled.reason, cancelled.instance_key) == ("ada", "ordered by mistake", key)


def test_cancel_needs_a_reason_and_an_active_root(engine, steps):
    steps.deploy(process("child", start(), service("inner"), end()))
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    key = steps.start("parent")
    child = steps.detail(key).called[0].key
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(instances.cancel, key, "  ")
    with pytest.raises(WrongState, match=f"cancel {key} instead"):
        engine.execute(instances.cancel, child, "why not")
    engine.execute(instances.cancel, key, "enough")
    with pytest.raises(WrongState, match="terminated"):
        engine.execute(instances.cancel, key, "again")
    with pytest.raises(NotFound):
        engine.execute(instances.cancel, 987654321, "gone")


@pytest.fixture
def resting(engine, steps):
    """A suspended instance with a job, a timer and a user task."""
    steps.deploy(process(
        "order", start(), '<bpmn:parallelGateway id="split"/>', service("reserve"), user("check"),
        catch("later", timer("Duration", "PT1H")), end(),
        flows="start>split split>reserve split>check split>later reserve>end later>end check>end",
    ))
    key = steps.start("order")
    engine.execute(instances.suspend, key, "stock-taking")
    return key


def test_suspended_instance_rests(engine, clock, steps, resting):
    # when time passes and workers ask
    clock.advance(hours=2)
    scheduler.run_once(engine)

    # then nothing moved, and people are told why
    assert steps.take("reserve") == []
    assert steps.at(resting) == ["check", "later", "reserve"]
    with pytest.raises(WrongState, match="suspended; resume it first"):
        engine.execute(user_tasks.complete, steps.task())
    with pytest.raises(WrongState, match="suspended already"):
        engine.execute(instances.suspend, resting, "again")
    assert overview.overview(engine).suspended == 1


def test_resumed_instance_goes_on_and_overdue_timers_fire(engine, clock, steps, resting):
    clock.advance(hours=2)
    engine.execute(instances.resume, resting, "done counting")
    scheduler.run_once(engine)
    assert steps.at(resting) == ["check", "reserve"]
    steps.do("reserve")
    steps.finish()
    assert steps.state(resting) == "COMPLETED"
    assert [act.operation for act in lists.audit(engine, instance_key=resting).items][-3:] == [
        "RESUME", "SUSPEND", "START"]


def test_answer_of_a_worker_that_was_at_work_when_the_instance_was_suspended_is_kept(engine, steps):
    # given a job that a worker holds, and an instance that is suspended meanwhile
    steps.deploy(process("order", start(), service("reserve"), service("ship"), end()))
    key = steps.start("order")
    [job] = steps.take("reserve")
    engine.execute(instances.suspend, key, "stock-taking")

    # when the worker answers
    engine.execute(jobs.complete, job.key, {"reserved": 3}, lock_token=job.lock_token)

    # then the answer is accepted, and applied when the instance is resumed
    assert steps.at(key) == ["reserve"]
    engine.execute(instances.resume, key, "go on")
    assert steps.at(key) == ["ship"]
    assert steps.variables(key)["reserved"] == 3
    steps.do("ship")
    assert steps.left_behind() == {}


def test_suspending_a_caller_suspends_what_it_called(engine, steps):
    steps.deploy(process("child", start(), service("inner"), end()))
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    key = steps.start("parent")
    child = steps.detail(key).called[0].key
    engine.execute(instances.suspend, key, "wait")
    assert steps.take("inner") == []
    with pytest.raises(WrongState, match=f"resume {key} instead"):
        engine.execute(instances.resume, child, "only this")
    engine.execute(instances.resume, key, "go")
    steps.do("inner", {"x": 1})
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key) == {"x": 1}


def test_suspended_instance_can_be_cancelled(engine, steps, resting):
    engine.execute(instances.cancel, resting, "never mind")
    assert steps.state(resting) == "TERMINATED"
    assert steps.left_behind() == {}


def test_variables_are_set_from_outside(engine, steps):
    # given an instance at a task, and an operator who mends a value
    steps.deploy(process("order", start(), service("reserve"), end()))
    key = steps.start("order", {"amount": 1})
    engine.acting_as("ada").execute(variables.set, key, {"amount": 2, "new": [1]}, reason="typing mistake")

    # then workers see it and the trail tells
    [job] = steps.take("reserve")
    assert job.variables == {"amount": 2, "new": [1]}
    [act] = lists.audit(engine, operation="SET_VARIABLES").items
    assert (act.actor, act.reason, act.after) == ("ada", "typing mistake", {"amount": 2, "new": [1]})

    # and variables of an element are its own
    engine.execute(variables.set, job.element_instance_key, {"mine": 1}, local=True)
    assert "mine" not in steps.variables(key)
    with pytest.raises(NotFound):
        engine.execute(variables.set, 12345678, {"x": 1})


def test_instance_goes_on_in_another_process_with_the_same_database(engine, clock, database_url, steps):
    from engine.engine import Engine

    # given an instance that one node keeps in memory
    steps.deploy(process("order", start(), service("one"), service("two"), service("three"), end()))
    key = steps.start("order", {"a": 1})
    steps.do("one", {"b": 2})

    # when another node goes on with it, and then the first one again
    other = Engine(database_url, clock=clock)
    type(steps)(other).do("two", {"c": 3})
    steps.do("three", {"d": 4})

    # then nobody worked on an old state
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key) == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert steps.history(key) == ["start", "one", "two", "three", "end"]
    other.close()


def test_keys_are_unique_over_engines(engine, clock, database_url, steps):
    from engine.engine import Engine

    steps.deploy(process("order", start(), service("one"), end()))
    other = Engine(database_url, clock=clock)
    keys = [steps.start("order"), type(steps)(other).start("order"), steps.start("order")]
    assert len(set(keys)) == 3
    other.close()


def test_failed_command_changes_nothing(engine, steps):
    # given a job, and a command that fails after it answered the job
    steps.deploy(process("order", start(), service("one"), end()))
    key = steps.start("order")
    [job] = steps.take("one")

    def fails(tx) -> None:
        jobs.complete(tx, job.key, {"x": 1})
        raise RuntimeError("power cut")

    # when it is run
    with pytest.raises(RuntimeError):
        engine.execute(fails)

    # then everything is as before, and the job can still be answered
    assert steps.at(key) == ["one"]
    assert steps.variables(key) == {}
    engine.execute(jobs.complete, job.key, {"x": 2}, lock_token=job.lock_token)
    assert steps.variables(key) == {"x": 2}
    with engine.read() as connection:
        assert len(connection.execute(select(schema.element_instances)).all()) == 3


def test_answers_kept_for_a_suspended_instance_go_with_it(engine, steps):
    # given a suspended instance whose called instance got an answer meanwhile
    steps.deploy(process("child", start(), service("inner"), end()))
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    key = steps.start("parent")
    [job] = steps.take("inner")
    engine.execute(instances.suspend, key, "wait")
    engine.execute(jobs.complete, job.key, {"x": 1})
    assert steps.left_behind()["deferred"] == 1

    # when it is cancelled
    engine.execute(instances.cancel, key, "never mind")

    # then nothing is kept
    assert steps.left_behind() == {}


def test_of_two_things_kept_for_a_suspended_instance_the_first_one_counts(engine, steps):
    from engine import messages

    # given a suspended instance whose task is interrupted by a message, and then answered
    steps.deploy(message_of("stop", "stop", "=id"), process(
        "work", start(), service("do"), end(), boundary("stopped", "do", message("stop")), service("mend"), end("e2"),
        flows="start>do do>end stopped>mend mend>e2",
    ))
    key = steps.start("work", {"id": "1"})
    [job] = steps.take("do")
    engine.execute(instances.suspend, key, "wait")
    engine.execute(messages.publish, "stop", "1")
    engine.execute(jobs.complete, job.key, {"x": 1}, lock_token=job.lock_token)

    # when it is resumed
    engine.execute(instances.resume, key, "go")

    # then the message won, and the instance goes on
    assert steps.at(key) == ["mend"]
    steps.do("mend")
    assert steps.left_behind() == {}


def test_condition_that_becomes_true_while_an_instance_rests_counts_when_it_is_resumed(engine, steps):
    # given an instance that waits for a condition, and is suspended
    condition = '<bpmn:conditionalEventDefinition><bpmn:condition xsi:type="bpmn:tFormalExpression">=x > 1' \
                "</bpmn:condition></bpmn:conditionalEventDefinition>"
    steps.deploy(process("wait", start(), catch("until", condition), service("after"), end()))
    key = steps.start("wait", {"x": 1})
    engine.execute(instances.suspend, key, "wait")

    # when the condition becomes true
    engine.execute(variables.set, key, {"x": 2})

    # then no token moves before the instance is resumed
    assert steps.at(key) == ["until"]
    engine.execute(instances.resume, key, "go")
    assert steps.at(key) == ["after"]
    assert steps.detail(key).subscriptions == ()


def test_reason_that_one_branch_gave_survives_until_the_last_one_ends(engine, steps):
    # given an instance, one branch of which ended with a reason, and that is not in memory any more
    steps.deploy(process("both", start(), '<bpmn:parallelGateway id="split"/>', end("refused", reason="REFUSED"),
                         service("undo"), end(), flows="start>split split>refused split>undo undo>end"))
    key = steps.start("both")
    engine.cache.take(key)

    # when the other branch ends
    steps.do("undo")

    # then it is still the reason
    assert steps.detail(key).row.end_reason == "REFUSED"


def test_start_event_of_camunda_7_notes_who_started_the_instance(engine, steps):
    steps.deploy7(process("p", '<bpmn:startEvent id="s" camunda:initiator="starter"/>', '<bpmn:userTask id="t"/>',
                          end()))
    key = engine.acting_as("ann").execute(instances.start, "p", variables={"a": 1}).key
    assert steps.variables(key) == {"a": 1, "starter": "ann"}
