"""The time of a scratch engine: it stands still until a test lets it pass, and what falls due happens in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.contracts import JobContract
from engine.testing import Failure, NeverAtRest
from engine.work import holds
from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    file,
    message,
    message_of,
    process,
    service,
    start,
    timer,
    user,
)

BEGIN = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)


def at(hours=0.0, minutes=0.0):
    return BEGIN + timedelta(hours=hours, minutes=minutes)


def test_what_falls_due_happens_at_its_own_moment_and_in_order(scratch):
    # given timers, a failed job and a kept message that fall due in turn
    scratch.deploy(file(message_of("paid", "paid", "=order"), process(
        "p", start(), service("work"), catch("wait", timer("Duration", "PT2H")), service("done"), end())))
    at_work = []
    scratch.service("work").does(
        lambda call: at_work.append(call.at) or (_ for _ in ()).throw(Failure("busy", retry_in=timedelta(hours=1))),
        times=2).does(lambda call: at_work.append(call.at))
    done = scratch.service("done").returns()

    # when
    run = scratch.start("p")
    scratch.publish("paid", "A-1", time_to_live=timedelta(minutes=90))
    scratch.advance(hours=3, minutes=59)

    # then
    assert at_work == [at(0), at(1), at(2)]
    run.assert_waits_at("wait")
    scratch.advance(minutes=1)
    run.assert_ended()
    assert [call.at for call in done.calls] == [at(4)]
    assert run.ended_at == at(4)
    assert scratch.now == at(4)


def test_a_message_is_kept_until_its_time_to_live_is_over(scratch):
    scratch.deploy(file(message_of("paid", "paid", "=order"), process(
        "p", start(), catch("wait", timer("Duration", "PT1H")), catch("paid_", message("paid")), end())))
    for order, length in (("A", 59), ("B", 61)):
        scratch.publish("paid", order, amount=5, time_to_live=timedelta(minutes=length))

    late, early = scratch.start("p", order="A"), scratch.start("p", order="B")
    scratch.advance(hours=1)

    late.assert_waits_at("paid_")
    early.assert_variables(amount=5)
    [reached] = scratch.publish("paid", "A", {"amount": 6})
    assert reached.key == late.key
    late.assert_ended()


def test_time_limits_of_a_contract_pass_too(scratch):
    scratch.deploy(file(process("p", start(), service("pay"), end())))
    scratch.engine.contracts["pay"] = JobContract(pickup=timedelta(minutes=10))
    run = scratch.start("p")

    scratch.advance(hours=1)

    run.assert_incident("pay", message="within 600 s")
    assert run.incidents[0].created_at == at(minutes=10)


def test_a_slow_answer_races_with_a_boundary_timer(scratch):
    scratch.deploy(file(process(
        "p", start(), service("pay"), end(), boundary("late", "pay", timer("Duration", "PT1H")), end("end2"),
        flows="start>pay pay>end late>end2")))
    pay = scratch.service("pay").returns(paid=True).takes(minutes=59)
    run = scratch.start("p")
    assert "is at work" in repr(run)
    scratch.advance(minutes=59)
    run.assert_passed("pay")

    pay.takes(timedelta(minutes=61))
    run = scratch.start("p")
    scratch.advance(hours=2)

    run.assert_passed("late")
    run.assert_not_passed("pay")
    run.assert_no_variables("paid")


def test_a_person_may_take_their_time(scratch):
    scratch.deploy(file(process("p", start(), user("review"), end())))
    scratch.task("review").completes(ok=True).takes(days=2)
    run = scratch.start("p")

    scratch.advance(days=1)
    run.assert_waits_at("review")
    scratch.advance(days=1)

    run.assert_variables(ok=True)
    run.assert_ended()


def test_the_next_timer_is_waited_for_exactly(scratch):
    scratch.deploy(file(process("p", start(), catch("wait", timer("Duration", "P3DT5M")), end())))
    with pytest.raises(AssertionError, match="Expected a timer to be armed"):
        scratch.advance_to_next_timer()
    run = scratch.start("p")

    assert scratch.advance_to_next_timer() == BEGIN + timedelta(days=3, minutes=5) == scratch.now
    run.assert_ended()


def test_time_only_goes_forward(scratch):
    with pytest.raises(ValueError, match="time only goes forward"):
        scratch.advance(hours=-1)
    with pytest.raises(ValueError, match="Expected a time with a time zone"):
        scratch.advance_to(datetime(2031, 1, 1))
    assert scratch.now == BEGIN


def test_a_timer_start_event_starts_instances_while_time_passes(scratch):
    scratch.deploy(file(process("p", start(event=timer("Cycle", "R/PT1H")), service("tick"), end())))
    tick = scratch.service("tick").returns()

    scratch.advance(hours=3)

    assert [call.at for call in tick.calls] == [at(1), at(2), at(3)]
    assert len(scratch.instances("p")) == 3
    with pytest.raises(AssertionError, match="Expected one instance of 'p', but there are 3"):
        scratch.instance("p")


def test_the_same_moments_come_every_time_even_with_many_timers(scratch):
    scratch.deploy(file(process("p", start(), catch("wait", timer("Duration", "=d")), service("tick"), end())))
    order = []
    scratch.service("tick").does(lambda call: order.append(call.variables["d"]))
    for minutes in (5, 3, 4, 1, 2):
        scratch.start("p", d=f"PT{minutes}M")

    scratch.advance(minutes=10)

    assert order == ["PT1M", "PT2M", "PT3M", "PT4M", "PT5M"]


def test_what_is_due_already_happens_at_once(scratch):
    scratch.deploy(file(process("p", start(), catch("past", timer("Date", "2029-12-31T00:00:00Z")),
                                catch("now", timer("Duration", "PT0S")), end())))

    run = scratch.start("p")

    run.assert_path("past", "now", "end")
    assert scratch.now == BEGIN


def test_more_timers_than_one_transaction_fires_are_all_fired(scratch):
    scratch.deploy(file(process("p", start(), catch("wait", timer("Duration", "PT1H")), end())))
    many = '<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics ' \
           'inputCollection="=for i in 1..250 return i" inputElement="i"/></bpmn:extensionElements>' \
           "</bpmn:multiInstanceLoopCharacteristics>"
    scratch.deploy(file(process("q", start(), call("each", "p").replace("</bpmn:extensionElements>",
                                f"</bpmn:extensionElements>{many}"), end()), name="q.bpmn"))
    run = scratch.start("q")
    assert len(run.called) == 250

    scratch.advance(hours=1)

    run.assert_ended()


def test_a_held_service_is_waited_for_without_end(scratch):
    scratch.deploy(file(process("p", start(), service("pay"), end())))
    scratch.engine.contracts["pay"] = JobContract(pickup=timedelta(minutes=10))
    scratch.service("pay").returns()
    scratch.execute(holds.hold, "pay", "The bank moves house.")
    run = scratch.start("p")

    scratch.advance(hours=1)

    run.assert_no_incidents()
    run.assert_waits_at("pay")
    scratch.execute(holds.release, "pay", "It has moved.")
    run.assert_ended()


def test_circles_are_found(scratch, monkeypatch):
    monkeypatch.setattr("engine.testing.running.MOST_AT_ONCE", 20)
    monkeypatch.setattr("engine.testing.running.MOST_MOMENTS", 20)
    scratch.deploy(
        file(process("p", start(), '<bpmn:exclusiveGateway id="join"/>', service("again"),
                     flows="start>join join>again again>join"), name="p.bpmn"),
        file(process("q", start(event=timer("Cycle", "R/PT1S")), end()), name="q.bpmn"))
    scratch.service("again").returns()

    with pytest.raises(NeverAtRest, match="more than 20 things happened; the last call was of 'again' at element"):
        scratch.start("p")
    scratch.service("again").hangs()
    with pytest.raises(NeverAtRest, match="something fell due at 20 moments"):
        scratch.advance(hours=1)


def test_what_is_due_and_does_not_happen_is_no_endless_wait(scratch, monkeypatch):
    scratch.deploy(file(process("p", start(), catch("wait", timer("Duration", "PT1H")), end())))
    scratch.start("p")
    monkeypatch.setattr("engine.cluster.scheduler.run_once", lambda engine: 0)

    with pytest.raises(NeverAtRest, match=r"Expected what fell due at 2030-01-07T10:00:00.* but nothing did"):
        scratch.advance(hours=2)
