"""Listeners of processes, sequence flows and user tasks, as the engine runs them."""

from __future__ import annotations

import pytest

from engine import incidents, instances, timers
from engine.definitions import Resource, deploy
from engine.errors import InvalidInput, WrongState
from engine.queries import instance as instance_queries
from engine.queries import lists
from engine.states import UserTaskState
from engine.tasks import user_tasks
from engine.tasks.user_tasks import ListenerAnswer
from engine.work import jobs
from tests.engine.drawing import boundary, end, error, error_of, process, service, start, timer

TASK_STATES = tuple(state.value for state in UserTaskState)


def user(id: str, *events: str, assignee: str | None = None) -> str:
    heard = "".join(f'<zeebe:taskListener eventType="{event}" type="on-{event}"/>' for event in events)
    given = f'<zeebe:assignmentDefinition assignee="{assignee}"/>' if assignee else ""
    return (f'<bpmn:userTask id="{id}"><bpmn:extensionElements><zeebe:userTask/>{given}'
            f"<zeebe:taskListeners>{heard}</zeebe:taskListeners></bpmn:extensionElements></bpmn:userTask>")


def tasks(engine):
    return [(row.state, row.assignee) for row in lists.user_tasks(engine, states=TASK_STATES).items]


@pytest.fixture
def answer(engine, steps):
    """Answers the listener of an event, as its worker does."""
    def answering(event: str, variables=None, **said):
        engine.cache._kept.clear()      # every step from what was saved
        [job] = steps.take(f"on-{event}")
        assert (job.kind, job.listener_event) == ("TASK_LISTENER", event.upper())
        engine.execute(jobs.complete, job.key, variables, lock_token=job.lock_token,
                       answer=ListenerAnswer(**said) if said else None)
    return answering


def test_task_can_be_done_when_the_listeners_of_its_creation_and_assignment_have_answered(engine, steps, answer):
    # given
    steps.deploy(process("p", start(), user("t", "creating", "assigning", assignee="ann"), end()))
    key = steps.start("p")
    assert tasks(engine) == [("CREATING", None)]
    [(task, _)] = [(row.key, row) for row in lists.user_tasks(engine, states=TASK_STATES).items]
    with pytest.raises(WrongState, match="it is creating"):
        engine.execute(user_tasks.complete, task)

    # when
    answer("creating", corrections={"priority": 70, "candidate_groups": ["sales"]})
    assert tasks(engine) == [("CREATING", None)]
    answer("assigning")

    # then
    [row] = lists.user_tasks(engine).items
    assert (row.state, row.assignee, row.priority, row.candidate_groups) == ("CREATED", "ann", 70, ["sales"])
    steps.finish()
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}


def test_denied_assignment_leaves_the_task_as_it_was(engine, steps, answer):
    # given
    steps.deploy(process("p", start(), user("t", "assigning", "updating"), end()))
    steps.start("p")

    # when
    engine.execute(user_tasks.claim, steps.task(), "bob")
    assert tasks(engine) == [("ASSIGNING", None)]
    [job] = steps.take("on-assigning")
    assert user_tasks.changes_asked(job.headers) == ({}, {"assignee": "bob"})
    engine.execute(jobs.give_back, [job])
    answer("assigning", denied="Bob is on leave.")

    # then
    assert tasks(engine) == [("CREATED", None)]

    # when somebody else takes it, and the listener corrects that
    engine.execute(user_tasks.claim, steps.task(), "eve")
    answer("assigning", corrections={"assignee": "ann"})
    engine.execute(user_tasks.change, steps.task(), {"priority": 3})
    assert tasks(engine) == [("UPDATING", "ann")]
    answer("updating")

    # then
    [row] = lists.user_tasks(engine).items
    assert (row.state, row.assignee, row.priority) == ("CREATED", "ann", 3)


def test_listener_of_the_completion_sees_the_result_and_may_refuse_it(engine, steps, answer):
    # given
    steps.deploy(process("p", start(), user("t", "completing"), service("next"), end()))
    key = steps.start("p", {"amount": 1})
    steps.finish({"amount": 5})
    assert tasks(engine) == [("COMPLETING", None)]
    assert steps.at(key) == ["t"]

    # when
    [job] = steps.take("on-completing")
    assert job.variables == {"amount": 5}
    engine.execute(jobs.complete, job.key, lock_token=job.lock_token, answer=ListenerAnswer(denied="Too much."))

    # then
    assert tasks(engine) == [("CREATED", None)]
    assert steps.variables(key) == {"amount": 1}

    # when
    steps.finish({"amount": 2})
    answer("completing", {"checked": True})

    # then
    assert steps.at(key) == ["next"]
    assert steps.variables(key) == {"amount": 2, "checked": True}


def test_listener_that_fails_is_an_incident_and_is_repeated_with_the_same_task(engine, steps, answer):
    # given
    steps.deploy(process("p", start(), user("t", "completing"), end()))
    key = steps.start("p")
    steps.finish({"ok": True})
    [job] = steps.take("on-completing")

    # when
    engine.execute(jobs.fail, job.key, "no network", retries=0, lock_token=job.lock_token)

    # then
    [incident] = lists.incidents(engine).items
    assert (incident.element_id, incident.type) == ("t", "JOB_NO_RETRIES")
    assert tasks(engine) == [("COMPLETING", None)]
    engine.execute(incidents.resolve, incident.key)
    answer("completing")
    assert (steps.state(key), steps.variables(key)) == ("COMPLETED", {"ok": True})
    assert steps.left_behind() == {}


