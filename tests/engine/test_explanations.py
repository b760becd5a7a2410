"""Why an expression gave null is kept for the page of the instance."""

from __future__ import annotations

import pytest

from engine.queries import explanations
from tests.engine import drawing

MAPPED = """<bpmn:serviceTask id="send"><bpmn:extensionElements><zeebe:taskDefinition type="send"/><zeebe:ioMapping>
  <zeebe:input source="=customer.agee" target="age"/><zeebe:output source="=reslt" target="result"/>
  </zeebe:ioMapping></bpmn:extensionElements></bpmn:serviceTask>"""


def told(engine, key):
    return [(row.element_id, row.purpose, row.expression, list(row.reasons))
            for row in reversed(explanations.of_instance(engine, key))]


def test_a_script_and_mappings_that_gave_null_say_why(engine, steps):
    steps.deploy(drawing.process("P", drawing.start(), drawing.script("s", "=amuont * 2", "double"), MAPPED,
                                 drawing.end()))
    key = steps.start("P", {"amount": 3, "customer": {"age": 40}})
    steps.do("send", {"result": 1})
    assert told(engine, key) == [
        ("s", "the script", "amuont * 2",
         ["`amuont` is not there; did you mean `amount`?",
          "Expected values that `*` works on, but they are a Null and a number."]),
        ("send", "input mapping 'age'", "customer.agee", ["A context has no `agee`; did you mean `age`?"]),
        ("send", "output mapping 'result'", "reslt", ["`reslt` is not there; did you mean `result`?"]),
    ]


@pytest.mark.parametrize("expression", ["=null", "=if amount > 5 then 1 else null", "=amount"])
def test_a_null_that_is_meant_needs_no_explanation(engine, steps, expression):
    steps.deploy(drawing.process("P", drawing.start(), drawing.script("s", expression, "found"), drawing.end()))
    key = steps.start("P", {"amount": None if expression == "=amount" else 1})
    assert steps.variables(key)["found"] is None
    assert told(engine, key) == []


def test_a_loop_explains_its_null_once(engine, steps):
    steps.deploy(drawing.process(
        "P", drawing.start(), '<bpmn:exclusiveGateway id="again"/>', drawing.script("s", "=nothing", "found"),
        drawing.script("count", "=i + 1", "i"), '<bpmn:exclusiveGateway id="more" default="more_end"/>', drawing.end(),
        flows="start>again again>s s>count count>more more>again more>end",
    ).replace('id="more_again" sourceRef="more" targetRef="again"/>',
              'id="more_again" sourceRef="more" targetRef="again"><bpmn:conditionExpression '
              'xsi:type="bpmn:tFormalExpression">=i &lt; 50</bpmn:conditionExpression></bpmn:sequenceFlow>'))
    key = steps.start("P", {"i": 0})
    assert steps.variables(key)["i"] == 50
    assert len(told(engine, key)) == 1
