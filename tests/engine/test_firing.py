"""What operators let happen at once: timers before their time, messages and signals to one instance alone."""

from __future__ import annotations

import pytest

from engine import instances
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import firing
from engine.queries import instance_parts, lists
from tests.engine.drawing import (
    boundary,
    catch,
    end,
    message,
    message_of,
    process,
    signal,
    signal_of,
    start,
    timer,
    user,
)


def parts(engine, key, name, **more):
    return instance_parts.rows(engine, key, name, **more).items


def test_timer_fires_before_its_time_and_once(engine, steps, clock):
    # given
    steps.deploy(process("wait", start(), catch("later", timer("Duration", "PT8H")), user("look"), end()))
    key = steps.start("wait")
    [waiting] = parts(engine, key, "timers")

    # when
    engine.acting_as("ann").execute(firing.fire, waiting.key, "The shop opens early.")

    # then
    assert steps.at(key) == ["look"]
    assert parts(engine, key, "timers") == ()
    act = parts(engine, key, "audit")[0]
    assert (act.actor, act.operation, act.reason) == ("ann", "FIRE", "The shop opens early.")
    with pytest.raises(NotFound, match="fired meanwhile"):
        engine.execute(firing.fire, waiting.key, "Again.")


def test_timer_that_repeats_is_armed_again(engine, steps, clock):
    steps.deploy(process("remind", start(), user("look"), boundary("often", "look", timer("Cycle", "R3/PT1H"), False),
                         end("told"), end(), flows="start>look look>end often>told"))
    key = steps.start("remind")
    [waiting] = parts(engine, key, "timers")
    engine.execute(firing.fire, waiting.key, "Remind her now.")
    [again] = parts(engine, key, "timers")
    assert again.due_at > waiting.due_at
    assert steps.history(key).count("told") == 1


def test_message_and_signal_reach_the_one_instance_that_is_meant(engine, steps):
    steps.deploy(message_of("paid", "paid", "=id"), signal_of("alarm", "alarm"), process(
        "order", start(), catch("payment", message("paid")), catch("alert", signal("alarm")), end()))
    key, other = steps.start("order", {"id": "1"}), steps.start("order", {"id": "1"})
    [waiting] = parts(engine, key, "subscriptions")
    engine.execute(firing.deliver, waiting.key, {"amount": 3}, "The bank called.")
    assert steps.at(key) == ["alert"]
    assert steps.at(other) == ["payment"]
    assert steps.variables(key)["amount"] == 3
    [waiting] = parts(engine, key, "subscriptions", element="alert")
    engine.execute(firing.deliver, waiting.key, None, "Now.")
    assert steps.state(key) == "COMPLETED"
    with pytest.raises(NotFound):
        engine.execute(firing.deliver, waiting.key, None, "Now.")


def test_what_is_not_possible_is_said_and_changes_nothing(engine, steps):
    steps.deploy(process("wait", start(), catch("later", timer("Duration", "PT8H")), end()))
    key = steps.start("wait")
    [waiting] = parts(engine, key, "timers")
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(firing.fire, waiting.key, " ")
    engine.execute(instances.suspend, key, "Wait.")
    with pytest.raises(WrongState, match="suspended; resume it first"):
        engine.execute(firing.fire, waiting.key, "Now.")
    engine.execute(instances.resume, key, "Go on.")
    assert steps.at(key) == ["later"]


def test_parts_are_counted_narrowed_and_paged(engine, steps):
    steps.deploy(process("tasks", start(), '<bpmn:parallelGateway id="split"/>', user("a"), user("b"), end(),
                         flows="start>split split>a split>b a>end b>end"))
    key = steps.start("tasks", {"x": 1})
    counts = instance_parts.counts(engine, key)
    assert (counts["tasks"], counts["variables"], counts["audit"], counts["incidents"]) == (2, 1, 1, 0)
    assert instance_parts.counts(engine, key, element="a")["tasks"] == 1
    assert [task.element_id for task in parts(engine, key, "tasks", element="b")] == ["b"]
    found = instance_parts.rows(engine, key, "tasks", limit=1, offset=1)
    assert (len(found.items), found.total) == (1, 2)
    assert lists.user_tasks(engine, instance_key=key).total == 2
