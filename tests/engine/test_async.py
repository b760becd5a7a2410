"""Asynchronous continuations of Camunda 7: what they are drawn for holds here at every element, with and without them.

Camunda 7 runs from one wait state to the next in the caller's thread, and rolls all of it back if something fails; an
`asyncBefore` or `asyncAfter` is a save point in between. Here a failure never rolls back what went before.
"""

from __future__ import annotations

import pytest

from engine import variables
from engine.queries import lists
from engine.work import jobs
from tests.engine.drawing import end, process, start

EMPTY = ""
MARKS = [EMPTY, 'camunda:asyncBefore="true"', 'camunda:asyncAfter="true" camunda:exclusive="false"']


@pytest.mark.parametrize("marks", MARKS)
def test_what_went_before_stays_when_an_element_fails(engine, steps, marks):
    # given
    steps.deploy7(process(
        "p", start(), '<bpmn:serviceTask id="pay" camunda:class="pay"/>',
        f'<bpmn:serviceTask id="split" {marks} camunda:expression="${{100 / people}}" camunda:resultVariable="each"/>',
        end()))
    key = steps.start("p", {"people": 0})

    # when the answer of the worker leads to the element that fails
    [job] = steps.take("pay")
    engine.execute(jobs.complete, job.key, {"paid": True}, lock_token=job.lock_token)

    # then the worker is not told of it, and its work is kept
    [incident] = lists.incidents(engine).items
    assert incident.element_id == "split"
    assert steps.take("pay") == []
    assert steps.variables(key) == {"people": 0, "paid": True}

    # when somebody mends it, just that element is done again
    engine.execute(variables.set, key, {"people": 4})
    steps.resolve()
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key)["each"] == 25
    assert steps.history(key) == ["start", "pay", "split", "end"]
    assert steps.left_behind() == {}


@pytest.mark.parametrize("marks", MARKS)
def test_failure_in_one_branch_does_not_undo_the_other(engine, steps, marks):
    # given two branches of which the first fails at once
    steps.deploy7(process(
        "p", start(), '<bpmn:parallelGateway id="fork"/>',
        f'<bpmn:serviceTask id="bad" {marks} camunda:expression="${{1 / zero}}" camunda:resultVariable="x"/>',
        '<bpmn:serviceTask id="good" camunda:class="work"/>', end("e1"), end("e2"),
        flows="start>fork fork>bad fork>good bad>e1 good>e2"))
    key = steps.start("p", {"zero": 0})

    # then
    assert len(steps.take("work")) == 1
    assert steps.at(key) == ["bad", "good"]
