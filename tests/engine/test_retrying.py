"""What a diagram says about jobs that fail: waits between attempts, and failures that are BPMN errors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import variables
from engine.queries import lists
from engine.work import jobs
from tests.engine.drawing import boundary, end, error, error_of, process, start


def service(inner: str, attributes: str = 'camunda:class="work"') -> str:
    return (f'<bpmn:serviceTask id="s" {attributes}><bpmn:extensionElements>{inner}</bpmn:extensionElements>'
            f"</bpmn:serviceTask>")


def cycle(text: str) -> str:
    return f"<camunda:failedJobRetryTimeCycle>{text}</camunda:failedJobRetryTimeCycle>"


@pytest.mark.parametrize(("text", "given"), [
    ("PT1M,PT1H", {}), ("${waits}", {"waits": "PT1M,PT1H"}),
])
def test_job_that_fails_waits_as_long_as_the_diagram_says(engine, clock, steps, text, given):
    # given
    steps.deploy7(process("p", start(), service(cycle(text)), end()))
    steps.start("p", given)

    # when
    for minutes, left in ((1, 2), (60, 1)):
        [job] = steps.take("work")
        engine.execute(jobs.fail, job.key, "down", lock_token=job.lock_token)
        assert steps.take("work") == []
        clock.advance(minutes=minutes, seconds=-1)
        assert steps.take("work") == []
        clock.advance(seconds=1)
        [again] = steps.take("work")
        assert again.retries == left
        engine.execute(jobs.give_back, [again])
    [job] = steps.take("work")
    engine.execute(jobs.fail, job.key, "down for good", lock_token=job.lock_token)

    # then
    [incident] = lists.incidents(engine).items
    assert (incident.type, incident.message) == ("JOB_NO_RETRIES", "down for good")


def test_worker_that_says_when_to_try_again_is_obeyed(engine, steps):
    steps.deploy7(process("p", start(), service(cycle("R3/PT1H")), end()))
    steps.start("p")
    [job] = steps.take("work")
    engine.execute(jobs.fail, job.key, "busy", retry_in=timedelta(), lock_token=job.lock_token)
    assert len(steps.take("work")) == 1


def test_cycle_that_cannot_be_read_is_an_incident_that_can_be_mended(engine, steps):
    # given
    steps.deploy7(process("p", start(), service(cycle("${waits}")), end()))
    key = steps.start("p", {"waits": "often"})
    [incident] = lists.incidents(engine).items
    assert "Expected a retry time cycle such as R3/PT10M" in incident.message

    # when
    engine.execute(variables.set, key, {"waits": "R2/PT1S"})
    steps.resolve()

    # then
    assert steps.take("work")[0].retries == 2


EXTERNAL = 'camunda:type="external" camunda:topic="work"'


@pytest.fixture
def declared(steps):
    inner = ('<camunda:errorEventDefinition id="x" errorRef="down" '
             'expression="${externalTask.errorMessage == \'no network\'}"/>'
             '<camunda:errorEventDefinition id="y" errorRef="poor" expression="${balance &lt; 0}"/>')
    steps.deploy7(
        error_of("down", "DOWN"), error_of("poor", "POOR"),
        process("p", start(), service(inner, EXTERNAL), end(), boundary("b", "s", error("down")), end("e1"),
                boundary("c", "s", error("poor")), end("e2"), flows="start>s s>end b>e1 c>e2"))
    return steps


@pytest.mark.parametrize(("message", "way"), [("no network", "e1"), ("no luck", None)])
def test_failure_that_the_diagram_knows_is_a_bpmn_error(engine, declared, message, way):
    key = declared.start("p", {"balance": 1})
    [job] = declared.take("work")
    engine.execute(jobs.fail, job.key, message, lock_token=job.lock_token)
    assert (way in declared.history(key)) if way else declared.at(key) == ["s"]


@pytest.mark.parametrize(("balance", "way"), [(-1, "e2"), (1, "end")])
def test_result_that_the_diagram_knows_is_a_bpmn_error(engine, declared, balance, way):
    key = declared.start("p", {"balance": 0})
    declared.do("work", {"balance": balance})
    assert way in declared.history(key)
    assert declared.variables(key) == {"balance": balance}
    assert declared.left_behind() == {}


def test_rule_that_cannot_be_evaluated_is_an_incident(engine, declared):
    declared.start("p")
    declared.do("work")
    [incident] = lists.incidents(engine).items
    assert incident.type == "EXTRACT_VALUE_ERROR"
    assert "Expected to tell whether the answer is an error" in incident.message
