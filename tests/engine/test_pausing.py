"""Processes that take no new starts: every door refuses with a sentence or holds, and nothing is lost or is twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances, messages, pausing, signals
from engine.cluster import scheduler
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import restarting
from engine.queries import lists
from engine.queries.instances import InstanceFilter, search
from tests.engine.drawing import call, end, message, message_of, process, service, signal, signal_of, start, timer

WHY = "The bank is down."
ONCE = process("plain", start(), service("work"), end())
TOLD = (message_of("begin", "begin"), process("told", start(event=message("begin")), service("work"), end()))
HEARD = (signal_of("alarm", "alarm"), process("heard", start(event=signal("alarm")), service("work"), end()))


def pause(engine, process_id):
    engine.acting_as("ada").execute(pausing.pause, process_id, WHY)


def resume(engine, process_id):
    return pausing.resume(engine, process_id, "It is back.")


def started(engine, process_id):
    return [row.key for row in search(engine, InstanceFilter(process_id=process_id), sort="key").items]


def test_a_start_is_refused_with_who_paused_it_and_why(engine, steps):
    # given
    steps.deploy(ONCE)
    pause(engine, "plain")

    # when
    with pytest.raises(WrongState) as refusal:
        steps.start("plain")

    # then
    assert "'plain' to take new starts, but ada paused them" in str(refusal.value)
    assert WHY in str(refusal.value)
    with pytest.raises(WrongState):
        engine.execute(instances.start, "plain", version=1)

    # when
    assert resume(engine, "plain") == 0

    # then
    assert steps.at(steps.start("plain")) == ["work"]


def test_a_start_that_was_made_before_is_answered_again(engine, steps):
    steps.deploy(ONCE)
    key = steps.start("plain", start_key="a")
    pause(engine, "plain")
    assert engine.execute(instances.start, "plain", start_key="a").key == key


def test_instances_under_way_go_on(engine, steps):
    steps.deploy(ONCE)
    key = steps.start("plain")
    pause(engine, "plain")
    steps.do("work")
    assert steps.state(key) == "COMPLETED"


def test_an_ended_instance_is_not_restarted_meanwhile(engine, steps):
    steps.deploy(ONCE)
    key = steps.start("plain")
    engine.execute(instances.cancel, key, "no")
    pause(engine, "plain")
    with pytest.raises(WrongState, match="take new starts"):
        engine.execute(restarting.restart, key, reason="again")
    assert len(started(engine, "plain")) == 1


def test_a_call_is_an_incident_that_goes_on_after_the_pause(engine, steps):
    # given
    steps.deploy(ONCE, process("caller", start("s2"), call("sub", "plain"), end("e2")))
    pause(engine, "plain")

    # when
    key = steps.start("caller")

    # then
    [incident] = lists.incidents(engine).items
    assert "ada paused them" in incident.message

    # when
    resume(engine, "plain")
    steps.resolve(reason="It is back.")
    steps.do("work")

    # then
    assert steps.state(key) == "COMPLETED"


@pytest.mark.parametrize("time_to_live", [timedelta(), timedelta(hours=1)])
def test_messages_are_held_and_start_one_instance_each(engine, clock, steps, time_to_live):
    # given
    steps.deploy(*TOLD)
    pause(engine, "told")

    # when
    for number in range(3):
        told = engine.execute(messages.publish, "begin", str(number), {"number": number}, time_to_live=time_to_live)
        assert told.instance_keys == ()
    clock.advance(hours=2)
    assert started(engine, "told") == []

    # then they start in their order, once
    assert resume(engine, "told") == 3
    keys = started(engine, "told")
    assert [steps.variables(key)["number"] for key in keys] == [0, 1, 2]
    pause(engine, "told")
    assert resume(engine, "told") == 0


def test_a_second_message_with_the_same_key_waits_behind_the_held_one(engine, steps):
    # given
    steps.deploy(*TOLD)
    pause(engine, "told")
    for number in range(2):
        engine.execute(messages.publish, "begin", "same", {"number": number}, time_to_live=timedelta(hours=1))

    # when
    resume(engine, "told")

    # then there is one at a time, as always
    [first] = started(engine, "told")
    steps.do("work")
    assert steps.state(first) == "COMPLETED"
    _, second = started(engine, "told")
    assert steps.variables(second)["number"] == 1


def test_the_next_message_of_a_key_is_held_when_the_first_instance_ends_meanwhile(engine, steps):
    steps.deploy(*TOLD)
    for number in range(2):
        engine.execute(messages.publish, "begin", "same", {"number": number}, time_to_live=timedelta(hours=1))
    pause(engine, "told")
    steps.do("work")
    assert len(started(engine, "told")) == 1
    assert resume(engine, "told") == 1
    assert len(started(engine, "told")) == 2


def test_whoever_correlates_is_told(engine, steps):
    steps.deploy(*TOLD)
    pause(engine, "told")
    with pytest.raises(WrongState, match="take new starts"):
        engine.execute(messages.correlate, "begin")


def test_signals_are_held_for_the_paused_process_alone(engine, steps):
    steps.deploy(*HEARD, process("other", start("s2", signal("alarm")), service("work2"), end("e2")))
    pause(engine, "heard")
    assert engine.execute(signals.broadcast, "alarm", {"loud": True}) == 2
    assert (len(started(engine, "heard")), len(started(engine, "other"))) == (0, 1)
    resume(engine, "heard")
    [key] = started(engine, "heard")
    assert steps.variables(key) == {"loud": True}


def test_timers_do_not_fire_and_missed_times_are_made_up_for_by_one(engine, clock, steps):
    # given
    steps.deploy(process("hourly", start(event=timer("Cycle", "R/PT1H")), service("work"), end()))
    pause(engine, "hourly")

    # when
    clock.advance(hours=3, minutes=30)
    scheduler.run_once(engine)
    assert started(engine, "hourly") == []
    resume(engine, "hourly")
    scheduler.run_once(engine)

    # then
    assert len(started(engine, "hourly")) == 1
    clock.advance(minutes=31)
    scheduler.run_once(engine)
    assert len(started(engine, "hourly")) == 2


def test_a_version_that_is_deployed_meanwhile_is_paused_too_and_takes_what_was_held(engine, clock, steps):
    # given
    steps.deploy(*TOLD)
    pause(engine, "told")
    engine.execute(messages.publish, "begin", "1")

    # when
    steps.deploy(message_of("begin", "begin"),
                 process("told", start(event=message("begin")), service("better"), end()))
    engine.execute(messages.publish, "begin", "2")
    assert started(engine, "told") == []
    resume(engine, "told")

    # then
    assert [steps.at(key) for key in started(engine, "told")] == [["better"], ["better"]]


def test_a_timer_of_a_version_that_is_deployed_meanwhile_waits_too(engine, clock, steps):
    for work in ("old", "new"):
        steps.deploy(process("hourly", start(event=timer("Cycle", "R/PT1H")), service(work), end()))
        if work == "old":
            pause(engine, "hourly")
    clock.advance(hours=1, minutes=1)
    scheduler.run_once(engine)
    assert started(engine, "hourly") == []
    resume(engine, "hourly")
    scheduler.run_once(engine)
    assert len(started(engine, "hourly")) == 1


def test_more_than_one_slice_is_started(engine, steps):
    steps.deploy(*TOLD)
    pause(engine, "told")
    for number in range(pausing.SLICE + 5):
        engine.execute(messages.publish, "begin", str(number))
    assert resume(engine, "told") == pausing.SLICE + 5


def test_what_cannot_be_is_refused(engine, steps):
    steps.deploy(ONCE)
    with pytest.raises(NotFound):
        pause(engine, "nothing")
    with pytest.raises(InvalidInput):
        engine.execute(pausing.pause, "plain", " ")
    with pytest.raises(WrongState):
        resume(engine, "plain")
    pause(engine, "plain")
    with pytest.raises(WrongState, match="paused already"):
        pause(engine, "plain")
    with pytest.raises(InvalidInput):
        pausing.resume(engine, "plain", " ")


def test_a_pause_holds_within_its_own_transaction_too(engine, steps):
    # given a transaction that starts an instance, and so has seen that the process takes new starts
    steps.deploy(ONCE)

    def start_pause_start(tx):
        instances.start(tx, "plain")
        pausing.pause(tx, "plain", WHY)
        instances.start(tx, "plain")

    # when it pauses the process and starts another one
    with pytest.raises(WrongState, match="paused them"):
        engine.execute(start_pause_start)

    # then nothing of it is done
    assert started(engine, "plain") == []
