"""Ad-hoc sub-processes that a worker leads: it says what is done next, until it says that it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bpmn.interpreter import Directions
from engine import incidents, messages
from engine.errors import InvalidInput, WrongState
from engine.queries import lists
from engine.work import jobs
from tests.engine.drawing import boundary, end, message, message_of, process, service, start

INSIDE = (service("search") + service("mail") + '<bpmn:sequenceFlow id="f" sourceRef="mail" targetRef="log"/>'
          + service("log"))


def led(inside: str = INSIDE) -> str:
    agent = '<zeebe:taskDefinition type="agent"/><zeebe:adHoc outputCollection="found" outputElement="=answer"/>'
    return (f'<bpmn:adHocSubProcess id="tools"><bpmn:extensionElements>{agent}</bpmn:extensionElements>{inside}'
            f"</bpmn:adHocSubProcess>")


@pytest.fixture
def tools(steps):
    steps.deploy(process("p", start(), led(), service("after"), end(), flows="start>tools tools>after after>end"))
    return steps


@pytest.fixture
def say(engine, steps):
    """Answers as the worker that leads."""
    def saying(*activate, variables=None, **more):
        engine.cache._kept.clear()      # every step from what was saved
        [job] = steps.take("agent")
        assert job.kind == "AD_HOC_SUB_PROCESS"
        engine.execute(jobs.complete, job.key, variables, lock_token=job.lock_token,
                       answer=Directions(activate=list(activate), **more))
        return job
    return saying


def test_worker_is_asked_at_the_beginning_and_whenever_a_flow_inside_has_ended(tools, say):
    # given
    key = tools.start("p", {"answer": None})

    # when
    job = say(("search", {"query": "bpmn"}), variables={"round": 1})
    assert [one["elementId"] for one in job.variables["adHocSubProcessElements"]] == ["search", "mail"]
    [inner] = tools.take("search")
    assert inner.variables["query"] == "bpmn"
    assert tools.take("agent") == []
    tools.engine.execute(jobs.complete, inner.key, {"answer": "a standard"}, lock_token=inner.lock_token)
    say(("mail", {}))
    tools.do("mail")
    assert tools.take("agent") == []
    tools.do("log", {"answer": "sent"})
    say(over=True)

    # then
    assert tools.at(key) == ["after"]
    assert tools.variables(key) == {"answer": "sent", "round": 1, "found": ["a standard", "sent"]}
    tools.do("after")
    assert tools.left_behind() == {}


def test_an_older_question_is_void_when_another_flow_ends(tools, say):
    # given two activities at once
    tools.start("p")
    say(("search", {}), ("mail", {}))
    tools.do("search")
    [first] = tools.take("agent")

    # when the other one ends before the worker has answered
    tools.do("mail")
    tools.do("log")

    # then there is one question, a new one
    [second] = tools.take("agent")
    assert second.key != first.key
    with pytest.raises(WrongState, match="canceled"):
        tools.engine.execute(jobs.complete, first.key, answer=Directions(over=True))


@pytest.mark.parametrize(("cancel", "at"), [(True, ["after"]), (False, ["search", "tools"])])
def test_when_it_is_over_what_is_under_way_is_cancelled_or_waited_for(tools, say, cancel, at):
    # given
    key = tools.start("p", {"answer": 1})
    say(("search", {}), ("mail", {}))
    tools.do("mail")
    tools.do("log")

    # when
    say(over=True, cancel_rest=cancel)

    # then
    assert tools.at(key) == at
    if not cancel:
        tools.do("search")
        assert tools.at(key) == ["after"]
    tools.do("after")
    assert tools.left_behind() == {}


def test_element_that_is_not_inside_is_refused_and_the_job_stays(engine, tools):
    tools.start("p")
    [job] = tools.take("agent")
    with pytest.raises(InvalidInput, match="some of search, mail, but found after"):
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token, answer=Directions(activate=[("after", {})]))
    assert engine.execute(jobs.extend_lock, job.key, timedelta(minutes=1)) is not None


def test_worker_that_says_nothing_is_asked_again_after_an_incident(engine, tools, say):
    # given
    key = tools.start("p", {"answer": 1})
    say()
    [incident] = lists.incidents(engine).items
    assert "Expected the worker to activate an element of 'tools'" in incident.message

    # when
    engine.execute(incidents.resolve, incident.key)
    say(over=True)

    # then
    assert tools.at(key) == ["after"]


def test_worker_that_fails_is_an_incident_and_its_job_is_done_again(engine, tools, say):
    # given
    key = tools.start("p")
    [job] = tools.take("agent")
    engine.execute(jobs.fail, job.key, "no model", retries=0, lock_token=job.lock_token)
    [incident] = lists.incidents(engine).items
    assert (incident.element_id, incident.type) == ("tools", "JOB_NO_RETRIES")

    # when
    engine.execute(incidents.resolve, incident.key)

    # then
    assert say(over=True).key == job.key
    assert tools.at(key) == ["after"]


def test_interrupting_event_inside_ends_what_the_worker_led(engine, steps, say):
    # given
    handler = ('<bpmn:subProcess id="esp" triggeredByEvent="true"><bpmn:startEvent id="es">'
               f'{message("m")}</bpmn:startEvent><bpmn:sequenceFlow id="ef" sourceRef="es" targetRef="ee"/>'
               '<bpmn:endEvent id="ee"/></bpmn:subProcess>')
    steps.deploy(message_of("m", "stop", "=id"), process(
        "p", start(), led(INSIDE + handler), service("after"), end(), flows="start>tools tools>after after>end"))
    key = steps.start("p", {"id": "7", "answer": 1})
    say(("search", {}))

    # when
    engine.execute(messages.publish, "stop", "7")

    # then
    assert steps.at(key) == ["after"]
    steps.do("after")
    assert steps.left_behind() == {}


def test_only_the_worker_that_leads_gives_directions(engine, steps):
    steps.deploy(process("p", start(), service("s"), end(), boundary("b", "s", message("m")), end("e2"),
                         flows="start>s s>end b>e2"), message_of("m", "x", "1"))
    steps.start("p")
    [job] = steps.take("s")
    with pytest.raises(InvalidInput, match="to lead an ad-hoc sub-process"):
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token, answer=Directions(over=True))
