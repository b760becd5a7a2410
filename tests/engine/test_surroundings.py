"""What expressions know of where they run: the engine's time, and the instance in Camunda 7's words."""

from __future__ import annotations

import pytest

from engine import definitions, instances
from engine.definitions import Resource
from engine.engine import Engine
from engine.queries import instance, lists
from tests.engine import drawing

CAMUNDA_7 = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:modeler="http://camunda.org/schema/modeler/1.0"
  modeler:executionPlatform="Camunda Platform" modeler:executionPlatformVersion="7.21.0">
  <bpmn:process id="P" isExecutable="true" camunda:historyTimeToLive="180">
    <bpmn:startEvent id="start"/><bpmn:sequenceFlow id="a" sourceRef="start" targetRef="s"/>
    <bpmn:scriptTask id="s" scriptFormat="juel" camunda:resultVariable="found"><bpmn:script>{}</bpmn:script>
    </bpmn:scriptTask>
    <bpmn:sequenceFlow id="b" sourceRef="s" targetRef="end"/><bpmn:endEvent id="end"/>
  </bpmn:process></bpmn:definitions>"""


def ask(engine, expression):
    content = CAMUNDA_7.format(expression).encode()
    engine.execute(definitions.deploy, [Resource(name="p.bpmn", content=content)])
    key = engine.execute(instances.start, "P", business_id="order-7", variables={"amount": 3}).key
    return key, instance.variables(engine, key)


@pytest.mark.parametrize(("expression", "expected"), [
    ("${execution.processBusinessKey}", "order-7"), ("${execution.getProcessBusinessKey()}", "order-7"),
    ("${execution.id}", "KEY"), ("${execution.processInstanceId}", "KEY"), ("${execution.getVariable('amount')}", 3),
    ("Order ${execution.businessKey}", "Order order-7"),
])
def test_an_expression_of_camunda_7_asks_for_its_execution(engine, expression, expected):
    key, variables = ask(engine, expression)
    assert variables == {"amount": 3, "found": str(key) if expected == "KEY" else expected}


def test_what_the_execution_does_not_tell_is_an_incident_that_names_what_it_does(engine):
    ask(engine, "${execution.currentActivityId}")
    [incident] = lists.incidents(engine).items
    assert "currentActivityId" in incident.message
    assert "processBusinessKey" in incident.message


@pytest.mark.parametrize("expression", ["execution", "execution.processBusinessKey"])
def test_feel_sees_no_execution(engine, steps, expression):
    steps.deploy(drawing.process("P", drawing.start(), drawing.script("s", f"={expression}", "found"), drawing.end()))
    assert steps.variables(steps.start("P", business_id="x"))["found"] is None


def test_now_is_the_engines_time_in_its_time_zone(database_url, clock):
    engine = Engine(database_url, clock=clock, time_zone="Europe/Berlin")
    file = drawing.file(drawing.process("P", drawing.start(), drawing.script("s", "=[now(), today()]", "found"),
                                        drawing.end()))
    engine.execute(definitions.deploy, [file])
    key = engine.execute(instances.start, "P").key
    assert instance.variables(engine, key)["found"] == ["2030-01-31T13:00:00+01:00", "2030-01-31"]
    engine.close()


def test_now_in_juel_is_the_engines_time_too(engine, clock):
    _, variables = ask(engine, "${now()}")
    assert variables["found"].startswith("2030-01-31T12:00:00")
