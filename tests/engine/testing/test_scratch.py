"""The scratch engine: what users write their process tests with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import service_tasks
from engine import instances
from engine.errors import DeploymentRefused, NotFound
from engine.testing import BpmnError, Directions, Failure, ListenerAnswer, Scratch
from tests.bpmn.dmn import tables
from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    error,
    error_of,
    file,
    inside,
    process,
    script,
    service,
    signal,
    signal_of,
    start,
    user,
)

BEGIN = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)


def test_the_path_of_an_order_is_run_from_files(scratch, tmp_path):
    # given a diagram and its decision, which are files
    rule = tables.decision("risk", tables.table(["amount"], ["risk"], ["< 100 | 'low'", ">= 100 | 'high'"]))
    (tmp_path / "risk.dmn").write_bytes(tables.definitions(rule.replace("'", '"')))
    task = ('<bpmn:businessRuleTask id="rate"><bpmn:extensionElements><zeebe:calledDecision decisionId="risk" '
            'resultVariable="risk"/></bpmn:extensionElements></bpmn:businessRuleTask>')
    drawn = file(process("order", start(), task, service("charge"), user("pack"), end()))
    (tmp_path / "order.bpmn").write_bytes(drawn.content)
    scratch.deploy("order.bpmn", "risk.dmn")
    charge = scratch.service("charge").does(lambda call: {"paid": call.variables["amount"], "by": call.business_id})

    # when
    order = scratch.start("order", {"amount": 250}, business_id="A-1", note="gift")
    order.assert_waits_at("pack")
    order.complete("pack", parcels=2)

    # then
    order.assert_ended()
    order.assert_path("start", "rate", "charge", "pack", "end")
    order.assert_variables(amount=250, note="gift", risk="high", paid=250, by="A-1", parcels=2)
    order.assert_passed("charge_pack")
    charge.assert_called(times=1, risk="high")
    assert scratch.decide("risk", amount=5) == "low"
    assert scratch.now == BEGIN


def test_a_file_that_is_not_there_and_one_that_cannot_run_are_said(scratch, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Expected to find 'order\.bpmn', but it is not in .*"):
        scratch.deploy("order.bpmn")
    with pytest.raises(DeploymentRefused, match="Expected"):
        scratch.deploy(file(process("p", start(), '<bpmn:serviceTask id="t"/>', end())))
    with pytest.raises(NotFound, match="'p'"):
        scratch.start("p")


def test_a_service_answers_in_the_order_it_was_told(scratch):
    # given
    scratch.deploy(file(error_of("no", "NO"), process(
        "p", start(), service("pay", retries=5), end(), boundary("refused", "pay", error("no")), end("end2"),
        flows="start>pay pay>end refused>end2")))
    pay = scratch.service("pay").fails("down", times=2).raises("NO", times=1).returns(paid=True)

    # when
    first, second = scratch.start("p"), scratch.start("p")

    # then two attempts failed, the third was refused, and from then on it is paid
    first.assert_passed("refused")
    first.assert_not_passed("pay", "end")
    second.assert_passed("pay", "end")
    second.assert_variables(paid=True)
    assert [call.attempt for call in pay.calls] == [1, 2, 3, 1]
    assert [call.number for call in scratch.calls] == [1, 2, 3, 4]
    assert len({call.idempotency_key for call in pay.calls}) == 2


def test_another_answer_holds_from_then_on(scratch):
    scratch.deploy(file(process("p", start(), service("pay"), end())))
    pay = scratch.service("pay").returns(paid=1)
    scratch.start("p").assert_variables(paid=1)

    pay.returns(paid=2)

    scratch.start("p").assert_variables(paid=2)
    pay.answers({"paid": 3}, {"paid": 4})
    assert [scratch.start("p").variables["paid"] for _ in range(3)] == [3, 4, 4]


def test_an_instance_waits_at_the_innermost_elements(scratch):
    around = f'<bpmn:subProcess id="around">{inside(start("s1"), user("t"), end("s2"))}</bpmn:subProcess>'
    scratch.deploy(file(process("p", start(), around, end())))

    scratch.start("p").assert_waits_at("t")


def test_an_instance_that_ends_otherwise_than_expected_is_told(scratch):
    scratch.deploy(file(process("p", start(), end(reason="EMPTY"))))
    run = scratch.start("p")

    with pytest.raises(AssertionError, match="with the reason 'FULL', but it is 'EMPTY'"):
        run.assert_ended("FULL")
    with pytest.raises(AssertionError, match="to be active, but it has ended"):
        run.assert_active()
    run.assert_ended("EMPTY")


def test_attempts_used_up_are_an_incident_that_can_be_resolved(scratch):
    scratch.deploy(file(process("p", start(), service("pay", retries=2), end())))
    scratch.service("pay").answers(Failure("down"), Failure("still down"), {"paid": 1})

    run = scratch.start("p")

    run.assert_incident("pay", message="still down", type="JOB_NO_RETRIES")
    run.resolve("pay")
    run.assert_no_incidents()
    run.assert_ended()


def test_a_bpmn_error_of_a_real_service_is_one_too(scratch):
    def decline(call):
        raise service_tasks.BpmnError("NO", "Declined.", {"why": "limit"})

    scratch.deploy(file(error_of("no", "NO"), process(
        "p", start(), service("pay"), end(), boundary("refused", "pay", error("no")), end("end2"),
        flows="start>pay pay>end refused>end2")))
    scratch.service("pay").does(decline)

    run = scratch.start("p")

    run.assert_passed("refused")
    run.assert_variables(why="limit")


def test_what_a_function_raises_by_mistake_is_raised_in_the_test_and_the_job_is_free(scratch):
    scratch.deploy(file(process("p", start(), service("pay"), end())))
    scratch.service("pay").answers(lambda call: call.variables["amount"], lambda call: 5, {})

    with pytest.raises(KeyError):
        scratch.start("p")
    with pytest.raises(TypeError, match="Expected the stand-in for 'pay' to give variables"):
        scratch.run()
    scratch.run()

    scratch.instance("p").assert_ended()


def test_what_nobody_answers_waits_and_the_message_says_so(scratch):
    scratch.deploy(file(process("p", start(), service("pay"), end())))
    run = scratch.start("p", amount=5)

    with pytest.raises(AssertionError) as failure:
        run.assert_ended()

    text = str(failure.value)
    assert "Expected the instance to have ended, but it is active." in text
    assert "at pay: waits for service 'pay', which has no answer" in text
    assert "path: start → pay" in text
    assert "variables: amount=5" in text
    scratch.service("pay").returns()
    scratch.run()
    assert run.ended


def test_others_answer_for_services_that_were_told_nothing(scratch):
    scratch.deploy(file(process("p", start(), service("a"), service("b"), user("t"), end())))
    scratch.other_services.does(lambda call: {f"{call.type}_done": True})
    scratch.other_tasks.completes(approved=True)
    scratch.service("a").assert_not_called()
    scratch.service("b").hangs()

    run = scratch.start("p")
    run.assert_waits_at("b")
    scratch.service("b").returns()
    scratch.run()

    run.assert_ended()
    run.assert_variables(a_done=True, approved=True)
    assert [(call.type, call.kind) for call in scratch.calls] == [
        ("a", "BPMN_ELEMENT"), ("b", "BPMN_ELEMENT"), ("t", "USER_TASK")]


def test_an_instance_can_be_looked_at_when_its_engine_is_gone(tmp_path):
    with Scratch([tmp_path]) as scratch:
        scratch.deploy(file(process("p", start(), end())))
        run = scratch.start("p")

    assert "of a scratch engine that was closed" in repr(run)


def test_called_processes_are_run_and_found(scratch):
    scratch.deploy(file(process("outer", start(), call("sub", "inner"), end()),
                        process("inner", start("start2"), service("work"), script("s", "=1 + 1", "two"), end("end2"))))
    outer = scratch.start("outer")
    [inner] = outer.called
    outer.assert_waits_at("sub")
    assert "waits for the process 'inner' that it called" in repr(outer)
    inner.assert_waits_at("work")

    scratch.service("work").returns(worked=True)
    scratch.run()

    inner.assert_ended()
    outer.assert_variables(worked=True, two=2)
    assert [run.process_id for run in scratch.instances()] == ["outer", "inner"]


def test_listeners_are_services_that_may_deny_and_correct(scratch):
    heard = "".join(f'<zeebe:taskListener eventType="{event}" type="on-{event}"/>'
                    for event in ("assigning", "completing"))
    task = ('<bpmn:userTask id="t"><bpmn:extensionElements><zeebe:userTask/><zeebe:assignmentDefinition '
            f'assignee="ann"/><zeebe:executionListeners><zeebe:executionListener eventType="start" type="before"/>'
            f"</zeebe:executionListeners><zeebe:taskListeners>{heard}</zeebe:taskListeners>"
            "</bpmn:extensionElements></bpmn:userTask>")
    scratch.deploy(file(process("p", start(), task, end())))
    scratch.service("before").returns(prepared=True)
    scratch.service("on-assigning").answers(ListenerAnswer(corrections={"assignee": "bob"}))
    scratch.service("on-completing").denies("Not yet.", times=1).returns()

    run = scratch.start("p")
    assert [task.assignee for task in run.tasks] == ["bob"]
    run.complete("t")
    run.assert_waits_at("t")
    run.complete("t", result=1)

    run.assert_ended()
    assert [(call.kind, call.listener_event) for call in scratch.calls] == [
        ("EXECUTION_LISTENER", "START"), ("TASK_LISTENER", "ASSIGNING"), ("TASK_LISTENER", "COMPLETING"),
        ("TASK_LISTENER", "COMPLETING")]


def test_a_worker_leads_an_ad_hoc_sub_process(scratch):
    drawn = ('<bpmn:adHocSubProcess id="agent"><bpmn:extensionElements><zeebe:taskDefinition type="lead"/>'
             f'</bpmn:extensionElements>{service("a")}{service("b")}</bpmn:adHocSubProcess>')
    scratch.deploy(file(process("p", start(), drawn, end())))
    scratch.service("lead").answers(Directions(activate=[("b", {"why": "asked"})]), Directions(over=True))
    b = scratch.service("b").returns()

    run = scratch.start("p")

    run.assert_passed("b", "agent")
    run.assert_not_passed("a")
    b.assert_called(why="asked")


def test_signals_messages_and_commands_reach_instances(scratch):
    scratch.deploy(file(signal_of("go", "go"), process("p", start(), catch("c", signal("go")), user("t"), end())))
    run = scratch.start("p")

    assert scratch.broadcast("go", speed=5) == 1
    run.assert_variables(speed=5)
    scratch.execute(instances.suspend, run.key, "For a moment.")
    assert "is suspended" in repr(run)
    scratch.task("t").completes()
    scratch.run()
    run.assert_active()
    scratch.execute(instances.resume, run.key, "Enough.")

    run.assert_ended()


def test_an_instance_is_cancelled_and_its_variables_are_set(scratch):
    scratch.deploy(file(process("p", start(), user("t"), end())))
    run = scratch.start("p")
    run.set_variables(a=1)
    run.assert_variables({"a": 1})

    run.cancel("No longer wanted.")

    assert run.terminated
    assert not run.completed
    run.assert_ended("No longer wanted.")


def test_an_instance_starts_at_an_element(scratch):
    scratch.deploy(file(process("p", start(), service("a"), service("b"), end())))
    scratch.other_services.returns()

    run = scratch.start("p", elements=["b"])

    assert run.path == ["b", "end"]


def test_senseless_answers_are_refused(scratch):
    pay = scratch.service("pay")
    with pytest.raises(ValueError, match="at least one answer of service 'pay'"):
        pay.answers()
    with pytest.raises(ValueError, match="times=0"):
        pay.fails(times=0)
    with pytest.raises(ValueError, match="nothing or more"):
        pay.takes(seconds=-1)


def test_two_scratch_engines_know_nothing_of_each_other_and_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Scratch() as one, Scratch(begin=datetime(2040, 2, 1, tzinfo=UTC), time_zone="Europe/Berlin") as other:
        one.deploy(file(process("p", start(), end())))
        assert one.start("p").ended
        with pytest.raises(NotFound):
            other.start("p")
        assert other.now.year == 2040

    assert list(tmp_path.iterdir()) == []


def test_an_error_without_message_is_its_code():
    assert str(BpmnError("NO")) == "NO"