def test_error_of_a_listener_is_caught_at_the_edge_of_its_task(engine, steps):
    # given
    steps.deploy(error_of("e", "STOP"), process(
        "p", start(), user("t", "completing"), end(), boundary("b", "t", error("e")), end("stopped"),
        flows="start>t t>end b>stopped"))
    key = steps.start("p")
    steps.finish()
    [job] = steps.take("on-completing")

    # when
    engine.execute(jobs.throw_error, job.key, "STOP", lock_token=job.lock_token)

    # then
    assert "stopped" in steps.history(key)
    assert tasks(engine) == [("CANCELED", None)]
    assert steps.left_behind() == {}


def test_instance_stays_until_the_listeners_of_a_cancelled_task_have_answered(engine, clock, steps, answer):
    # given
    steps.deploy(process(
        "p", start(), user("t", "canceling"), end(), boundary("b", "t", timer("Duration", "PT1H")), end("late"),
        flows="start>t t>end b>late"))
    key = steps.start("p", {"id": 7})
    clock.advance(hours=1)
    engine.execute(timers.trigger_due)

    # then the flow went on
    assert "late" in steps.history(key)
    assert tasks(engine) == [("CANCELED", None)]
    assert steps.state(key) == "ACTIVE"

    # when
    answer("canceling")

    # then
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}


def test_terminate_end_event_leaves_listeners_of_a_cancellation_their_time(engine, clock, steps, answer):
    # given
    steps.deploy(process(
        "p", start(), user("t", "canceling"), end(), boundary("b", "t", timer("Duration", "PT1H")),
        end("stop", "<bpmn:terminateEventDefinition/>"), flows="start>t t>end b>stop"))
    key = steps.start("p")
    clock.advance(hours=1)
    engine.execute(timers.trigger_due)

    # then
    assert "stop" in steps.history(key)
    assert steps.state(key) == "ACTIVE"
    answer("canceling")
    assert steps.state(key) == "COMPLETED"


def test_cancelled_instance_waits_for_listeners_unless_it_is_cancelled_again(engine, steps, answer):
    # given
    steps.deploy(process("p", start(), user("t", "canceling"), end()))
    first, second = steps.start("p", {"id": 1}), steps.start("p", {"id": 2})

    # when
    for key in (first, second):
        engine.execute(instances.cancel, key, "a mistake")
    assert [steps.state(key) for key in (first, second)] == ["ACTIVE", "ACTIVE"]
    engine.execute(instances.cancel, second, "at once")
    answer("canceling")

    # then
    assert [steps.state(key) for key in (first, second)] == ["TERMINATED", "TERMINATED"]
    assert instance_queries.get(engine, first).end_reason == "a mistake"
    assert steps.left_behind() == {}


def test_listener_of_a_cancellation_cannot_deny_it(engine, steps):
    # given
    steps.deploy(process("p", start(), user("t", "canceling"), end()))
    engine.execute(instances.cancel, steps.start("p"), "a mistake")
    [job] = steps.take("on-canceling")

    # then
    with pytest.raises(InvalidInput, match="ASSIGNING, COMPLETING, UPDATING"):
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token, answer=ListenerAnswer(denied="No."))


def test_only_a_listener_of_a_task_can_correct_a_task(engine, steps):
    steps.deploy(process("p", start(), service("s"), end()))
    steps.start("p")
    [job] = steps.take("s")
    with pytest.raises(InvalidInput, match="task listener"):
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token, answer=ListenerAnswer(denied="No."))


CAMUNDA_7 = """
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:modeler="http://camunda.org/schema/modeler/1.0" id="d"
  targetNamespace="t" modeler:executionPlatform="Camunda Platform" modeler:executionPlatformVersion="7.21.0">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:extensionElements>
      <camunda:executionListener event="start" class="opened"/>
      <camunda:executionListener event="end" delegateExpression="${closed}"/>
    </bpmn:extensionElements>
    <bpmn:startEvent id="s"/>
    <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="t"><bpmn:extensionElements>
      <camunda:executionListener class="taken"/></bpmn:extensionElements></bpmn:sequenceFlow>
    <bpmn:userTask id="t"><bpmn:extensionElements>
      <camunda:taskListener event="create" class="created"/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="g" sourceRef="t" targetRef="e"/><bpmn:endEvent id="e"/>
  </bpmn:process>
</bpmn:definitions>"""


def test_listeners_of_process_flow_and_task_of_camunda_7_are_jobs_in_their_order(engine, steps):
    # given
    engine.execute(deploy, [Resource(name="p.bpmn", content=CAMUNDA_7.encode())])
    key = steps.start("p", {"id": 1})

    # when
    heard = []
    while steps.state(key) == "ACTIVE":
        engine.cache._kept.clear()
        taken = steps.take()
        for job in taken:
            heard.append((job.type, job.element_id, job.listener_event, job.variables))
            engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
        if not taken:
            steps.finish()

    # then
    assert heard == [("opened", "p", "START", {"id": 1}), ("taken", "f", "TAKE", {"id": 1}),
                     ("created", "t", "CREATING", {"id": 1}), ("closed", "p", "END", {"id": 1})]
    assert steps.left_behind() == {}
