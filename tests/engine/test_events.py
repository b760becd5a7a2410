"""Messages and signals: who gets them, who starts by them, how long they are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances as instance_commands
from engine import messages, signals
from engine.cluster import scheduler
from engine.errors import Conflict, InvalidInput, NotFound
from engine.queries import instances
from engine.queries.instances import InstanceFilter
from tests.engine.drawing import (
    boundary,
    catch,
    end,
    message,
    message_of,
    process,
    service,
    signal,
    signal_of,
    start,
    throw,
)


@pytest.fixture
def waiting(steps):
    """Deploys a process that waits for the payment of its order, and one step more."""
    steps.deploy(message_of("paid", "paid", "=order"), process(
        "order", start(), catch("payment", message("paid")), service("ship"), end()))
    return steps


def test_message_reaches_who_waits_for_its_key(engine, waiting):
    one, two = waiting.start("order", {"order": "1"}), waiting.start("order", {"order": "2"})
    published = engine.execute(messages.publish, "paid", "2", {"amount": 5})
    assert published.instance_keys == (two,)
    assert waiting.at(one) == ["payment"]
    assert waiting.at(two) == ["ship"]
    assert waiting.variables(two)["amount"] == 5
    assert waiting.detail(two).subscriptions == ()


def test_message_that_nobody_waits_for_is_lost_unless_it_is_kept(engine, clock, waiting):
    # given one message that is not kept, and one that is kept for an hour
    engine.execute(messages.publish, "paid", "1")
    engine.execute(messages.publish, "paid", "2", {"amount": 7}, time_to_live=timedelta(hours=1))

    # when instances come to wait for them
    one, two = waiting.start("order", {"order": "1"}), waiting.start("order", {"order": "2"})

    # then only the second one gets its message, and no other instance gets it again
    assert waiting.at(one) == ["payment"]
    assert waiting.at(two) == ["ship"]
    assert waiting.variables(two)["amount"] == 7
    assert waiting.at(waiting.start("order", {"order": "2"})) == ["payment"]


def test_kept_message_expires(engine, clock, waiting):
    engine.execute(messages.publish, "paid", "1", time_to_live=timedelta(hours=1))
    clock.advance(hours=1)
    assert scheduler.run_once(engine) == 1
    assert waiting.at(waiting.start("order", {"order": "1"})) == ["payment"]


def test_message_with_the_same_id_is_published_once(engine, waiting):
    engine.execute(messages.publish, "paid", "1", time_to_live=timedelta(hours=1), message_id="m1")
    with pytest.raises(Conflict, match="'m1'"):
        engine.execute(messages.publish, "paid", "1", time_to_live=timedelta(hours=1), message_id="m1")
    engine.execute(messages.publish, "paid", "2", time_to_live=timedelta(hours=1), message_id="m1")
    with pytest.raises(InvalidInput):
        engine.execute(messages.publish, "")


def test_message_reaches_one_instance_of_each_process(engine, waiting):
    keys = [waiting.start("order", {"order": "1"}) for _ in range(2)]
    assert engine.execute(messages.publish, "paid", "1").instance_keys == (keys[0],)
    assert engine.execute(messages.publish, "paid", "1").instance_keys == (keys[1],)


def test_suspended_instance_gets_its_message_when_it_is_resumed(engine, waiting):
    key = waiting.start("order", {"order": "1"})
    engine.execute(instance_commands.suspend, key, "wait")
    assert engine.execute(messages.publish, "paid", "1", {"amount": 1}).instance_keys == (key,)
    assert waiting.at(key) == ["payment"]
    engine.execute(instance_commands.resume, key, "go")
    assert waiting.at(key) == ["ship"]
    assert waiting.variables(key)["amount"] == 1


def test_message_start_event_starts_an_instance_once_per_key(engine, steps):
    # given a process that starts by a message
    steps.deploy(message_of("ordered", "ordered"),
                 process("order", start(event=message("ordered")), service("do"), end()))

    # when it is published twice with one key, the second one kept
    [first] = engine.execute(messages.publish, "ordered", "7", {"a": 1}).instance_keys
    again = engine.execute(messages.publish, "ordered", "7", {"a": 2}, time_to_live=timedelta(hours=1))

    # then there is one instance, and the second message starts another when it has ended
    assert again.instance_keys == ()
    assert steps.variables(first) == {"a": 1}
    steps.do("do")
    [active] = instances.search(engine, InstanceFilter(states=["active"])).items
    assert steps.variables(active.key) == {"a": 2}

    # and without a key every message starts one
    assert len({engine.execute(messages.publish, "ordered").instance_keys for _ in range(3)}) == 3


def test_new_version_takes_over_the_start_by_message(engine, steps):
    for work in ("old", "new"):
        steps.deploy(message_of("ordered", "ordered"),
                     process("order", start(event=message("ordered")), service(work), end()))
    engine.execute(messages.publish, "ordered")
    assert steps.take("old") == []
    assert len(steps.take("new")) == 1


def test_camunda_7_way_correlates_to_exactly_one(engine, waiting):
    # given instances with business ids
    one = waiting.start("order", {"order": "1", "kind": "a"}, business_id="B-1")
    two = waiting.start("order", {"order": "2", "kind": "b"}, business_id="B-2")

    # then business id, variables or key say who is meant
    with pytest.raises(Conflict, match="2"):
        engine.execute(messages.correlate, "paid")
    [reached] = engine.execute(messages.correlate, "paid", business_id="B-2", variables={"x": 1})
    assert reached.instance_key == two
    assert waiting.variables(two)["x"] == 1
    with pytest.raises(NotFound, match="nobody"):
        engine.execute(messages.correlate, "paid", match={"kind": "b"})
    [reached] = engine.execute(messages.correlate, "paid", match={"kind": "a"})
    assert reached.instance_key == one


def test_correlate_starts_an_instance_if_nobody_waits(engine, steps):
    steps.deploy(message_of("ordered", "ordered"),
                 process("order", start(event=message("ordered")), service("do"), end()))
    [reached] = engine.execute(messages.correlate, "ordered", business_id="B-9", variables={"a": 1})
    assert reached.started
    assert steps.detail(reached.instance_key).row.business_id == "B-9"


def test_signal_reaches_everyone_and_starts_what_starts_with_it(engine, steps):
    # given two who listen, and a process that starts with the signal
    steps.deploy(signal_of("alarm", "alarm"), process("listen", start(), catch("hear", signal("alarm")), end()))
    steps.deploy(signal_of("alarm", "alarm"), process("react", start(event=signal("alarm")), service("do"), end()))
    keys = [steps.start("listen") for _ in range(2)]

    # when it is broadcast
    assert engine.execute(signals.broadcast, "alarm", {"floor": 3}) == 3

    # then all heard it
    assert [steps.state(key) for key in keys] == ["COMPLETED", "COMPLETED"]
    [job] = steps.take("do")
    assert job.variables == {"floor": 3}


def test_signal_thrown_by_an_instance_is_heard_by_others_and_by_itself_once(engine, steps):
    steps.deploy(signal_of("alarm", "alarm"), process(
        "listen", start(), service("work"), end(), boundary("heard", "work", signal("alarm"), interrupting=False),
        service("count"), end("e2"), flows="start>work work>end heard>count count>e2",
    ))
    steps.deploy(signal_of("alarm", "alarm"), process(
        "both", start(), '<bpmn:parallelGateway id="split"/>', service("stay"), service("go"),
        throw("ring", signal("alarm")), end("e1"), service("mine"),
        boundary("own", "stay", signal("alarm"), interrupting=False),
        flows="start>split split>stay split>go go>ring ring>e1 own>mine",
    ))
    steps.start("listen")
    key = steps.start("both")
    steps.do("go")
    assert len(steps.take("count", max_jobs=5)) == 1
    assert len(steps.take("mine", max_jobs=5)) == 1
    assert steps.at(key) == ["mine", "stay"]


def test_interrupting_message_boundary_takes_the_job_away(engine, steps):
    steps.deploy(message_of("stop", "stop", "=id"), process(
        "work", start(), service("do"), end(), boundary("stopped", "do", message("stop")), end("e2"),
        flows="start>do do>end stopped>e2",
    ))
    key = steps.start("work", {"id": "1"})
    engine.execute(messages.publish, "stop", "1")
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}
